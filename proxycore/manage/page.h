// SPDX-License-Identifier: GPL-3.0-only
// Keyset pages over lists that are held in memory: sort key and id of the last item are the cursor, so
// items that come or go never shift a page. Thread: values.
#pragma once

#include "manage/json_input.h"

#include <QJsonObject>

#include <functional>
#include <vector>

namespace llmproxy {

struct PageRequest
{
    int limit = 50;
    QString sort;         // created_at, -created_at, name, -name
    bool continued = false;
    QString lastKey, lastId; // where the page before ended

    static Result<PageRequest> from(const QueryInput &query);
};

struct PageItem
{
    int64_t createdMs = 0;
    QString name;
    QString id;
    std::function<QJsonObject()> view; // called for the page's items only
};

// {"items","next_cursor"}
QJsonObject pageOf(std::vector<PageItem> items, const PageRequest &page);

// True when the name contains q, upper and lower case alike; an empty q matches all.
bool nameMatches(const QString &name, const QString &q);

// Opaque cursors: base64url of a JSON list of texts.
QString encodeCursor(const QStringList &parts);
Result<QStringList> decodeCursor(const QString &cursor, qsizetype parts);

} // namespace llmproxy
