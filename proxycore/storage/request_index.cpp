// SPDX-License-Identifier: GPL-3.0-only
#include "storage/request_index.h"

#include <QVariant>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace llmproxy {

namespace {

constexpr int64_t segmentBlocks = 64; // as in the migration
constexpr uint32_t buckets = 64;
constexpr qsizetype entryBytes = 5;

// FNV-1a (RFC 9923); its low bits are the bucket.
uint32_t hashOf(std::string_view end)
{
    uint32_t hash = 2'166'136'261U;
    for (const char c : end)
        hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
    return hash;
}

QByteArray entryOf(uint32_t hash, int64_t block)
{
    QByteArray entry(reinterpret_cast<const char *>(&hash), sizeof hash); // of this machine: the file is, too
    return entry.append(static_cast<char>(block % segmentBlocks));
}

class RequestBlocks : public Blocks
{
public:
    RequestBlocks(SqlConnection &connection, const AuditQuery &filters) : Blocks(filters.oldestFirst), m_end(requestEndOf(filters.requestId))
    {
        m_isRead = readSegments(connection) && readBlocks(connection);
        std::sort(m_blocks.begin(), m_blocks.end());
    }

private:
    bool readSegments(SqlConnection &connection)
    {
        const uint32_t hash = hashOf(m_end);
        QSqlQuery query = connection.query();
        query.prepare(QStringLiteral("SELECT segment, entries FROM audit_request_index WHERE bucket = ?"));
        query.addBindValue(hash % buckets);
        if (!ran(query, "request index"))
            return false;
        while (query.next()) {
            const QByteArray entries = query.value(1).toByteArray();
            for (qsizetype at = 0; at + entryBytes <= entries.size(); at += entryBytes) {
                if (std::memcmp(entries.constData() + at, &hash, sizeof hash) == 0)
                    m_blocks.push_back(query.value(0).toLongLong() * segmentBlocks + static_cast<unsigned char>(entries[at + entryBytes - 1]));
            }
        }
        return true;
    }

    bool readBlocks(SqlConnection &connection)
    {
        QSqlQuery query = connection.query();
        query.prepare(QStringLiteral("SELECT block, ends FROM audit_request_ends"));
        if (!ran(query, "request index"))
            return false;
        while (query.next()) {
            const std::string ends = query.value(1).toString().toStdString();
            for (size_t at = 0; at + requestEnd <= ends.size(); at += requestEnd) {
                if (ends.compare(at, requestEnd, m_end) == 0) {
                    m_blocks.push_back(query.value(0).toLongLong());
                    break;
                }
            }
        }
        return true;
    }

    bool seek(int64_t block, std::optional<int64_t> *next) override
    {
        next->reset();
        if (m_oldestFirst) {
            const auto found = std::lower_bound(m_blocks.begin(), m_blocks.end(), block);
            if (found != m_blocks.end())
                *next = *found;
        } else {
            const auto found = std::upper_bound(m_blocks.begin(), m_blocks.end(), block);
            if (found != m_blocks.begin())
                *next = *std::prev(found);
        }
        return m_isRead;
    }

    const std::string m_end;
    std::vector<int64_t> m_blocks;
    bool m_isRead = false;
};

} // namespace

std::string requestEndOf(std::string_view id)
{
    const size_t length = std::min(id.size(), requestEnd);
    return std::string(requestEnd - length, ' ').append(id.substr(id.size() - length));
}

bool packRequestEnds(SqlConnection &connection, int64_t beforeBlock)
{
    QSqlQuery oldest = connection.query();
    if (!oldest.exec(QStringLiteral("SELECT block FROM audit_request_ends ORDER BY block LIMIT 1")))
        return failed(oldest, "request index");
    if (!oldest.next())
        return true;
    const int64_t segment = oldest.value(0).toLongLong() / segmentBlocks;
    oldest.finish();
    if ((segment + 1) * segmentBlocks > beforeBlock)
        return true;
    std::array<QByteArray, buckets> sorted;
    QSqlQuery ends = connection.query();
    ends.prepare(QStringLiteral("SELECT block, ends FROM audit_request_ends WHERE block >= ? AND block < ?"));
    ends.addBindValue(qint64{segment * segmentBlocks});
    ends.addBindValue(qint64{(segment + 1) * segmentBlocks});
    if (!ran(ends, "request index"))
        return false;
    while (ends.next()) {
        const std::string text = ends.value(1).toString().toStdString();
        for (size_t at = 0; at + requestEnd <= text.size(); at += requestEnd) {
            const uint32_t hash = hashOf(std::string_view(text).substr(at, requestEnd));
            sorted[hash % buckets] += entryOf(hash, ends.value(0).toLongLong());
        }
    }
    ends.finish();
    QSqlQuery insert = connection.query();
    insert.prepare(QStringLiteral("INSERT INTO audit_request_index (bucket, segment, entries) VALUES (?, ?, ?) ON CONFLICT (bucket, segment) DO UPDATE "
                                  "SET entries = CAST(entries || excluded.entries AS BLOB)"));
    for (uint32_t bucket = 0; bucket < buckets; ++bucket) {
        if (sorted[bucket].isEmpty())
            continue;
        insert.bindValue(0, bucket);
        insert.bindValue(1, qint64{segment});
        insert.bindValue(2, sorted[bucket]);
        if (!ran(insert, "request index"))
            return false;
    }
    QSqlQuery remove = connection.query();
    remove.prepare(QStringLiteral("DELETE FROM audit_request_ends WHERE block >= ? AND block < ?"));
    remove.addBindValue(qint64{segment * segmentBlocks});
    remove.addBindValue(qint64{(segment + 1) * segmentBlocks});
    return ran(remove, "request index");
}

std::unique_ptr<Blocks> blocksOfRequest(SqlConnection &connection, const AuditQuery &filters)
{
    return std::make_unique<RequestBlocks>(connection, filters);
}

} // namespace llmproxy
