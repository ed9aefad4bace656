// SPDX-License-Identifier: GPL-3.0-only
#include "models/audit_model.h"

#include "models/audit_text.h"
#include "models/rows_model.h"
#include "style/format.h"

#include <QJsonArray>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int atOnce = 2; // pages on their way
constexpr qint64 mostRows = 1'000'000'000; // views count rows as int, and add to them

// At most a page of them; what has no seq is no event.
QList<QJsonObject> eventsOf(const Reply &reply)
{
    QList<QJsonObject> events;
    for (const QJsonValue &one : reply.body.value("items"_L1).toArray()) {
        if (events.size() < AuditModel::pageRows && seqOf(one.toObject()) > 0)
            events.append(one.toObject());
    }
    return events;
}

Tone resultTone(const QString &result)
{
    return result == "success"_L1 ? Tone::Good : result == "denied"_L1 ? Tone::Warn : Tone::Bad;
}

} // namespace

AuditModel::AuditModel(Client &client, ProjectNames &projects, QObject *parent) : QAbstractTableModel(parent), m_client(client), m_projects(projects)
{
    connect(&projects, &ProjectNames::changed, this, [this] {
        if (rowCount() > 0)
            Q_EMIT dataChanged(index(0, Project), index(rowCount() - 1, Project), {Qt::DisplayRole});
    });
}

Query AuditModel::withFilter(Query query) const
{
    query.append(m_filter);
    return query;
}

void AuditModel::setFilter(const Query &filter)
{
    m_filter = filter;
    reload();
}

void AuditModel::forget()
{
    ++m_generation;
    beginResetModel();
    m_pages.clear();
    m_wanted.clear();
    m_marks.clear();
    m_head.clear();
    m_nextCursor.clear();
    m_trail = {};
    m_first = 1;
    m_last = 0;
    m_loading = 0;
    m_complete = m_fetching = m_takingNewer = false;
    endResetModel();
}

void AuditModel::reload()
{
    forget();
    isFiltered() ? loadNext() : loadUnfiltered();
}

// The oldest and the newest event say how long the table is.
void AuditModel::loadUnfiltered()
{
    const int generation = m_generation;
    ++m_loading;
    m_client.get(u"/manage/audit"_s, {{u"limit"_s, u"1"_s}, {u"sort"_s, u"created_at"_s}}, this, [this, generation](const Reply &oldest) {
        if (generation != m_generation)
            return;
        m_client.get(u"/manage/audit"_s, {{u"limit"_s, u"1"_s}}, this, [this, generation, oldest](const Reply &newest) {
            if (generation != m_generation)
                return;
            --m_loading;
            const QList<QJsonObject> first = eventsOf(oldest), last = eventsOf(newest);
            if (!newest.ok() || !oldest.ok())
                Q_EMIT failed(sentenceOf(newest.ok() ? oldest : newest));
            if (first.isEmpty() || last.isEmpty()) {
                Q_EMIT loaded();
                return;
            }
            beginResetModel();
            m_last = seqOf(last.first());
            m_first = std::clamp(seqOf(first.first()), std::max<qint64>(m_last - mostRows + 1, 1), m_last);
            endResetModel();
            Q_EMIT loaded();
        });
    });
}

void AuditModel::loadNext()
{
    if (m_fetching || m_complete)
        return;
    m_fetching = true;
    ++m_loading;
    Query query = withFilter({{u"limit"_s, QString::number(pageRows)}});
    if (!m_nextCursor.isEmpty())
        query.append({u"cursor"_s, m_nextCursor});
    m_client.get(u"/manage/audit"_s, query, this, [this, generation = m_generation](const Reply &reply) {
        if (generation != m_generation)
            return;
        m_fetching = false;
        --m_loading;
        if (!reply.ok()) {
            m_complete = true; // not asked again and again; reload() does
            Q_EMIT failed(sentenceOf(reply));
            return;
        }
        const QList<QJsonObject> events = eventsOf(reply);
        const QString cursor = std::exchange(m_nextCursor, reply.body.value("next_cursor"_L1).toString());
        const bool isEndless = !m_nextCursor.isEmpty() && (events.size() < pageRows || !m_trail.goesOn(m_nextCursor, events.size()));
        m_complete = m_nextCursor.isEmpty() || isEndless || rowCount() >= mostRows;
        if (!events.isEmpty()) {
            const int first = rowCount();
            beginInsertRows({}, first, first + static_cast<int>(events.size()) - 1);
            m_marks.append({cursor, static_cast<int>(events.size())});
            keep(m_marks.size() - 1, events);
            endInsertRows();
        }
        if (isEndless) // all pages but the last are full, and none comes twice
            Q_EMIT failed(endlessList());
        Q_EMIT loaded();
    });
}

bool AuditModel::canFetchMore(const QModelIndex &) const
{
    return isFiltered() && !m_complete && !m_fetching;
}

void AuditModel::fetchMore(const QModelIndex &parent)
{
    if (canFetchMore(parent))
        loadNext();
}

void AuditModel::takeNewer(qint64 newest)
{
    if (!isFiltered() && m_last > 0 && newest <= m_last)
        return; // no page is read to learn that nothing came
    if (m_loading > 0 || m_takingNewer || (!isFiltered() && m_last == 0)) {
        if (m_last == 0 && !isFiltered() && m_loading == 0)
            reload(); // the log was empty
        return;
    }
    m_takingNewer = true;
    m_client.get(u"/manage/audit"_s, withFilter({{u"limit"_s, QString::number(pageRows)}}), this, [this, generation = m_generation](const Reply &reply) {
        if (generation != m_generation)
            return;
        m_takingNewer = false;
        const QList<QJsonObject> events = eventsOf(reply);
        if (!reply.ok() || events.isEmpty())
            return;
        if (!isFiltered()) {
            const qint64 stored = seqOf(events.first()); // rows come up to 0.1 s behind the log
            if (stored <= m_last)
                return;
            if (stored - m_first >= mostRows) {
                reload();
                return;
            }
            const qint64 touched = m_last / pageRows;
            m_pages.erase(touched); // it was not full
            beginInsertRows({}, 0, static_cast<int>(stored - m_last) - 1);
            m_last = stored;
            endInsertRows();
            return;
        }
        const QJsonObject *top = find(0);
        const qint64 known = top ? seqOf(*top) : 0;
        QList<QJsonObject> fresh;
        for (const QJsonObject &event : events) {
            if (seqOf(event) > known)
                fresh.append(event);
        }
        if (fresh.size() == events.size() && rowCount() > 0) {
            reload(); // more came than one page holds
            return;
        }
        if (fresh.isEmpty())
            return;
        beginInsertRows({}, 0, static_cast<int>(fresh.size()) - 1);
        m_head = fresh + m_head;
        endInsertRows();
    });
}

std::pair<qint64, int> AuditModel::placeOf(int row) const
{
    if (!isFiltered()) {
        const qint64 seq = m_last - row;
        return {seq / pageRows, static_cast<int>(seq % pageRows)};
    }
    const auto below = row - static_cast<int>(m_head.size());
    return {below / pageRows, below % pageRows}; // all pages but the last are full
}

const QJsonObject *AuditModel::find(int row) const
{
    if (isFiltered() && row < m_head.size())
        return &m_head.at(row);
    const auto [page, place] = placeOf(row);
    const auto found = m_pages.find(page);
    if (found == m_pages.end()) {
        want(page);
        return nullptr;
    }
    found->second.used = ++m_clock;
    return place < found->second.events.size() && !found->second.events.at(place).isEmpty() ? &found->second.events.at(place) : nullptr;
}

// What is drawn now matters more than what was scrolled past.
void AuditModel::want(qint64 page) const
{
    m_wanted.removeOne(page);
    m_wanted.append(page);
    while (m_wanted.size() > 4)
        m_wanted.removeFirst();
    QMetaObject::invokeMethod(const_cast<AuditModel *>(this), [self = const_cast<AuditModel *>(this)] {
        while (!self->m_wanted.isEmpty() && self->m_loading < atOnce)
            self->load(self->m_wanted.takeLast());
    }, Qt::QueuedConnection);
}

void AuditModel::load(qint64 page)
{
    if (m_pages.contains(page))
        return;
    Query query{{u"limit"_s, QString::number(pageRows)}};
    if (isFiltered()) {
        if (page >= m_marks.size())
            return;
        query = withFilter(query);
        if (!m_marks.at(page).cursor.isEmpty())
            query.append({u"cursor"_s, m_marks.at(page).cursor});
    } else {
        query.append({u"around"_s, QString::number(page * pageRows + pageRows - 1)});
    }
    keep(page, {}); // on its way
    ++m_loading;
    m_client.get(u"/manage/audit"_s, query, this, [this, page, generation = m_generation](const Reply &reply) {
        if (generation != m_generation)
            return;
        --m_loading;
        if (!reply.ok()) {
            m_pages.erase(page);
            Q_EMIT failed(sentenceOf(reply));
            return;
        }
        QList<QJsonObject> events = eventsOf(reply);
        if (!isFiltered()) {
            QList<QJsonObject> places(pageRows);
            for (const QJsonObject &event : std::as_const(events)) {
                if (seqOf(event) / pageRows == page)
                    places[static_cast<qsizetype>(seqOf(event) % pageRows)] = event;
            }
            events = places;
        }
        keep(page, events);
        changedPage(page);
        if (!m_wanted.isEmpty())
            want(m_wanted.last());
    });
}

void AuditModel::keep(qint64 page, QList<QJsonObject> events)
{
    m_pages[page] = {std::move(events), ++m_clock};
    while (m_pages.size() > static_cast<size_t>(pagesKept)) {
        const auto oldest = std::min_element(m_pages.begin(), m_pages.end(), [](const auto &a, const auto &b) { return a.second.used < b.second.used; });
        m_pages.erase(oldest);
    }
}

void AuditModel::changedPage(qint64 page)
{
    qint64 first = 0, last = 0;
    if (isFiltered()) {
        first = m_head.size() + page * pageRows;
        last = first + pageRows - 1;
    } else {
        first = m_last - (page * pageRows + pageRows - 1);
        last = m_last - page * pageRows;
    }
    const auto top = static_cast<int>(std::max<qint64>(first, 0)), bottom = static_cast<int>(std::min<qint64>(last, rowCount() - 1));
    if (top <= bottom)
        Q_EMIT dataChanged(index(top, 0), index(bottom, ColumnCount - 1));
}

QJsonObject AuditModel::event(int row) const
{
    if (row < 0 || row >= rowCount())
        return {};
    const QJsonObject *found = find(row);
    return found ? *found : QJsonObject();
}

int AuditModel::rowOf(qint64 seq) const
{
    if (!isFiltered())
        return seq >= m_first && seq <= m_last ? static_cast<int>(m_last - seq) : -1;
    for (int row = 0; row < m_head.size(); ++row) {
        if (seqOf(m_head.at(row)) == seq)
            return row;
    }
    for (const auto &[page, rows] : m_pages) {
        for (int place = 0; place < rows.events.size(); ++place) {
            if (seqOf(rows.events.at(place)) == seq)
                return static_cast<int>(m_head.size() + page * pageRows) + place;
        }
    }
    return -1;
}

int AuditModel::rowCount(const QModelIndex &parent) const
{
    if (parent.isValid())
        return 0;
    if (!isFiltered())
        return m_last == 0 ? 0 : static_cast<int>(m_last - m_first + 1);
    return static_cast<int>(m_head.size()) + (m_marks.isEmpty() ? 0 : (static_cast<int>(m_marks.size()) - 1) * pageRows + m_marks.last().rows);
}

int AuditModel::columnCount(const QModelIndex &parent) const
{
    return parent.isValid() ? 0 : int{ColumnCount};
}

QVariant AuditModel::data(const QModelIndex &index, int role) const
{
    if (!index.isValid() || (role != Qt::DisplayRole && role != Qt::ToolTipRole && role != RowsModel::ToneRole))
        return {};
    const QJsonObject *event = find(index.row());
    if (!event)
        return role == Qt::DisplayRole && index.column() == Time ? QVariant(u"…"_s) : QVariant();
    if (role == RowsModel::ToneRole)
        return index.column() == Result ? QVariant(static_cast<int>(resultTone(event->value("result"_L1).toString()))) : QVariant();
    if (role == Qt::ToolTipRole)
        return index.column() == Time ? QVariant(bothTimes(timeOf(event->value("timestamp"_L1)))) : QVariant();
    return shown(index.column() == Project ? orDash(m_projects.of(event->value("project_id"_L1).toString())) : auditText(*event, index.column()), longestCell);
}

QVariant AuditModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue(Qt::Alignment(Qt::AlignLeft | Qt::AlignVCenter));
    if (role != Qt::DisplayRole)
        return {};
    const QString names[ColumnCount] = {tr("Time"), tr("Result"), tr("Action"), tr("Details"), tr("Status"), tr("Token"), tr("Project"), tr("Address"), tr("Actor"), tr("Seq")};
    return section >= 0 && section < ColumnCount ? names[section] : QVariant();
}

} // namespace llmproxy::ui
