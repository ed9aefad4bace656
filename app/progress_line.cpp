// SPDX-License-Identifier: GPL-3.0-only
#include "progress_line.h"

#include <QLocale>

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr auto askEvery = std::chrono::milliseconds(250);

std::string shown(qint64 number)
{
    return QLocale(QLocale::English).toString(number).toStdString();
}

} // namespace

ProgressLine::ProgressLine(ManagementClient &client, std::string title) : m_client(client), m_title(std::move(title))
{
    if (isatty(STDERR_FILENO) == 1)
        m_thread.start("progress", [this] { run(); });
}

ProgressLine::~ProgressLine()
{
    if (m_thread.end())
        std::fputs("\r\033[K", stderr);
}

void ProgressLine::run()
{
    while (!m_thread.endsWithin(askEvery)) {
        const ApiAnswer answer = m_client.call("GET", "/manage/audit/verify");
        const qint64 total = answer.body.value(QLatin1String("events_total")).toInteger();
        const qint64 done = std::clamp<qint64>(answer.body.value(QLatin1String("events_done")).toInteger(), 0, std::max<qint64>(total, 0));
        if (answer.ok() && total > 0)
            std::fprintf(stderr, "\r\033[K%s  %d %%  %s of %s events", m_title.c_str(), static_cast<int>(100.0 * static_cast<double>(done) / static_cast<double>(total)), shown(done).c_str(),
                         shown(total).c_str());
    }
}

} // namespace llmproxy
