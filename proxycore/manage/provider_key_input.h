// SPDX-License-Identifier: GPL-3.0-only
// A provider with its key as given in a body, checked, and its record. The plain key lives in locked
// memory between the two. Thread: values; the key is shared, immutable.
#pragma once

#include "access/records.h"
#include "manage/call.h"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace llmproxy {

struct ProviderKeyInput
{
    QString provider = {};
    std::optional<QString> baseUrl = {}; // set: replaces; empty text: the profile's
    std::optional<bool> versionSegment = {}; // of its paths; not set: baseUrl shows it
    bool hasVersionSegment = false;      // it was given, or a pasted endpoint shows it
    QString note = {};                   // what was changed in baseUrl; empty: nothing
    SharedSecret key = {};               // null: not given, or a reference
    QString reference = {};
    std::string path = {};               // of the fields in error messages

    bool hasKey() const { return key || !reference.isEmpty(); }
};

// Reads provider, api_key, base_url and version_segment of a body or of an item of "providers".
Result<ProviderKeyInput> readProviderKey(const ManageContext &context, const JsonObject &object,
                                         const QString &defaultProvider);
// All of "providers", or the single fields; empty when the body has none of them.
Result<std::vector<ProviderKeyInput>> readProviders(const ManageContext &context, const JsonObject &body,
                                                    const QString &defaultProvider);
// Seals the key, or keeps the previous record's. An Error when a key is needed and there is none, or when this caller may not send
// it where the record says (ruling 50).
Result<ProviderKey> makeProviderKey(const ManageCall &call, const QString &projectId,
                                    const ProviderKeyInput &input, const ProviderKey *previous, int64_t nowMs);

// Whether a key that was given for keyUrl (empty: the profile's own address) may go to baseUrl: the same origin, or the profile's own.
bool mayGoTo(const ManageContext &context, const std::string &provider, const std::string &keyUrl, const std::string &baseUrl);
// That of an entry; unusable, too, when its row was edited in the database and the key is therefore not sent (exchange/step_forward.cpp).
KeyState stateOf(const ManageContext &context, const ProviderEntry &entry);
// Why this caller may not send what a reference names to this base_url; fields begin with path.
Outcome refusedReference(const ManageCall &call, const std::string &provider, const std::string &baseUrl, const std::string &path);

// Runs then when the sources of new references have answered, or after a second: a change that names a source is usually answered
// with a key that can be used, and a source that hangs holds up nothing but that. At once, or on another thread. A source that answers
// with what is no credential ends the call with an error instead.
void whenKeysAnswered(const CallPtr &call, std::vector<ProviderKeyInput> inputs, std::function<void()> then);

// What was changed in the inputs, and an answer that says so.
QStringList notesOf(const std::vector<ProviderKeyInput> &inputs);
QJsonObject withNotes(QJsonObject answer, const QStringList &notes);

} // namespace llmproxy
