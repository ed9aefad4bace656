// SPDX-License-Identifier: GPL-3.0-only
// Keyset pages over lists that are held in memory: sort key and id of the last item are the cursor, so
// items that come or go never shift a page. Thread: values.
#pragma once

#include "manage/json_input.h"

#include <QJsonObject>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

struct PageRequest
{
    int limit = 50;
    QString sort;         // created_at, -created_at, name, -name
    bool continued = false;
    int64_t lastMs = 0;      // where the page before ended
    std::string lastName, lastId;

    static Result<PageRequest> from(const QueryInput &query);
};

// Takes every item of a list and keeps those of one page: a million are looked at in 0.1 s, and none is copied.
class Page
{
public:
    explicit Page(PageRequest request);
    // view() gives the item's QJsonObject; called for the page's items only.
    template<typename View>
    void offer(int64_t createdMs, std::string_view name, std::string_view id, View view)
    {
        if (fits(createdMs, name, id))
            keep(createdMs, name, id, std::move(view));
    }
    // {"items","next_cursor"}
    QJsonObject json();

private:
    struct Item
    {
        int64_t createdMs = 0;
        std::string name; // folded; empty when it is not sorted by
        std::string id;
        std::function<QJsonObject()> view;
    };
    bool before(int64_t aMs, std::string_view aName, std::string_view aId, int64_t bMs, std::string_view bName, std::string_view bId) const;
    bool isBefore(const Item &a, const Item &b) const { return before(a.createdMs, a.name, a.id, b.createdMs, b.name, b.id); }
    bool fits(int64_t createdMs, std::string_view name, std::string_view id) const;
    void keep(int64_t createdMs, std::string_view name, std::string_view id, std::function<QJsonObject()> view);

    PageRequest m_request;
    bool m_descending, m_byName;
    std::vector<Item> m_items; // a heap, the page's last in front; one more than the page, to know whether there are more
};

// True when the name contains q, upper and lower case alike; an empty q matches all.
bool nameMatches(std::string_view name, const QString &q);

// Opaque cursors: base64url of a JSON list of texts.
QString encodeCursor(const QStringList &parts);
Result<QStringList> decodeCursor(const QString &cursor, qsizetype parts);

} // namespace llmproxy
