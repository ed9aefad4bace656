// SPDX-License-Identifier: GPL-3.0-only
#include "pages/audit/verify_dialog.h"

#include "client/answer.h"
#include "style/format.h"
#include "widgets/parts.h"

#include <QJsonArray>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int problemsShown = 10;

QString numberOf(const QJsonObject &object, const QLatin1String &name)
{
    return QString::number(whole(object.value(name), 0, largestNumber, 0));
}

} // namespace

VerifyDialog::VerifyDialog(Client &client, QWidget *parent) : QDialog(parent), m_client(client), m_text(wrapped(tr("Reading every event of the files and the table …"))), m_bar(new QProgressBar), m_results(new QVBoxLayout)
{
    setWindowTitle(tr("Verify the audit log"));
    setAttribute(Qt::WA_DeleteOnClose);
    setModal(true);
    setMinimumWidth(560);
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(Theme::margin, Theme::margin, Theme::margin, Theme::margin);
    column->setSpacing(12);
    column->addWidget(label(tr("Verify the audit log"), "title"));
    column->addWidget(m_text);
    m_bar->setRange(0, 0);
    m_bar->setTextVisible(false);
    m_bar->setAccessibleName(tr("Progress"));
    column->addWidget(m_bar);
    column->addLayout(m_results);
    auto *row = new QHBoxLayout;
    row->addStretch();
    QPushButton *close = button(tr("Close"));
    close->setToolTip(tr("The verification continues on the server; its result is recorded in the log"));
    connect(close, &QPushButton::clicked, this, &QDialog::accept);
    row->addWidget(close);
    column->addLayout(row);
    m_timer.callOnTimeout(this, &VerifyDialog::ask);
    m_timer.start(progressMs);
    client.send("POST", u"/manage/audit/verify"_s, {}, this, [this](const Reply &reply) { show(reply); });
}

void VerifyDialog::ask()
{
    if (std::exchange(m_isAsking, true)) // a slow server is not asked more often than it answers
        return;
    m_client.get(u"/manage/audit/verify"_s, {}, this, [this](const Reply &reply) {
        m_isAsking = false;
        const double total = reply.body.value("events_total"_L1).toDouble(), done = reply.body.value("events_done"_L1).toDouble();
        if (!m_timer.isActive() || !reply.ok() || total <= 0)
            return;
        m_bar->setRange(0, 1000);
        m_bar->setValue(static_cast<int>(std::clamp(1000 * done / total, 0.0, 1000.0)));
        m_text->setText(tr("%1 of %2 events").arg(count(done), count(total)));
    });
}

void VerifyDialog::show(const Reply &reply)
{
    m_timer.stop();
    m_bar->hide();
    if (!reply.ok()) {
        m_text->setText(shown(sentenceOf(reply)));
        setRole(m_text, "problem");
        return;
    }
    const QJsonObject &body = reply.body;
    const bool good = body.value("valid"_L1).toBool();
    m_text->setText(good ? tr("The log is intact: nothing changed, nothing missing. It took %1.").arg(duration(whole(body.value("duration_ms"_L1), 0, largestNumber, 0)))
                         : tr("The log was changed or is incomplete: %1").arg(shown(body.value("problem"_L1).toString())));
    auto *badge = new Badge;
    badge->set(good ? tr("Valid") : tr("Not valid, from event %1").arg(numberOf(body, "first_bad_seq"_L1)), good ? Tone::Good : Tone::Bad);
    m_results->addWidget(badge);
    for (const auto &[name, title] : {std::pair{"file"_L1, tr("Files")}, std::pair{"table"_L1, tr("Table")}}) {
        const QJsonObject part = body.value(name).toObject();
        if (part.isEmpty())
            continue;
        m_results->addWidget(wrapped(tr("%1 – events: %2 (%3 to %4), signed checkpoints: %5, signed up to %6")
                                         .arg(title, count(part.value("events"_L1).toDouble()), numberOf(part, "first_seq"_L1), numberOf(part, "last_seq"_L1),
                                              count(part.value("checkpoints"_L1).toDouble()), numberOf(part, "signed_to_seq"_L1)),
                                     "muted"));
        int shown = 0;
        for (const QJsonValue &one : part.value("problems"_L1).toArray()) {
            if (++shown > problemsShown)
                break;
            const qint64 seq = whole(one.toObject().value("seq"_L1), 1, largestNumber, 0);
            QPushButton *go = button(tr("Event %1: %2").arg(seq).arg(asCaption(one.toObject().value("message"_L1).toString())), {}, "link");
            connect(go, &QPushButton::clicked, this, [this, seq] {
                Q_EMIT showEvent(seq);
                accept();
            });
            m_results->addWidget(go);
        }
    }
}

} // namespace llmproxy::ui
