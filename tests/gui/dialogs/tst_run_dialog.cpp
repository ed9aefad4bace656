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
        QFile program(m_folder.filePath(name));
        program.open(QIODevice::WriteOnly);
        program.write("#!/bin/sh\nfor word in \"$0\" \"$@\" \"$PWD\"; do printf '%s\\0' \"$word\"; done >" + file().toLocal8Bit() + ".new\n/bin/mv " + file().toLocal8Bit() + ".new " + file().toLocal8Bit() + "\n");
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

} // namespace

class TstRunDialog : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void opensTheDesktopsTerminal();
    void formsOfTerminals_data();
    void formsOfTerminals();
    void staysOpenAfterAnInterrupt();
    void saysWhatIsWrong();
    void saysThatThereIsNoTerminal();
    void theCommandLineCanBePasted();
    void notForAServerElsewhere();
    void ofThePageOfTokens();
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
    type(form, u"Models"_s, u"gpt-4o*, o3"_s);
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
    QTest::newRow("Xfce") << u"xfce4-terminal"_s << QStringList{u"-x"_s};
    QTest::newRow("kitty") << u"kitty"_s << QStringList();
    QTest::newRow("wezterm") << u"wezterm"_s << QStringList{u"start"_s, u"--"_s};
    QTest::newRow("xterm") << u"xterm"_s << QStringList{u"-e"_s};
    QTest::newRow("ptyxis") << u"ptyxis"_s << QStringList{u"--"_s};
    QTest::newRow("GNOME Console") << u"kgx"_s << QStringList{u"--"_s};
    QTest::newRow("MATE") << u"mate-terminal"_s << QStringList{u"-x"_s};
    QTest::newRow("LXQt") << u"qterminal"_s << QStringList{u"-e"_s};
    QTest::newRow("terminator") << u"terminator"_s << QStringList{u"-x"_s};
    QTest::newRow("alacritty") << u"alacritty"_s << QStringList{u"-e"_s};
    QTest::newRow("foot") << u"foot"_s << QStringList();
    QTest::newRow("ghostty") << u"ghostty"_s << QStringList{u"-e"_s};
    QTest::newRow("Debian") << u"x-terminal-emulator"_s << QStringList{u"-e"_s};
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
    desktop.add(u"mine"_s);
    qputenv("TERMINAL", "mine");
    QCOMPARE(findTerminal()->path, desktop.path(u"mine"_s));
    QCOMPARE(findTerminal()->before, QStringList{u"-e"_s});
}

// Ctrl-C goes to every process of the terminal's foreground group: to the shell that keeps the window open, too.
void TstRunDialog::staysOpenAfterAnInterrupt()
{
    const QStringList kept = keptOpen({u"sh"_s, u"-c"_s, u"kill -INT $PPID; kill -QUIT $PPID; echo receipt; exit 3"_s}, u"Press Enter to close."_s);
    QProcess terminal;
    terminal.setChildProcessModifier([] {
        ::signal(SIGINT, SIG_DFL); // whoever started the tests may have it ignored
        ::signal(SIGQUIT, SIG_DFL);
    });
    terminal.start(kept.first(), kept.mid(1));
    terminal.write("\n");
    QVERIFY(terminal.waitForFinished());
    QCOMPARE(terminal.exitStatus(), QProcess::NormalExit);
    QCOMPARE(terminal.exitCode(), 3);
    QCOMPARE(terminal.readAllStandardOutput(), "receipt\n\nPress Enter to close. "_ba);
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
    for (const QString &wrong : {u"soon"_s, u"0h"_s, u"2 h"_s, QString()}) {
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
    QVERIFY(says(form, u"xdg-terminal-exec, $TERMINAL, ptyxis"_s));
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

REGISTER_TEST(TstRunDialog)
#include "tst_run_dialog.moc"
