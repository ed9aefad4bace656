// SPDX-License-Identifier: GPL-3.0-only
#include "shell/tray.h"

#include "dialogs/stop_question.h"
#include "shell/main_window.h"
#include "style/format.h"

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

Tray::Tray(MainWindow &window, Session &session) : QObject(&window), m_window(window), m_session(session), m_menu(new QMenu(&window))
{
    m_menu->addAction(tr("Open LLM Proxy"), &m_window, &MainWindow::bringUp);
    m_engine = m_menu->addAction({}, this, [this] { startOrStop(); });
    m_menu->addSeparator();
    m_menu->addAction(tr("Quit"), &m_window, &MainWindow::quit);
    m_icon.setContextMenu(m_menu);
    connect(&m_icon, &QSystemTrayIcon::activated, this, [this](QSystemTrayIcon::ActivationReason reason) {
        if (reason == QSystemTrayIcon::Trigger)
            m_window.bringUp();
    });
    connect(&m_icon, &QSystemTrayIcon::messageClicked, &m_window, &MainWindow::bringUp);
    connect(&session.engine(), &EngineControl::stateChanged, this, &Tray::update);
    connect(&session.client(), &Client::stateChanged, this, &Tray::update);
    connect(&Theme::instance(), &Theme::changed, this, &Tray::update);
    update();
    m_icon.show(); // where there is no tray yet, as soon as there is one
}

Tray::~Tray()
{
    m_icon.hide();
}

void Tray::startOrStop()
{
    EngineControl &engine = m_session.engine();
    if (engine.state() != EngineControl::State::Running)
        engine.start();
    else
        stopAsking(engine, &m_window);
}

bool Tray::isAvailable() const
{
    return QSystemTrayIcon::isSystemTrayAvailable();
}

void Tray::notify(const QString &title, const QString &sentence)
{
    if (isAvailable() && QSystemTrayIcon::supportsMessages())
        m_icon.showMessage(title, withoutMarkup(sentence), QSystemTrayIcon::Warning);
}

void Tray::update()
{
    using State = EngineControl::State;
    const State state = m_session.engine().state();
    const bool lost = state == State::Failed || m_session.client().state() == Client::State::Lost;
    const Theme &theme = Theme::instance();
    m_icon.setIcon(theme.icon(u"logo"_s, lost ? theme.tone(Tone::Bad) : m_session.engine().isUp() ? theme.tone(Tone::Good) : theme.tone(Tone::Neutral)));
    m_icon.setToolTip(lost ? tr("LLM Proxy: the engine does not answer") : m_session.engine().isUp() ? tr("LLM Proxy: running") : tr("LLM Proxy: stopped"));
    m_engine->setText(state == State::Running ? tr("Stop the engine") : tr("Start the engine"));
    m_engine->setEnabled(state == State::Running || state == State::Stopped || state == State::Failed);
}

} // namespace llmproxy::ui
