// SPDX-License-Identifier: GPL-3.0-only
// Settings, and whether a provider takes a key.
#include "manage/field_makers.h"

namespace llmproxy::declared {

namespace {

void addSettings(std::vector<Schema> &all)
{
    Field value = nullable(text("value", "As in .env; null, or an empty text where empty means nothing: the saved value goes.", 8192));
    value.minimum = 0;
    all.push_back(input("SettingChange", "A setting and what to save for it.", {required(text("name", "As in .env: LISTEN_ADDR.", 64)), required(value)}));
    all.push_back(input("SettingsUpdate", "What to save; all of it, or nothing. Saved values stand behind flags, environment and .env.",
                        {required(objects("changes", "SettingChange", "Each setting once.", 1, 200)),
                         flag("check_only", "Only says what would be wrong; nothing is saved.")}));
    all.push_back(answer("Setting", "A setting.",
                         {text("name", "As in .env."), nullable(text("value", "What is in use; null: nothing, or a secret.", 8192)),
                          nullable(text("default", "When nothing is given; null: nothing, or made at the start.", 8192)), text("accepts", "What it takes."),
                          list("choices", "The values, where it takes a few words only; empty: others too."),
                          text("meaning", "What it is for."), text("group", "Where it belongs."), flag("secret", "Never shown, never saved here."),
                          choice("origin", "flag|environment|.env|saved|default", "Where the value in use comes from."),
                          nullable(text("saved", "What is saved; another source may come before it.", 8192)),
                          nullable(text("why_not_saved", "Why it cannot be saved here; null: it can.")),
                          choice("may_change", "no|yes|lower|raise", "What this caller may save for it: nothing; any value; only a stricter one; only a longer time. Root and the server's own user may save any on the same machine."),
                          flag("needs_restart", "A saved value is used from the next start on; false: at once."), flag("is_set", "Something is given.")}));
    const Fields list{objects("items", "Setting", "All settings, by group."), flag("restart_needed", "After a restart other values are in use than now.")};
    all.push_back(answer("SettingsList", "The settings.", list));
    all.push_back(answer("SettingProblem", "What is wrong.", {text("name", "The setting, or the file."), text("problem", "What is wrong, and what is accepted.", 4000)}));
    all.push_back({"SettingsUpdated", SchemaUse::Answer, "The settings, or with check_only the problems alone.",
                   list + Fields{objects("problems", "SettingProblem", "With check_only; empty: it can be saved.")}});
}

void addProviderCheck(std::vector<Schema> &all)
{
    all.push_back(input("ProviderCheck", "A provider and a key for it, or a project that has one.",
                        {required(text("provider", "Name of a provider profile.")),
                         secret("api_key", "The key to try, or a reference to it: env:NAME or file:/path. It is not kept."),
                         nullable(url("base_url", "Instead of the profile's address. A project's stored key goes only to the origin that it was given for; a reference, only where REFERENCE_ORIGINS names the origin.")),
                         nullable(flag("version_segment", "Whether the server's paths have a version segment (/v1); null: base_url shows it.")),
                         identifier("project_id", "Without api_key: this project's key is tried, at its address.")}));
    Field models = list("models", "The provider's models, at most 500, sorted.");
    models.maximum = 500;
    all.push_back(answer("ProviderProposal", "Another form of the address, where the API was found.",
                         {text("base_url", "The base URL to use.", 2048), nullable(flag("version_segment", "To be given with it; null: base_url shows it."))}));
    all.push_back(answer("ProviderChecked", "How it went.",
                         {flag("ok", "The provider takes the key."),
                          choice("reason", "ok|key_refused|unreachable|certificate|timeout|unexpected_answer|key_missing", "In one word."),
                          nullable(number("status", "Status that the provider answered; null: none.", 100, 999)),
                          text("message", "What happened, and what to do.", 3000), models, number("duration_ms", "How long it took.")}));
    all.back().fields.push_back(object("proposal", "ProviderProposal", "Left out when the API is where it was looked for, or was not found."));
    all.back().fields.push_back(list("notes", "What was changed in base_url before it was asked. Left out when nothing was."));
}

} // namespace

void addSettingsSchemas(std::vector<Schema> &all)
{
    addSettings(all);
    addProviderCheck(all);
}

} // namespace llmproxy::declared
