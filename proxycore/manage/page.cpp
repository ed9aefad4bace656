// SPDX-License-Identifier: GPL-3.0-only
#include "manage/page.h"

#include <QJsonArray>
#include <QJsonDocument>

#include <algorithm>

namespace llmproxy {

namespace {

// Fixed width, so that texts order like the numbers.
QString timeKey(int64_t ms)
{
    return QString::number(qint64{ms}).rightJustified(20, QLatin1Char('0'));
}

struct Keyed
{
    QString key;
    const PageItem *item;
};

} // namespace

Result<PageRequest> PageRequest::from(const QueryInput &query)
{
    PageRequest page;
    page.limit = static_cast<int>(query.integer("limit", 50));
    page.sort = query.text("sort", QStringLiteral("-created_at"));
    if (!query.has("cursor"))
        return page;
    const auto parts = decodeCursor(query.text("cursor"), 3);
    if (!parts)
        return parts.error();
    if (parts->at(0) != page.sort)
        return invalidField("cursor", "'cursor' belongs to another order; keep sort while paging.");
    page.continued = true;
    page.lastKey = parts->at(1);
    page.lastId = parts->at(2);
    return page;
}

QJsonObject pageOf(std::vector<PageItem> items, const PageRequest &page)
{
    const bool descending = page.sort.startsWith(QLatin1Char('-'));
    const bool byName = page.sort.endsWith(QLatin1String("name"));
    const auto before = [descending](const QString &aKey, const QString &aId, const QString &bKey, const QString &bId) {
        const int order = aKey == bKey ? aId.compare(bId) : aKey.compare(bKey);
        return descending ? order > 0 : order < 0;
    };
    std::vector<Keyed> keyed;
    keyed.reserve(items.size());
    for (const PageItem &item : items) {
        QString key = byName ? item.name.toCaseFolded() : timeKey(item.createdMs);
        if (!page.continued || before(page.lastKey, page.lastId, key, item.id))
            keyed.push_back({std::move(key), &item});
    }
    const size_t count = std::min(keyed.size(), static_cast<size_t>(page.limit));
    std::partial_sort(keyed.begin(), keyed.begin() + static_cast<ptrdiff_t>(count), keyed.end(),
                      [&](const Keyed &a, const Keyed &b) { return before(a.key, a.item->id, b.key, b.item->id); });
    QJsonArray shown;
    for (size_t i = 0; i < count; ++i)
        shown.append(keyed[i].item->view());
    QJsonValue next;
    if (count < keyed.size() && count > 0)
        next = encodeCursor({page.sort, keyed[count - 1].key, keyed[count - 1].item->id});
    return {{QStringLiteral("items"), shown}, {QStringLiteral("next_cursor"), next}};
}

bool nameMatches(const QString &name, const QString &q)
{
    return q.isEmpty() || name.contains(q, Qt::CaseInsensitive);
}

QString encodeCursor(const QStringList &parts)
{
    const QByteArray json = QJsonDocument(QJsonArray::fromStringList(parts)).toJson(QJsonDocument::Compact);
    return QString::fromLatin1(json.toBase64(QByteArray::Base64UrlEncoding | QByteArray::OmitTrailingEquals));
}

Result<QStringList> decodeCursor(const QString &cursor, qsizetype parts)
{
    const Error bad = invalidField("cursor", "'cursor' is not one that this server gave; start without it.");
    const auto decoded = QByteArray::fromBase64Encoding(
        cursor.toUtf8(), QByteArray::Base64UrlEncoding | QByteArray::AbortOnBase64DecodingErrors);
    if (!decoded)
        return bad;
    const QJsonArray values = QJsonDocument::fromJson(*decoded).array();
    if (values.size() != parts)
        return bad;
    QStringList texts;
    for (const QJsonValue &value : values) {
        if (!value.isString())
            return bad;
        texts.append(value.toString());
    }
    return texts;
}

} // namespace llmproxy
