// SPDX-License-Identifier: GPL-3.0-only
#include "client/terminals.h"

#include <QFileInfo>
#include <QProcess>
#include <QRegularExpression>
#include <QStandardPaths>

#include <algorithm>
#include <vector>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

// How each takes a program and its arguments as they are, not as a shell's text: from its manual page. Those of desktops first.
struct TerminalForm
{
    QString name;
    QStringList before;
};

const std::vector<TerminalForm> &forms()
{
    static const std::vector<TerminalForm> table{
        {u"ptyxis"_s, {u"--"_s}},       {u"kgx"_s, {u"--"_s}},           {u"gnome-terminal"_s, {u"--"_s}}, {u"konsole"_s, {u"-e"_s}},
        {u"xfce4-terminal"_s, {u"-x"_s}}, {u"mate-terminal"_s, {u"-x"_s}}, {u"qterminal"_s, {u"-e"_s}},      {u"terminator"_s, {u"-x"_s}},
        {u"kitty"_s, {}},               {u"alacritty"_s, {u"-e"_s}},     {u"foot"_s, {}},                  {u"wezterm"_s, {u"start"_s, u"--"_s}},
        {u"ghostty"_s, {u"-e"_s}},      {u"x-terminal-emulator"_s, {u"-e"_s}}, {u"xterm"_s, {u"-e"_s}},
    };
    return table;
}

QStringList formOf(const QString &name)
{
    for (const TerminalForm &form : forms()) {
        if (form.name == name)
            return form.before;
    }
    return {u"-e"_s}; // Debian asks it of every x-terminal-emulator
}

} // namespace

QStringList terminalNames()
{
    QStringList names{u"xdg-terminal-exec"_s, u"$TERMINAL"_s};
    for (const TerminalForm &form : forms())
        names.append(form.name);
    return names;
}

std::optional<TerminalProgram> findTerminal()
{
    if (const QString path = QStandardPaths::findExecutable(u"xdg-terminal-exec"_s); !path.isEmpty())
        return TerminalProgram{path, {}};
    const QString chosen = qEnvironmentVariable("TERMINAL");
    if (const QString path = chosen.isEmpty() ? QString() : QStandardPaths::findExecutable(chosen); !path.isEmpty())
        return TerminalProgram{path, formOf(QFileInfo(path).fileName())};
    for (const TerminalForm &form : forms()) {
        if (const QString path = QStandardPaths::findExecutable(form.name); !path.isEmpty())
            return TerminalProgram{path, form.before};
    }
    return std::nullopt;
}

// The command's words and the question stay arguments: no shell reads them. Ctrl-C is for the command, which has a trapped signal's
// default again; without the trap it would end this shell, too, and the window with what run says at the end.
QStringList keptOpen(const QStringList &command, const QString &question)
{
    const QString script = uR"(trap : INT QUIT; "$@"; status=$?; trap - INT QUIT; printf '\n%s ' "$0"; read -r _; exit $status)"_s;
    return QStringList{u"sh"_s, u"-c"_s, script, question} + command;
}

bool openTerminal(const TerminalProgram &terminal, const QStringList &command, const QString &workingDirectory)
{
    return QProcess::startDetached(terminal.path, terminal.before + command, workingDirectory);
}

namespace {

bool isPlain(const QString &word)
{
    static const QRegularExpression plain(u"^[A-Za-z0-9_@%+=:,./-]+$"_s);
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
