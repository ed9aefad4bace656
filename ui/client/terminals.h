// SPDX-License-Identifier: GPL-3.0-only
// Opens the desktop's own terminal with a program in it. Thread: GUI.
#pragma once

#include <QString>
#include <QStringList>

#include <optional>

namespace llmproxy::ui {

struct TerminalProgram
{
    QString path;
    QStringList before;            // what stands between the terminal and the program that it runs
    bool takesOneArgument = false; // that program and its arguments, quoted in one
};

// $TERMINAL, xdg-terminal-exec (the desktop's choice), or the first of the table that PATH has.
std::optional<TerminalProgram> findTerminal();
// The names that are looked for, in this order.
QStringList terminalNames();
// Of a command that runs in this folder and stays readable after its end, until Enter is pressed.
QStringList keptOpen(const QStringList &command, const QString &folder, const QString &question);
// Detached. False: it did not start.
bool openTerminal(const TerminalProgram &terminal, const QStringList &command, const QString &workingDirectory);

// What was typed: words alone as they are, anything with a shell's syntax for sh.
QStringList typedCommand(const QString &text);
// As it can be pasted into a shell.
QString shellText(const QStringList &command);

} // namespace llmproxy::ui
