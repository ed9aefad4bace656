// SPDX-License-Identifier: GPL-3.0-only
// The terminals that are known, as data.
#pragma once

#include <QString>
#include <QStringList>

#include <vector>

namespace llmproxy::ui {

struct TerminalForm
{
    QString name;
    QStringList before;           // the options before the program to run
    bool takesOneArgument = false; // the program and its arguments quoted in one; else each as it is
};

// In the order in which they are looked for.
const std::vector<TerminalForm> &terminalForms();
// What fits a terminal that the table does not have.
TerminalForm formOfTerminal(const QString &name);

} // namespace llmproxy::ui
