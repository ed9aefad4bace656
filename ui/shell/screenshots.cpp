// SPDX-License-Identifier: GPL-3.0-only
#include "shell/screenshots.h"

#include "pages/projects/project_dialog.h"
#include "pages/tokens/token_dialog.h"
#include "shell/command_palette.h"
#include "shell/demo_data.h"
#include "shell/first_run.h"
#include "shell/main_window.h"

#include <QApplication>
#include <QDir>
#include <QJsonArray>
#include <QTableView>

#include <cstdio>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int settleMs = 900; // answers and two ticks of the feed
constexpr int mostFillMs = 120'000;
constexpr int leastCounted = 100; // of a day's requests

struct Scene
{
    QString name;
    std::function<QWidget *()> open; // what is pictured; closed afterwards when it is a dialog
};

class Photographer final : public QObject
{
public:
    Photographer(MainWindow &window, const QString &folder) : m_window(window), m_folder(folder)
    {
        for (const Page *page : window.pages())
            m_scenes.append({page->id(), [this, id = page->id()] { return openPage(id); }});
        m_scenes.append({u"new-project"_s, [this]() -> QWidget * { return new ProjectDialog(m_window.console().client, {}, &m_window); }});
        m_scenes.append({u"new-token"_s, [this]() -> QWidget * { return new TokenFormDialog(m_window.console().client, projects(), u"proj-agents"_s, &m_window); }});
        m_scenes.append({u"first-run"_s, [this]() -> QWidget * { return new FirstRun(m_window.console(), &m_window); }});
        m_scenes.append({u"palette"_s, [this]() -> QWidget * { return new CommandPalette(m_window); }});
    }

    void start()
    {
        m_window.resize(1280, 800);
        m_window.show();
        begin();
    }

private:
    QWidget *openPage(const QString &id)
    {
        m_window.openPage(id);
        if (id == "audit"_L1)
            m_window.openPage(id, {{u"action"_s, u"token.*"_s}});
        if (id == "settings"_L1)
            m_window.openPage(id, {{u"group"_s, u"Network"_s}});
        return &m_window;
    }

    static QJsonArray projects()
    {
        return {QJsonObject{{u"name"_s, u"Coding agents"_s}, {u"id"_s, u"proj-agents"_s}, {u"is_active"_s, true}}};
    }

    void begin()
    {
        if (m_next == m_scenes.size() * 2) {
            QApplication::exit(); // quit() asks whether streams may end
            return;
        }
        const bool dark = m_next >= m_scenes.size();
        const Theme::Choice choice = dark ? Theme::Choice::Dark : Theme::Choice::Light;
        if (Theme::instance().choice() != choice)
            Theme::instance().apply(choice);
        const Scene &scene = m_scenes.at(m_next % m_scenes.size());
        QWidget *shown = scene.open();
        shown->show();
        QTimer::singleShot(settleMs / 2, this, [this] { selectSomething(); });
        QTimer::singleShot(settleMs, this, [this, shown, name = scene.name + (dark ? u"-dark"_s : u"-light"_s)] {
            m_window.console().toast->hide();
            for (const double scale : {1.0, 1.5})
                save(shown, scale, name + (scale > 1 ? u"@1.5x"_s : QString()));
            if (shown != &m_window)
                delete shown;
            ++m_next;
            begin();
        });
    }

    // A chosen row shows what can be done with it.
    void selectSomething()
    {
        for (auto *table : m_window.findChildren<QTableView *>()) {
            if (table->isVisible() && table->model() && table->model()->rowCount() > 2)
                table->selectRow(1);
        }
    }

    void save(QWidget *widget, double scale, const QString &name)
    {
        QPixmap picture(widget->size() * scale);
        picture.setDevicePixelRatio(scale);
        picture.fill(Theme::instance().colors().window);
        widget->render(&picture);
        picture.save(m_folder + u'/' + name + u".png"_s);
    }

    MainWindow &m_window;
    const QString m_folder;
    QList<Scene> m_scenes;
    qsizetype m_next = 0;
};

} // namespace

int writeScreenshots(MainWindow &window, Session &session, const QString &folder)
{
    if (!QDir().mkpath(folder))
        return 1;
    DemoData data(window.console());
    Photographer photographer(window, folder);
    bool isFilled = false;
    // Usage is written up to ten seconds behind: the charts wait for it.
    QTimer counted;
    counted.callOnTimeout(&photographer, [&] {
        session.client().get(u"/manage/usage"_s, {}, &photographer, [&](const Reply &reply) {
            if (isFilled || reply.body.value("total"_L1).toObject().value("requests"_L1).toInt() < leastCounted)
                return;
            isFilled = true;
            counted.stop();
            photographer.start();
        });
    });
    QObject::connect(&data, &DemoData::filled, &photographer, [&] { counted.start(settleMs); });
    const auto begin = std::make_shared<QMetaObject::Connection>();
    *begin = QObject::connect(&session.client(), &Client::overviewChanged, &data, [&data, begin] {
        QObject::disconnect(*begin);
        data.start();
    });
    const auto giveUp = [](const QString &reason) {
        std::fprintf(stderr, "llm-proxy: no pictures: %s\n", qPrintable(reason));
        QApplication::exit(1);
    };
    QObject::connect(&session.engine(), &EngineControl::stateChanged, &photographer, [&] {
        if (session.engine().state() == EngineControl::State::Failed)
            giveUp(session.engine().problem());
    });
    QTimer::singleShot(mostFillMs, &photographer, [&] {
        if (!isFilled)
            giveUp(u"the demo's traffic was not counted within %1 s"_s.arg(mostFillMs / 1000));
    });
    return QApplication::exec();
}

} // namespace llmproxy::ui
