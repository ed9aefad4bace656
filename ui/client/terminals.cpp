// SPDX-License-Identifier: GPL-3.0-only
#include "client/terminals.h"

#include "client/terminal_table.h"

#include <QFileInfo>
#include <QProcess>
#include <QRegularExpression>
#include <QStandardPaths>

#include <algorithm>
#include <csignal>

#include <unistd.h>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

// $TERMINAL may have options of its own.
std::optional<TerminalProgram> chosenTerminal()
{
    QStringList words = QProcess::splitCommand(qEnvironmentVariable("TERMINAL"));
    const QString path = words.isEmpty() ? QString() : QStandardPaths::findExecutable(words.takeFirst());
    if (path.isEmpty())
        return std::nullopt;
    const TerminalForm form = formOfTerminal(QFileInfo(path).fileName());
    return TerminalProgram{path, words + form.before, form.takesOneArgument};
}

// In the new process. This program blocks the signals that end it and ignores SIGPIPE: a terminal passes both on to every tab, in
// which Ctrl+C would do nothing. startDetached() calls no modifier (Qt 6.4).
void enterOwnSession()
{
    setsid();
    std::signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

} // namespace

QStringList terminalNames()
{
    QStringList names{u"$TERMINAL"_s, u"xdg-terminal-exec"_s};
    for (const TerminalForm &form : terminalForms())
        names.append(form.name);
    return names;
}

std::optional<TerminalProgram> findTerminal()
{
    if (const auto chosen = chosenTerminal())
        return chosen;
    if (const QString path = QStandardPaths::findExecutable(u"xdg-terminal-exec"_s); !path.isEmpty())
        return TerminalProgram{path, {}, false};
    for (const TerminalForm &form : terminalForms()) {
        if (const QString path = QStandardPaths::findExecutable(form.name); !path.isEmpty())
            return TerminalProgram{path, form.before, form.takesOneArgument};
    }
    return std::nullopt;
}

// The command's words, the folder and the question stay arguments: no shell reads them. A terminal that is one process for all its
// windows starts programs in a folder of its own choice, so the folder is entered here. Ctrl+C reaches this shell together with the
// command: trapped, not ignored, as the command would inherit that.
QStringList keptOpen(const QStringList &command, const QString &folder, const QString &question)
{
    const QString script = uR"(trap : INT QUIT; cd -- "$1" && shift && "$@"; status=$?; trap - INT QUIT; printf '\n%s ' "$0"; read -r _; exit $status)"_s;
    return QStringList{u"sh"_s, u"-c"_s, script, question, folder} + command;
}

bool openTerminal(const TerminalProgram &terminal, const QStringList &command, const QString &workingDirectory)
{
    auto *const program = new QProcess; // without an owner, whose end would be the terminal's
    QObject::connect(program, &QProcess::finished, program, &QObject::deleteLater);
    program->setProgram(terminal.path);
    program->setArguments(terminal.before + (terminal.takesOneArgument ? QStringList{shellText(command)} : command));
    program->setWorkingDirectory(workingDirectory);
    program->setProcessChannelMode(QProcess::ForwardedChannels);
    program->setStandardInputFile(QProcess::nullDevice());
    program->setChildProcessModifier(enterOwnSession);
    program->start();
    const bool isStarted = program->waitForStarted();
    if (!isStarted)
        program->deleteLater();
    return isStarted;
}

namespace {

bool isPlain(const QString &word)
{
    static const QRegularExpression plain(uR"(\A[A-Za-z0-9_@%+=:,./-]+\z)"_s);
    return plain.match(word).hasMatch();
}

} // namespace

QStringList typedCommand(const QString &text)
{
    const QStringList words = text.simplified().split(u' ', Qt::SkipEmptyParts);
    const bool isSimple = std::all_of(words.begin(), words.end(), isPlain) && !words.isEmpty() && !words.first().contains(u'='); // A=1 program
    return isSimple || words.isEmpty() ? words : QStringList{u"sh"_s, u"-c"_s, text};
}

QString shellText(const QStringList &command)
{
    QStringList words;
    for (const QString &word : command)
        words.append(isPlain(word) ? word : u'\'' + QString(word).replace(u'\'', u"'\\''"_s) + u'\'');
    return words.join(u' ');
}

} // namespace llmproxy::ui
