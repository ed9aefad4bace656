// SPDX-License-Identifier: GPL-3.0-only
// The console under load, measured from inside; tests/bench/console.py sets it up and prints the table.
//   bench_console load DATA_DIR UPSTREAM_PORT SECONDS
//       the whole console with its engine. Prints {"address","token","first_window_ms"} when it is ready; a line on stdin begins:
//       every page is walked through while a watchdog asks the GUI thread each millisecond whether it is there. Then prints
//       {"longest_ms","p99_ms","asked"}; with SECONDS 0 it idles until stdin ends.
//   bench_console audit ROWS
//       the audit page over so many made events, scrolled from end to end; prints {"grown_bytes","pages_read"}
// Threads: GUI, the watchdog's, and what the console has.
#include "desktop_host.h"
#include "pages/audit/audit_page.h"
#include "shell/main_window.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QJsonArray>
#include <QJsonDocument>
#include <QScrollBar>
#include <QSemaphore>
#include <QSettings>
#include <QSocketNotifier>
#include <QTemporaryDir>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>
#include <unistd.h>

using namespace llmproxy;
using namespace llmproxy::ui;
using namespace Qt::StringLiterals;

namespace {

void print(const QJsonObject &object)
{
    std::printf("%s\n", QJsonDocument(object).toJson(QJsonDocument::Compact).constData());
    std::fflush(stdout);
}

// Since the process was started, from /proc/self/stat (in ticks) and the system's uptime.
double sinceStartMs()
{
    std::ifstream stat("/proc/self/stat"), uptime("/proc/uptime");
    std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string field;
    for (int i = 3; i <= 22; ++i)
        fields >> field;
    double now = 0;
    uptime >> now;
    return now * 1000 - std::stod(field) * 1000 / static_cast<double>(sysconf(_SC_CLK_TCK));
}

qint64 residentBytes()
{
    std::ifstream statm("/proc/self/statm");
    qint64 size = 0, resident = 0;
    statm >> size >> resident;
    return resident * sysconf(_SC_PAGESIZE);
}

// Asks the GUI thread each millisecond, and notes how long it took to answer.
class Watchdog
{
public:
    ~Watchdog() { finish(); }
    void begin()
    {
        m_thread = std::thread([this] {
            while (true) {
                QElapsedTimer timer;
                timer.start();
                QMetaObject::invokeMethod(qApp, [this] { m_answered.release(); }, Qt::QueuedConnection);
                m_answered.acquire();
                m_waits.push_back(timer.nsecsElapsed());
                if (m_stop.tryAcquire(1, 1))
                    break;
            }
        });
    }
    void finish()
    {
        if (!m_thread.joinable())
            return;
        m_stop.release();
        m_answered.release(); // this thread cannot answer while it waits
        m_thread.join();
    }
    QJsonObject result()
    {
        std::sort(m_waits.begin(), m_waits.end());
        const auto ms = [](qint64 ns) { return static_cast<double>(ns) / 1e6; };
        return {{u"longest_ms"_s, ms(m_waits.back())}, {u"p99_ms"_s, ms(m_waits.at(m_waits.size() * 99 / 100))}, {u"asked"_s, qint64(m_waits.size())}};
    }

private:
    std::thread m_thread;
    // Not std::counting_semaphore, which may sleep for ever (gcc.gnu.org/PR104928, in GCC 12.2).
    QSemaphore m_answered, m_stop;
    std::vector<qint64> m_waits;
};

class FirstPaint final : public QObject
{
public:
    double atMs = 0;
    bool eventFilter(QObject *watched, QEvent *event) override
    {
        if (event->type() == QEvent::Paint && atMs == 0)
            atMs = sinceStartMs();
        return QObject::eventFilter(watched, event);
    }
};

int runLoad(const std::string &dataDir, int upstreamPort, int seconds)
{
    GlobalOptions options;
    options.flags = {{"DATA_DIR", dataDir}, {"LISTEN_ADDR", "127.0.0.1:0"}, {"LOG_FILE", dataDir + "/log"}, {"IP_RATE_LIMIT", "0"}};
    DesktopHost host(options);
    Theme::instance().apply(Theme::Choice::Light);
    Session session(host);
    MainWindow window(host, session);
    FirstPaint paint;
    window.installEventFilter(&paint);
    session.useLocal();
    window.show();
    Watchdog watchdog;
    const auto ready = std::make_shared<QMetaObject::Connection>();
    *ready = QObject::connect(&session.client(), &Client::overviewChanged, &window, [&, ready] {
        QObject::disconnect(*ready);
        const QJsonObject project{{u"name"_s, u"Bench"_s}, {u"id"_s, u"proj-bench"_s}, {u"api_key"_s, u"sk-bench0123456789abcdef"_s}, {u"base_url"_s, u"http://127.0.0.1:%1"_s.arg(upstreamPort)}};
        session.client().send("POST", u"/manage/projects"_s, project, &window, [&](const Reply &) {
            session.client().send("POST", u"/manage/tokens"_s, {{u"project_id"_s, u"proj-bench"_s}, {u"rate_limit"_s, 0}}, &window, [&](const Reply &made) {
                print({{u"address"_s, session.client().overview().value("listen"_L1)}, {u"token"_s, made.body.value("token"_L1)}, {u"first_window_ms"_s, paint.atMs}});
            });
        });
    });
    QSocketNotifier input(STDIN_FILENO, QSocketNotifier::Read);
    QTimer walk, end;
    QObject::connect(&input, &QSocketNotifier::activated, &window, [&] {
        char line[64];
        if (read(STDIN_FILENO, line, sizeof line) <= 0)
            QApplication::exit();
        else if (seconds > 0) {
            input.setEnabled(false);
            watchdog.begin();
            walk.start(400);
            end.singleShot(seconds * 1000, &window, [&] {
                watchdog.finish();
                print(watchdog.result());
                walk.stop();
                input.setEnabled(true); // its end is ours: the clients may not be through yet
            });
        }
    });
    int step = 0;
    walk.callOnTimeout([&] {
        const Page *page = window.pages().at(step++ % window.pages().size());
        window.openPage(page->id());
        for (auto *bar : window.findChildren<QScrollBar *>()) {
            if (bar->isVisible())
                bar->setValue(step % 2 ? bar->maximum() : bar->maximum() / 3);
        }
    });
    return QApplication::exec();
}

// As many events as asked for, each made when it is asked for.
class MadeLog final : public Peer
{
public:
    explicit MadeLog(qint64 rows) : m_rows(rows) {}
    std::atomic<int> read{0};

    Reply call(const QByteArray &, const QString &path, const ui::Query &query, const QByteArray &) override
    {
        Reply reply;
        reply.status = 200;
        if (path != "/manage/audit"_L1)
            return reply;
        ++read;
        qint64 from = m_rows;
        int limit = 50;
        bool up = false;
        for (const auto &[name, value] : query) {
            from = name == "around"_L1 ? value.toLongLong() : from;
            limit = name == "limit"_L1 ? value.toInt() : limit;
            up = up || (name == "sort"_L1 && value == "created_at"_L1);
        }
        QJsonArray items;
        for (int i = 0; i < limit; ++i)
            items.append(event(up ? i + 1 : from - i));
        reply.body = {{u"items"_s, items}};
        return reply;
    }
    Reply stream(const QString &, const ui::Query &, const Sink &) override { return {}; }

private:
    static QJsonObject event(qint64 seq)
    {
        return {{u"timestamp"_s, u"2026-01-31T12:00:00.000Z"_s}, {u"action"_s, u"token.access"_s}, {u"actor"_s, u"client"_s}, {u"project_id"_s, u"proj-%1"_s.arg(seq % 100)},
                {u"request_id"_s, QString::number(seq * 7919)}, {u"client_ip"_s, u"10.0.0.%1"_s.arg(seq % 250)}, {u"result"_s, u"success"_s}, {u"seq"_s, seq}, {u"hash"_s, QString(64, u'a')},
                {u"prev"_s, QString(64, u'b')}, {u"details"_s, QJsonObject{{u"endpoint"_s, u"/v1/chat/completions"_s}, {u"status"_s, 200}, {u"token_id"_s, u"tok-1234****cdef"_s}}}};
    }
    const qint64 m_rows;
};

int runAudit(qint64 rows)
{
    const auto log = std::make_shared<MadeLog>(rows);
    Client client;
    client.setPeer(log, u"made"_s);
    ProjectNames names(client);
    AuditModel model(client, names);
    LongTable table(model, u"bench"_s, u"bench"_s);
    table.resize(1000, 700);
    table.show();
    QApplication::processEvents();
    const qint64 before = residentBytes();
    model.reload();
    int step = 0;
    constexpr int steps = 1000;
    QTimer timer;
    timer.callOnTimeout([&] {
        if (model.rowCount() == 0)
            return;
        if (step++ == steps) {
            print({{u"grown_bytes"_s, residentBytes() - before}, {u"pages_read"_s, log->read.load()}, {u"rows"_s, model.rowCount()}});
            QApplication::exit();
            return;
        }
        table.scrollBar()->setValue(static_cast<int>(qint64{table.scrollBar()->maximum()} * step / steps));
    });
    timer.start(4);
    return QApplication::exec();
}

} // namespace

int main(int argc, char **argv)
{
    const QTemporaryDir settings;
    QApplication application(argc, argv);
    QApplication::setOrganizationName(u"llm-proxy-bench"_s);
    QSettings::setDefaultFormat(QSettings::IniFormat);
    QSettings::setPath(QSettings::IniFormat, QSettings::UserScope, settings.path());
    QApplication::setQuitOnLastWindowClosed(false);
    const QStringList arguments = QApplication::arguments();
    if (arguments.size() == 5 && arguments.at(1) == "load"_L1)
        return runLoad(arguments.at(2).toStdString(), arguments.at(3).toInt(), arguments.at(4).toInt());
    if (arguments.size() == 3 && arguments.at(1) == "audit"_L1)
        return runAudit(arguments.at(2).toLongLong());
    std::fprintf(stderr, "usage: see the first lines of tests/bench/console.cpp\n");
    return 2;
}
