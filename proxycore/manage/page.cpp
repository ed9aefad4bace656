// SPDX-License-Identifier: GPL-3.0-only
#include "manage/page.h"

#include <QJsonArray>
#include <QJsonDocument>

#include <algorithm>

namespace llmproxy {

namespace {

std::string folded(std::string_view name)
{
    return QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size())).toCaseFolded().toStdString();
}

} // namespace

Result<PageRequest> PageRequest::from(const QueryInput &query)
{
    PageRequest page;
    page.limit = static_cast<int>(query.integer("limit", 50));
    page.sort = query.text("sort", QStringLiteral("-created_at"));
    if (!query.has("cursor"))
        return page;
    const auto parts = decodeCursor(query.text("cursor"), 4);
    if (!parts)
        return parts.error();
    if (parts->at(0) != page.sort)
        return invalidField("cursor", "'cursor' belongs to another order; keep sort while paging.");
    page.continued = true;
    page.lastMs = parts->at(1).toLongLong();
    page.lastName = parts->at(2).toStdString();
    page.lastId = parts->at(3).toStdString();
    return page;
}

Page::Page(PageRequest request)
    : m_request(std::move(request))
    , m_descending(m_request.sort.startsWith(QLatin1Char('-')))
    , m_byName(m_request.sort.endsWith(QLatin1String("name")))
{
}

bool Page::before(int64_t aMs, std::string_view aName, std::string_view aId, int64_t bMs, std::string_view bName, std::string_view bId) const
{
    int order = m_byName ? aName.compare(bName) : (aMs > bMs) - (aMs < bMs);
    if (order == 0)
        order = aId.compare(bId);
    return m_descending ? order > 0 : order < 0;
}

bool Page::fits(int64_t createdMs, std::string_view name, std::string_view id) const
{
    const std::string key = m_byName ? folded(name) : std::string();
    if (m_request.continued && !before(m_request.lastMs, m_request.lastName, m_request.lastId, createdMs, key, id))
        return false;
    const Item *const last = m_items.size() > static_cast<size_t>(m_request.limit) ? &m_items.front() : nullptr;
    return !last || before(createdMs, key, id, last->createdMs, last->name, last->id);
}

void Page::keep(int64_t createdMs, std::string_view name, std::string_view id, std::function<QJsonObject()> view)
{
    const auto order = [this](const Item &a, const Item &b) { return isBefore(a, b); };
    m_items.push_back({createdMs, m_byName ? folded(name) : std::string(), std::string(id), std::move(view)});
    std::push_heap(m_items.begin(), m_items.end(), order);
    if (m_items.size() <= static_cast<size_t>(m_request.limit) + 1)
        return;
    std::pop_heap(m_items.begin(), m_items.end(), order);
    m_items.pop_back();
}

QJsonObject Page::json()
{
    std::sort(m_items.begin(), m_items.end(), [this](const Item &a, const Item &b) { return isBefore(a, b); });
    const bool more = m_items.size() > static_cast<size_t>(m_request.limit);
    if (more)
        m_items.pop_back();
    QJsonArray shown;
    for (const Item &item : m_items)
        shown.append(item.view());
    QJsonValue next;
    if (more && !m_items.empty()) {
        const Item &last = m_items.back();
        next = encodeCursor({m_request.sort, QString::number(qint64{last.createdMs}), QString::fromStdString(last.name), QString::fromStdString(last.id)});
    }
    return {{QStringLiteral("items"), shown}, {QStringLiteral("next_cursor"), next}};
}

bool nameMatches(std::string_view name, const QString &q)
{
    return q.isEmpty() || QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size())).contains(q, Qt::CaseInsensitive);
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
