// SPDX-License-Identifier: GPL-3.0-only
#include "shell/main_window.h"

#include "dialogs/form_dialog.h"
#include "dialogs/stop_question.h"
#include "pages/all_pages.h"
#include "shell/command_palette.h"
#include "shell/first_run.h"
#include "pages/settings/server_menu.h"
#include "shell/tray.h"
#include "style/format.h"

#include <QApplication>
#include <QCloseEvent>
#include <QMessageBox>
#include <QScreen>
#include <QSettings>
#include <QShortcut>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int titleBar = 40; // of most window managers

} // namespace

MainWindow::MainWindow(ConsoleHost &host, Session &session)
    : m_session(session), m_console{host, session.client(), session.engine(), session.live(), session.projects(), nullptr, [this](const QString &page, const QVariantMap &what) { openPage(page, what); }},
      m_stack(new QStackedWidget), m_buttons(new QButtonGroup(this))
{
    setWindowTitle(u"LLM Proxy"_s);
    setWindowIcon(Theme::instance().icon(u"logo"_s, Theme::instance().colors().accent));
    auto *central = new QWidget;
    auto *row = new QHBoxLayout(central);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(0);
    row->addWidget(makeNavigation());
    auto *column = new QVBoxLayout;
    column->setSpacing(0);
    column->addWidget(makeBanner());
    column->addWidget(m_stack, 1);
    row->addLayout(column, 1);
    setCentralWidget(central);
    m_console.toast = new Toast(this);
    for (const PageEntry &entry : allPages(m_console, m_session))
        addPage(entry.page, entry.icon);
    openPage(m_pages.first()->id());

    connect(new QShortcut(QKeySequence(Qt::CTRL | Qt::Key_K), this), &QShortcut::activated, this, &MainWindow::openPalette);
    connect(new QShortcut(QKeySequence::Quit, this), &QShortcut::activated, this, &MainWindow::quit);
    connect(new QShortcut(QKeySequence(Qt::Key_F5), this), &QShortcut::activated, this, [this] { m_pages.at(m_stack->currentIndex())->refresh(); });
    Client *client = &m_session.client();
    connect(client, &Client::stateChanged, this, &MainWindow::updateState);
    connect(client, &Client::serverChanged, this, &MainWindow::updateState);
    connect(client, &Client::serverChanged, m_console.toast, &Toast::withdraw);
    connect(client, &Client::overviewChanged, this, &MainWindow::updateState);
    connect(client, &Client::overviewChanged, this, &MainWindow::firstOverview);
    connect(&m_session.engine(), &EngineControl::stateChanged, this, &MainWindow::updateState);
    connect(&m_session.live(), &LiveWatch::alert, this, [this](const QJsonObject &alert) {
        const QString sentence = shown(alert.value("message"_L1).toString(), 500);
        if (!isActiveWindow()) // whoever looks at the console reads it there
            m_tray->notify(tr("Alert"), sentence);
        m_console.toast->offer(sentence, tr("Show"), [this, alert] { openPage(u"audit"_s, {{u"around"_s, alert.value("seq"_L1).toVariant()}}); });
    });
    m_tray = new Tray(*this, m_session);
    resize(QSize(1280, 800).boundedTo(screen()->availableSize() - QSize(0, titleBar)));
    restoreGeometry(QSettings().value(u"window"_s).toByteArray());
    updateState();
}

MainWindow::~MainWindow()
{
    QSettings().setValue(u"window"_s, saveGeometry());
}

QWidget *MainWindow::makeNavigation()
{
    auto *panel = new QFrame;
    panel->setProperty("role", u"navigation"_s);
    panel->setFixedWidth(212);
    panel->setAccessibleName(tr("Navigation"));
    m_navigation = new QVBoxLayout(panel);
    m_navigation->setContentsMargins(12, 16, 12, 12);
    m_navigation->setSpacing(2);
    auto *brand = new QHBoxLayout;
    brand->addWidget(mark(u"logo"_s, Tone::Info, 26));
    brand->addWidget(label(u"LLM Proxy"_s, "heading"), 1);
    m_navigation->addLayout(brand);
    m_navigation->addSpacing(14);
    m_navigation->addStretch();
    QPushButton *palette = button(tr("Find anything"), u"search"_s, "nav");
    palette->setToolTip(tr("Every page, action, project and token (%1)").arg(QKeySequence(Qt::CTRL | Qt::Key_K).toString(QKeySequence::NativeText)));
    connect(palette, &QPushButton::clicked, this, &MainWindow::openPalette);
    m_navigation->addWidget(palette);
    m_server = button({}, u"server"_s, "nav");
    connect(m_server, &QPushButton::clicked, this, &MainWindow::chooseServer);
    m_navigation->addWidget(m_server);
    m_state = new Badge;
    auto *state = new QHBoxLayout;
    state->setContentsMargins(10, 6, 0, 0);
    state->addWidget(m_state);
    state->addStretch();
    m_navigation->addLayout(state);
    m_buttons->setExclusive(true);
    return panel;
}

QWidget *MainWindow::makeBanner()
{
    m_banner = new QFrame;
    m_banner->setProperty("role", u"lost"_s);
    m_banner->setAccessibleName(tr("Connection lost"));
    auto *row = new QHBoxLayout(m_banner);
    row->setContentsMargins(Theme::margin, 8, Theme::margin, 8);
    m_bannerText = wrapped({});
    row->addWidget(m_bannerText, 1);
    m_elsewhere = button(tr("Start on a free port"));
    connect(m_elsewhere, &QPushButton::clicked, this, [this] { m_session.engine().startOnFreePort(); });
    row->addWidget(m_elsewhere);
    m_again = button(tr("Try again"));
    connect(m_again, &QPushButton::clicked, this, &MainWindow::tryAgain);
    row->addWidget(m_again);
    m_banner->hide();
    return m_banner;
}

void MainWindow::tryAgain()
{
    EngineControl &engine = m_session.engine();
    if (m_session.isRemote() && m_session.client().isRefused())
        connectAgain(m_console, m_session, this);
    else if (m_session.isRemote() || engine.state() == EngineControl::State::Running)
        m_session.client().poll();
    else
        engine.start();
}

void MainWindow::addPage(Page *page, const QString &icon)
{
    const auto number = static_cast<int>(m_pages.size());
    m_pages.append(page);
    m_stack->addWidget(page);
    page->setIconName(icon);
    QPushButton *entry = button(page->title(), icon, "nav");
    entry->setCheckable(true);
    const QKeySequence keys(Qt::CTRL | static_cast<Qt::Key>(Qt::Key_1 + number));
    entry->setToolTip(tr("%1 (%2)", "page, shortcut").arg(page->title(), keys.toString(QKeySequence::NativeText)));
    m_buttons->addButton(entry, number);
    m_navigation->insertWidget(2 + number, entry);
    // It is bold when it is chosen; some languages need more room.
    entry->ensurePolished();
    QFont bold = entry->font();
    bold.setWeight(QFont::DemiBold);
    const QMargins around = m_navigation->contentsMargins();
    const int wider = QFontMetrics(bold).horizontalAdvance(entry->text()) - entry->fontMetrics().horizontalAdvance(entry->text());
    QWidget *panel = m_navigation->parentWidget();
    panel->setFixedWidth(std::max(panel->minimumWidth(), entry->sizeHint().width() + wider + around.left() + around.right()));
    connect(entry, &QPushButton::clicked, this, [this, page] { openPage(page->id()); });
    connect(new QShortcut(keys, this), &QShortcut::activated, this, [this, page] { openPage(page->id()); });
}

void MainWindow::openPage(const QString &id, const QVariantMap &what)
{
    for (int i = 0; i < m_pages.size(); ++i) {
        if (m_pages.at(i)->id() != id)
            continue;
        m_buttons->button(i)->setChecked(true);
        m_stack->setCurrentIndex(i);
        m_pages.at(i)->start()->setFocus();
        if (!what.isEmpty())
            m_pages.at(i)->open(what);
    }
}

void MainWindow::updateState()
{
    using State = EngineControl::State;
    const EngineControl &engine = m_session.engine();
    const Client &client = m_session.client();
    QString lost;
    if (!m_session.isRemote() && engine.state() == State::Failed) {
        lost = tr("The engine did not start: %1").arg(engine.problem());
        m_state->set(tr("Failed"), Tone::Bad);
    } else if (!m_session.isRemote() && !engine.isUp()) {
        m_state->set(engine.state() == State::Starting ? tr("Starting") : engine.state() == State::Stopping ? tr("Stopping") : tr("Stopped"), Tone::Neutral);
    } else if (client.state() == Client::State::Lost) {
        QString why = shown(client.problem(), longestCell);
        if (why.endsWith(u'.'))
            why.chop(1);
        lost = client.isRefused() ? tr("%1 refuses this console: %2. What you see is from before.").arg(client.serverName(), why)
                                  : tr("%1 does not answer: %2. What you see is from before; it is tried again every second.").arg(client.serverName(), why);
        m_state->set(client.isRefused() ? tr("Refused") : tr("Lost"), Tone::Bad);
    } else if (client.state() == Client::State::Connecting) {
        m_state->set(tr("Connecting"), Tone::Neutral);
    } else {
        const bool ready = client.overview().value("ready"_L1).toBool(true);
        m_state->set(ready ? tr("Running") : tr("Not ready"), ready ? Tone::Good : Tone::Warn);
    }
    const QString server = client.serverName().isEmpty() ? tr("This computer") : client.serverName();
    m_server->setText(asCaption(server));
    m_server->setAccessibleName(tr("Server: %1").arg(shown(server, longestCell)));
    m_server->setToolTip(tr("Choose which server to look after"));
    m_bannerText->setText(shown(lost));
    m_again->setText(m_session.isRemote() && client.isRefused() ? tr("Enter the token") : !m_session.isRemote() && engine.state() == State::Attached ? tr("Start the engine here") : tr("Try again"));
    m_elsewhere->setVisible(!m_session.isRemote() && engine.state() == State::Failed && engine.isPortTaken());
    m_banner->setVisible(!lost.isEmpty());
    setWindowTitle(m_session.isRemote() ? tr("%1 – LLM Proxy").arg(shown(client.serverName(), longestCell)) : m_console.host.isDemo() ? tr("Demo, nothing of it stays – LLM Proxy") : u"LLM Proxy"_s);
}

// A server without projects is one that nobody has set up yet.
void MainWindow::firstOverview()
{
    if (std::exchange(m_greeted, true) || m_session.isRemote() || m_console.host.isDemo() || m_session.client().overview().value("projects"_L1).toInt() > 0)
        return;
    welcome();
}

void MainWindow::welcome()
{
    auto *dialog = new FirstRun(m_console, this);
    dialog->open();
}

void MainWindow::chooseServer()
{
    showServerMenu(m_console, m_session, m_server);
}

void MainWindow::openPalette()
{
    auto *palette = new CommandPalette(*this);
    palette->open();
}

void MainWindow::bringUp()
{
    setWindowState(windowState() & ~Qt::WindowMinimized);
    show();
    raise();
    activateWindow();
}

// What is open may hold something that is nowhere else: a token that was not copied, a form half filled in.
bool MainWindow::mayClose()
{
    while (auto *open = qobject_cast<QDialog *>(QApplication::activeModalWidget())) {
        bringUp();
        open->reject();
        if (open->isVisible())
            return false;
    }
    for (const Page *page : std::as_const(m_pages)) {
        if (const QString sentence = page->unsaved(); !sentence.isEmpty()) {
            bringUp();
            if (!confirmed(this, tr("Quit without saving?"), sentence, tr("Quit"), true))
                return false;
        }
    }
    return true;
}

void MainWindow::quit()
{
    if (mayClose() && mayStop(m_session.engine(), this, tr("Quit LLM Proxy?"), tr("Quit")))
        QApplication::exit(); // quit() would close this window first: that asks, or hides it in the tray
}

void MainWindow::closeEvent(QCloseEvent *event)
{
    event->ignore();
    QSettings settings;
    if (!m_tray->isAvailable()) {
        // Once, as with a tray; where streams run, that is asked anyway.
        const EngineControl &engine = m_session.engine();
        const bool isAsked = settings.contains(u"quitWithoutTray"_s) || engine.state() != EngineControl::State::Running || engine.runningStreams() > 0 || QApplication::activeModalWidget();
        if (!isAsked) {
            if (!confirmed(this, tr("Quit LLM Proxy?"), tr("The engine ends with this window: programs that use it get no answers until it runs again. This is asked once."), tr("Quit"), true))
                return;
            settings.setValue(u"quitWithoutTray"_s, true);
        }
        quit();
        return;
    }
    if (!settings.contains(u"closeToTray"_s)) {
        const QString question = tr("Keep LLM Proxy running?");
        QMessageBox box(QMessageBox::NoIcon, question, question + u"\n\n"_s + tr("In the tray, LLM Proxy keeps serving your programs. You can change this in the settings."), QMessageBox::NoButton, this);
        QPushButton *keep = button(tr("Keep running in the tray"), {}, "primary");
        QPushButton *end = button(tr("Quit"));
        box.addButton(keep, QMessageBox::AcceptRole);
        box.addButton(end, QMessageBox::DestructiveRole);
        box.addButton(QMessageBox::Cancel);
        box.exec();
        if (box.clickedButton() != keep && box.clickedButton() != end) // also when the program is ended from outside
            return;
        settings.setValue(u"closeToTray"_s, box.clickedButton() == keep);
    }
    if (settings.value(u"closeToTray"_s).toBool())
        hide();
    else
        quit();
}

} // namespace llmproxy::ui
