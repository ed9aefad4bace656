// SPDX-License-Identifier: GPL-3.0-only
#include "audit/actions.h"

#include <utility>

namespace llmproxy {

namespace {

constexpr std::pair<std::string_view, Actor> actors[] = {
    {"management", Actor::Management}, {"console", Actor::Console}, {"cli", Actor::Cli}, {"client", Actor::Client}, {"system", Actor::System}};

std::string actorsOf(const ActionRow &row)
{
    std::string all;
    for (const auto &[name, actor] : actors) {
        if (mayCause(name, row.action))
            all.append(all.empty() ? "" : ", ").append(name);
    }
    return all;
}

} // namespace

bool mayCause(std::string_view actor, Action action)
{
    const auto found = std::find_if(std::begin(actors), std::end(actors), [actor](const auto &one) { return one.first == actor; });
    return found != std::end(actors) && (rowOf(action).actors & static_cast<uint8_t>(found->second)) != 0;
}

std::string_view nameOf(ActionKind kind)
{
    switch (kind) {
    case ActionKind::Access:
        return "access";
    case ActionKind::Change:
        return "change";
    case ActionKind::Read:
        return "read";
    case ActionKind::Auth:
        return "auth";
    case ActionKind::System:
        return "system";
    case ActionKind::HandOut:
        return "hand-out";
    case ActionKind::Unknown:
        break;
    }
    return "unknown";
}

std::string actionsMarkdown()
{
    std::string page = "# Audit actions\n\n"
                       "Generated from `proxycore/audit/actions.h`.\n\n"
                       "| action | kind | actors | meaning |\n|---|---|---|---|\n";
    for (const ActionRow &row : actions::table) {
        if (row.action == Action::None)
            continue;
        page.append("| `").append(row.name).append("` | ").append(nameOf(row.kind)).append(" | ").append(actorsOf(row)).append(" | ").append(row.meaning);
        if (!row.rotates.empty())
            page.append(" Counts as a rotation of the ").append(row.rotates).append(" in the report.");
        page.append(" |\n");
    }
    page += "\n## Kinds\n\n"
            "- **access**: a data-plane request. Usage, quotas and alerts count it whether or not auditing is enabled.\n"
            "- **change**: committed in one transaction with its event. If the server is killed between the line in the file and the commit, the next\n"
            "  start writes the same action again with `\"result\":\"error\"`, `\"reason\":\"not_applied\"` and `not_applied_seq`.\n"
            "- **read**: recorded at most once a minute for each actor, address and filter; nobody waits for the event.\n"
            "- **auth**: a credential was accepted, rejected or checked.\n"
            "- **system**: done by the server itself, or to maintain its log.\n"
            "- **hand-out**: answered only when the event is durable; nothing stored changes.\n";
    return page;
}

EventAction EventAction::named(std::string_view name)
{
    EventAction action(actionNamed(name));
    if (action.m_action == Action::None)
        action.m_unknown = name;
    return action;
}

} // namespace llmproxy
