// SPDX-License-Identifier: GPL-3.0-only
#include "client/terminal_table.h"

#include <algorithm>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

// Those of desktops first. The options are the ones after which a terminal takes all further arguments, never one that it hands
// to a shell. Tilix joins its arguments again and quotes only those with a space, so it gets one that is quoted already.
const std::vector<TerminalForm> &terminalForms()
{
    static const std::vector<TerminalForm> table{
        {u"ptyxis"_s, {u"--"_s}},
        {u"kgx"_s, {u"--"_s}},
        {u"gnome-terminal"_s, {u"--"_s}},
        {u"konsole"_s, {u"-e"_s}},
        {u"xfce4-terminal"_s, {u"-x"_s}},
        {u"mate-terminal"_s, {u"-x"_s}},
        {u"qterminal"_s, {u"-e"_s}},
        {u"lxterminal"_s, {u"-e"_s}},
        {u"tilix"_s, {u"-e"_s}, true},
        {u"terminator"_s, {u"-x"_s}},
        {u"kitty"_s, {}},
        {u"alacritty"_s, {u"-e"_s}},
        {u"foot"_s, {}},
        {u"wezterm"_s, {u"start"_s, u"--"_s}},
        {u"ghostty"_s, {u"-e"_s}},
        {u"x-terminal-emulator"_s, {u"-e"_s}},
        {u"xterm"_s, {u"-e"_s}},
    };
    return table;
}

TerminalForm formOfTerminal(const QString &name)
{
    const auto &table = terminalForms();
    const auto found = std::find_if(table.begin(), table.end(), [&name](const TerminalForm &form) { return form.name == name; });
    return found != table.end() ? *found : TerminalForm{name, {u"-e"_s}}; // Debian requires it of every x-terminal-emulator
}

} // namespace llmproxy::ui
