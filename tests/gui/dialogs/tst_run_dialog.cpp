// SPDX-License-Identifier: GPL-3.0-only
// "Run with a token": which terminal is opened, with which arguments and where; what is refused before; what is said without one.
#include "client/terminals.h"
#include "stage.h"
#include "test_registry.h"

#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QProcess>
#include <QTemporaryDir>

#include <csignal>

using namespace llmproxy::test;
using namespace llmproxy::ui;
using namespace Qt::StringLiterals;

namespace {

// Programs that write their arguments, NUL-ended, and their working directory; nothing else is found in PATH.
class Desktop
{
public:
    Desktop() : m_path(qgetenv("PATH")), m_terminal(qgetenv("TERMINAL"))
    {
        qputenv("PATH", m_folder.path().toLocal8Bit());
        qunsetenv("TERMINAL");
    }
    ~Desktop()
    {
        qputenv("PATH", m_path);
        m_terminal.isNull() ? qunsetenv("TERMINAL") : qputenv("TERMINAL", m_terminal);
    }
    Desktop(const Desktop &) = delete;
    Desktop &operator=(const Desktop &) = delete;

    void add(const QString &name)
    {
        add(name, "#!/bin/sh\nfor word in \"$0\" \"$@\" \"$PWD\"; do printf '%s\\0' \"$word\"; done >" + file().toLocal8Bit() + ".new\n/bin/mv " + file().toLocal8Bit() + ".new " + file().toLocal8Bit() + "\n");
    }
    void add(const QString &name, const QByteArray &text)
    {
        QFile program(m_folder.filePath(name));
        program.open(QIODevice::WriteOnly);
        program.write(text);
        program.setPermissions(QFileDevice::ReadOwner | QFileDevice::WriteOwner | QFileDevice::ExeOwner);
    }
    QString file() const { return m_folder.filePath(u"said"_s); }
    QString path(const QString &name) const { return m_folder.filePath(name); }
    QStringList said() const
    {
        QFile file(this->file());
        file.open(QIODevice::ReadOnly);
        QStringList words = QString::fromUtf8(file.readAll()).split(u'\0');
        words.removeLast();
        return words;
    }

private:
    QTemporaryDir m_folder;
    const QByteArray m_path, m_terminal;
};

QDialog *openedForm(Stage &stage)
{
    Table *table = stage.table(u"projects"_s);
    stage.chooseRow(table, 0);
    press(stage.page(u"projects"_s), u"Run with a token"_s);
    [] { QTRY_VERIFY(dialog()); }();
    return dialog();
}

struct Ended
{
    QString shown;
    int status = -1;
};

// As a terminal does it; Enter is pressed when it is asked for.
Ended runInTerminal(const QStringList &words)
{
    QProcess shell;
    shell.setChildProcessModifier([] {
        std::signal(SIGINT, SIG_DFL); // a test run in the background ignores both
        std::signal(SIGQUIT, SIG_DFL);
    });
    shell.start(words.first(), words.mid(1));
    shell.write("\n");
    shell.closeWriteChannel();
    const bool isOver = shell.waitForFinished() && shell.exitStatus() == QProcess::NormalExit;
    return {QString::fromUtf8(shell.readAllStandardOutput()), isOver ? shell.exitCode() : -1};
}

} // namespace

class TstRunDialog : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void opensTheDesktopsTerminal();
    void formsOfTerminals_data();
    void formsOfTerminals();
    void theChosenTerminalComesFirst();
    void aTerminalThatTakesOneArgument();
    void runsInTheFolderWhereverTheTerminalIs();
    void theTerminalBlocksNoSignals();
    void staysOpenAfterAnInterrupt();
    void saysThatTheTerminalDidNotStart();
    void saysWhatIsWrong();
    void saysThatThereIsNoTerminal();
    void theCommandLineCanBePasted();
    void notForAServerElsewhere();
    void ofThePageOfTokens();
    void notForAnInactiveProject();
    void needsAnActiveProject();
};

void TstRunDialog::opensTheDesktopsTerminal()
{
    Desktop desktop;
    desktop.add(u"xdg-terminal-exec"_s);
    desktop.add(u"xterm"_s);
    QTemporaryDir tree;
    Stage stage;
    QDialog *form = openedForm(stage);
    type(form, u"Command"_s, uR"(codex "a b" 'it'"'"'s' && echo $HOME)"_s);
    type(form, u"Working directory"_s, tree.path());
    type(form, u"Lifetime"_s, u"30m"_s);
    type(form, u"Models"_s, u"gpt-4o*, , o3"_s);
    press(form, u"Open terminal"_s);
    QTRY_VERIFY(QFile::exists(desktop.file()));
    const QStringList words = desktop.said();
    QCOMPARE(words.first(), desktop.path(u"xdg-terminal-exec"_s));
    QCOMPARE(words.mid(1, 2), (QStringList{u"sh"_s, u"-c"_s}));
    QCOMPARE(words.last(), QFileInfo(tree.path()).canonicalFilePath());
    const int run = static_cast<int>(words.indexOf(u"run"_s));
    QCOMPARE(words.at(run - 1), QCoreApplication::applicationFilePath());
    const QString id = words.at(words.indexOf(u"--project"_s) + 1);
    QCOMPARE(words.mid(run, words.size() - run - 1), (QStringList{u"run"_s, u"--data-dir"_s, QDir(stage.host.dataDir()).absolutePath(), u"--project"_s, id, u"--ttl"_s, u"30m"_s, u"--model"_s, u"gpt-4o*"_s,
        u"--model"_s, u"o3"_s, u"--require-isolation"_s, u"--"_s, u"sh"_s, u"-c"_s, uR"(codex "a b" 'it'"'"'s' && echo $HOME)"_s}));
    QTRY_VERIFY(!dialog());
    QTRY_VERIFY(says(&stage.window, u"Opened in xdg-terminal-exec."_s));
    QVERIFY(stage.server().calls("POST").isEmpty()); // run mints the token itself
}

void TstRunDialog::formsOfTerminals_data()
{
    QTest::addColumn<QString>("program");
    QTest::addColumn<QStringList>("before");
    QTest::newRow("GNOME") << u"gnome-terminal"_s << QStringList{u"--"_s};
    QTest::newRow("KDE") << u"konsole"_s << QStringList{u"-e"_s};
    QTest::newRow("GNOME Console") << u"kgx"_s << QStringList{u"--"_s};
    QTest::newRow("Ptyxis") << u"ptyxis"_s << QStringList{u"--"_s};
    QTest::newRow("MATE") << u"mate-terminal"_s << QStringList{u"-x"_s};
    QTest::newRow("LXDE") << u"lxterminal"_s << QStringList{u"-e"_s};
    QTest::newRow("Tilix") << u"tilix"_s << QStringList{u"-e"_s};
    QTest::newRow("Terminator") << u"terminator"_s << QStringList{u"-x"_s};
    QTest::newRow("Alacritty") << u"alacritty"_s << QStringList{u"-e"_s};
    QTest::newRow("foot") << u"foot"_s << QStringList();
    QTest::newRow("Debian") << u"x-terminal-emulator"_s << QStringList{u"-e"_s};
    QTest::newRow("Xfce") << u"xfce4-terminal"_s << QStringList{u"-x"_s};
    QTest::newRow("kitty") << u"kitty"_s << QStringList();
    QTest::newRow("wezterm") << u"wezterm"_s << QStringList{u"start"_s, u"--"_s};
    QTest::newRow("xterm") << u"xterm"_s << QStringList{u"-e"_s};
    QTest::newRow("LXQt") << u"qterminal"_s << QStringList{u"-e"_s};
    QTest::newRow("ghostty") << u"ghostty"_s << QStringList{u"-e"_s};
}

void TstRunDialog::formsOfTerminals()
{
    QFETCH(QString, program);
    QFETCH(QStringList, before);
    Desktop desktop;
    desktop.add(program);
    const auto terminal = findTerminal();
    QVERIFY(terminal.has_value());
    QCOMPARE(terminal->path, desktop.path(program));
    QCOMPARE(terminal->before, before);
    QCOMPARE(terminal->takesOneArgument, program == u"tilix"_s);
}

void TstRunDialog::theChosenTerminalComesFirst()
{
    Desktop desktop;
    for (const QString &name : {u"mine"_s, u"wezterm"_s, u"xdg-terminal-exec"_s, u"xterm"_s})
        desktop.add(name);
    QCOMPARE(findTerminal()->path, desktop.path(u"xdg-terminal-exec"_s));
    QCOMPARE(findTerminal()->before, QStringList());
    qputenv("TERMINAL", "mine");
    QCOMPARE(findTerminal()->path, desktop.path(u"mine"_s));
    QCOMPARE(findTerminal()->before, QStringList{u"-e"_s});
    qputenv("TERMINAL", "wezterm --config \"a b\"");
    QCOMPARE(findTerminal()->path, desktop.path(u"wezterm"_s));
    QCOMPARE(findTerminal()->before, (QStringList{u"--config"_s, u"a b"_s, u"start"_s, u"--"_s}));
    qputenv("TERMINAL", "not-installed");
    QCOMPARE(findTerminal()->path, desktop.path(u"xdg-terminal-exec"_s));
}

void TstRunDialog::aTerminalThatTakesOneArgument()
{
    Desktop desktop;
    desktop.add(u"tilix"_s);
    QVERIFY(openTerminal(*findTerminal(), {u"a b"_s, u"it's"_s, QString(), u"c"_s}, QDir::rootPath()));
    QTRY_VERIFY(QFile::exists(desktop.file()));
    QCOMPARE(desktop.said().mid(1), (QStringList{u"-e"_s, uR"('a b' 'it'\''s' '' c)"_s, u"/"_s}));
}

// Such as Ptyxis, which starts programs in the home folder whatever folder it was opened in.
void TstRunDialog::runsInTheFolderWhereverTheTerminalIs()
{
    QTemporaryDir tree;
    const QString folder = QFileInfo(tree.path()).canonicalFilePath() + u"/a b"_s;
    QVERIFY(QDir().mkdir(folder));
    const Ended ended = runInTerminal(keptOpen({u"pwd"_s}, folder, u"Press it's $HOME"_s));
    QCOMPARE(ended.shown, folder + u"\n\nPress it's $HOME "_s);
    QCOMPARE(ended.status, 0);
    const Ended gone = runInTerminal(keptOpen({u"pwd"_s}, folder + u"/gone"_s, u"Press"_s));
    QCOMPARE(gone.shown, u"\nPress "_s); // and not in another folder
    QVERIFY(gone.status != 0);
}

// The console blocks the signals that end it; Ctrl+C has to work in each tab of the terminal.
void TstRunDialog::theTerminalBlocksNoSignals()
{
    QTemporaryDir place;
    const QString file = place.filePath(u"mask"_s), script = uR"(while read -r name value; do [ "$name" = SigBlk: ] && echo "$value" >"$0".new; done </proc/$$/status; /bin/mv "$0".new "$0")"_s;
    sigset_t ends, before;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, &before);
    const bool isOpen = openTerminal({u"/bin/sh"_s, {u"-c"_s, script}}, {file}, place.path());
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    QVERIFY(isOpen);
    QTRY_VERIFY(QFile::exists(file));
    QFile mask(file);
    QVERIFY(mask.open(QIODevice::ReadOnly));
    QCOMPARE(mask.readAll().trimmed().toULongLong(nullptr, 16), 0ULL);
}

void TstRunDialog::saysThatTheTerminalDidNotStart()
{
    Desktop desktop;
    desktop.add(u"xterm"_s, "#!/no/such/interpreter\n");
    Stage stage;
    QDialog *form = openedForm(stage);
    type(form, u"Working directory"_s, QDir::rootPath());
    press(form, u"Open terminal"_s);
    QVERIFY(says(form, desktop.path(u"xterm"_s) + u" could not be started."_s));
    QCOMPARE(dialog(), form);
}

// Ctrl+C ends the command; the window and the receipt stay. The command takes the signal as it always does.
void TstRunDialog::staysOpenAfterAnInterrupt()
{
    const QString both = u"kill -INT $PPID; kill -QUIT $PPID; echo receipt; kill -INT $$; echo not reached"_s;
    const Ended ended = runInTerminal(keptOpen({u"sh"_s, u"-c"_s, both}, QDir::rootPath(), u"Press"_s));
    QCOMPARE(ended.shown, u"receipt\n\nPress "_s);
    QCOMPARE(ended.status, 128 + SIGINT);
}

void TstRunDialog::saysWhatIsWrong()
{
    Desktop desktop;
    desktop.add(u"xterm"_s);
    Stage stage;
    QDialog *form = openedForm(stage);
    type(form, u"Command"_s, QString());
    press(form, u"Open terminal"_s);
    QVERIFY(says(form, u"A command is needed"_s));
    type(form, u"Command"_s, u"bash"_s);
    type(form, u"Working directory"_s, u"/nowhere/at/all"_s);
    press(form, u"Open terminal"_s);
    QVERIFY(says(form, u"There is no such folder."_s));
    type(form, u"Working directory"_s, stage.host.dataDir());
    press(form, u"Open terminal"_s);
    QVERIFY(says(form, u"The data directory is hidden from the command"_s));
    QVERIFY(QDir(stage.host.dataDir()).mkpath(u"inside"_s));
    type(form, u"Working directory"_s, stage.host.dataDir() + u"/inside"_s);
    press(form, u"Open terminal"_s);
    QVERIFY(says(form, u"The data directory is hidden from the command"_s));
    type(form, u"Working directory"_s, QDir::rootPath());
    for (const QString &wrong : {u"soon"_s, u"0h"_s, u"2 h"_s, u"2"_s, u"-2h"_s, u"99999999999999999999h"_s, u"9223372036854775807d"_s, QString()}) {
        type(form, u"Lifetime"_s, wrong);
        press(form, u"Open terminal"_s);
        QVERIFY2(says(form, u"Not a duration"_s), qPrintable(wrong));
    }
    QVERIFY(!QFile::exists(desktop.file()));
}

void TstRunDialog::saysThatThereIsNoTerminal()
{
    Desktop desktop;
    Stage stage;
    QDialog *form = openedForm(stage);
    type(form, u"Working directory"_s, QDir::rootPath());
    press(form, u"Open terminal"_s);
    QVERIFY(says(form, u"No terminal program was found."_s));
    QVERIFY(says(form, u"$TERMINAL, xdg-terminal-exec, ptyxis"_s));
    QCOMPARE(dialog(), form);
}

void TstRunDialog::theCommandLineCanBePasted()
{
    QCOMPARE(typedCommand(u" codex  --model o3 "_s), (QStringList{u"codex"_s, u"--model"_s, u"o3"_s}));
    QCOMPARE(typedCommand(u"A=1 codex"_s), (QStringList{u"sh"_s, u"-c"_s, u"A=1 codex"_s}));
    QCOMPARE(typedCommand(u"  "_s), QStringList());
    QCOMPARE(shellText({u"a"_s, u"it's"_s, u"b c"_s, QString(), u"$x"_s}), uR"(a 'it'\''s' 'b c' '' '$x')"_s);
    Stage stage;
    QDialog *form = openedForm(stage);
    type(form, u"Command"_s, u"bash"_s);
    form->findChild<QCheckBox *>()->setChecked(false);
    press(form, u"Copy command line"_s);
    const QString text = QApplication::clipboard()->text();
    QVERIFY2(text.startsWith(QCoreApplication::applicationFilePath() + u" run --data-dir "_s) && text.endsWith(u" --ttl 2h -- bash"_s), qPrintable(text));
}

void TstRunDialog::notForAServerElsewhere()
{
    Stage stage;
    Table *table = stage.table(u"projects"_s);
    stage.chooseRow(table, 0);
    QAction *run = Stage::action(stage.page(u"projects"_s), u"Run with a token"_s);
    QVERIFY(run->isEnabled());
    stage.session.useRemote({u"far"_s, u"https://far.example"_s, {}, nullptr});
    QTRY_VERIFY(stage.session.client().isRemote());
    stage.chooseRow(stage.table(u"projects"_s), 0);
    QTRY_VERIFY(!run->isEnabled());
    QVERIFY(run->toolTip().contains(u"llm-proxy run --url"_s));
}

void TstRunDialog::ofThePageOfTokens()
{
    Desktop desktop;
    desktop.add(u"xterm"_s);
    Stage stage;
    stage.table(u"tokens"_s);
    QAction *run = Stage::action(stage.page(u"tokens"_s), u"Run with a token"_s);
    QTRY_VERIFY(run->isEnabled());
    press(stage.page(u"tokens"_s), u"Run with a token"_s);
    QTRY_VERIFY(dialog());
    type(dialog(), u"Working directory"_s, QDir::rootPath());
    press(dialog(), u"Open terminal"_s);
    QTRY_VERIFY(QFile::exists(desktop.file()));
    QCOMPARE(desktop.said().at(1), u"-e"_s);
}

void TstRunDialog::notForAnInactiveProject()
{
    Stage stage;
    Table *projects = stage.table(u"projects"_s);
    QAction *run = Stage::action(stage.page(u"projects"_s), u"Run with a token"_s);
    stage.chooseRow(projects, Stage::rowOf(projects, u"Old"_s));
    QVERIFY(!run->isEnabled());
    QCOMPARE(run->toolTip(), u"Activate the project first"_s);
    stage.chooseRow(projects, Stage::rowOf(projects, u"Agents"_s));
    QVERIFY(run->isEnabled());

    QJsonObject ofOld = sampleToken(u"tok-7"_s, u"Of old"_s), ofAgents = sampleToken(u"tok-8"_s, u"Of agents"_s);
    ofOld.insert("project_id"_L1, u"proj-3"_s);
    ofAgents.insert("project_id"_L1, u"proj-2"_s);
    stage.server().answer("GET", u"/manage/tokens"_s, 200, list({ofOld, ofAgents}));
    Table *tokens = stage.table(u"tokens"_s);
    run = Stage::action(stage.page(u"tokens"_s), u"Run with a token"_s);
    QTRY_VERIFY(run->isEnabled());
    stage.chooseRow(tokens, Stage::rowOf(tokens, u"Of old"_s));
    QVERIFY(!run->isEnabled());
    QCOMPARE(run->toolTip(), u"Activate the project first"_s);
    stage.chooseRow(tokens, Stage::rowOf(tokens, u"Of agents"_s));
    QVERIFY(run->isEnabled());
    press(stage.page(u"tokens"_s), u"Run with a token"_s);
    QTRY_VERIFY(dialog());
    QCOMPARE(find<QComboBox>(dialog(), u"Project"_s)->currentData().toString(), u"proj-2"_s);
}

void TstRunDialog::needsAnActiveProject()
{
    Stage stage([](FakeHost &host) { host.server->answer("GET", u"/manage/projects"_s, 200, list({sampleProject(u"proj-3"_s, u"Old"_s, false)})); });
    stage.table(u"tokens"_s);
    QAction *run = Stage::action(stage.page(u"tokens"_s), u"Run with a token"_s);
    QTRY_COMPARE(run->toolTip(), u"There is no active project"_s);
    QVERIFY(!run->isEnabled());
}

REGISTER_TEST(TstRunDialog)
#include "tst_run_dialog.moc"
