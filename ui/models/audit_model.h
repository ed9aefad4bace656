// SPDX-License-Identifier: GPL-3.0-only
// The audit log as a table of any length: without filters a row is a place in the chain, so that ten million rows scroll like a
// hundred; with filters rows are found page by page. Only pages near what is seen are kept. Thread: GUI; pages are read elsewhere.
#pragma once

#include "client/answer.h"
#include "client/project_names.h"

#include <QAbstractTableModel>
#include <QJsonObject>

#include <map>

namespace llmproxy::ui {

class AuditModel final : public QAbstractTableModel
{
    Q_OBJECT
public:
    enum AuditColumn { Time, Result, Action, Endpoint, Status, Token, Project, Address, Actor, Seq, ColumnCount };
    static constexpr int pageRows = 200;
    static constexpr int pagesKept = 10; // 2,000 events, some 6 MB

    AuditModel(Client &client, ProjectNames &projects, QObject *parent = nullptr);

    void setFilter(const Query &filter); // loads anew
    const Query &filter() const { return m_filter; }
    void reload();
    void forget(); // empty, until it is loaded
    // Takes events that came since; nothing else changes. Not while nothing is loaded. newest: the log's last seq.
    void takeNewer(qint64 newest);
    // Empty: not loaded yet.
    QJsonObject event(int row) const;
    // The row of a seq; -1: not among those that are known. Without filters every one is.
    int rowOf(qint64 seq) const;
    bool isComplete() const { return m_filter.isEmpty() || m_complete; }

    int rowCount(const QModelIndex &parent = {}) const override;
    int columnCount(const QModelIndex &parent = {}) const override;
    QVariant data(const QModelIndex &index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    bool canFetchMore(const QModelIndex &parent) const override;
    void fetchMore(const QModelIndex &parent) override;

Q_SIGNALS:
    void loaded();
    void failed(const QString &sentence);

private:
    struct PageRows
    {
        QList<QJsonObject> events;
        quint64 used = 0;
    };
    // Where a page of a filtered list begins, and how many rows it has.
    struct Mark
    {
        QString cursor;
        int rows = 0;
    };
    bool isFiltered() const { return !m_filter.isEmpty(); }
    void loadUnfiltered();
    void loadNext();
    void want(qint64 page) const;
    void load(qint64 page);
    void keep(qint64 page, QList<QJsonObject> events);
    void changedPage(qint64 page);
    const QJsonObject *find(int row) const;
    // Page and place of a row.
    std::pair<qint64, int> placeOf(int row) const;
    Query withFilter(Query query) const;

    Client &m_client;
    ProjectNames &m_projects;
    Query m_filter;
    int m_generation = 0;
    mutable int m_loading = 0;
    // Unfiltered: row 0 is m_last, the last row m_first; pages are seqs divided by pageRows.
    qint64 m_first = 1, m_last = 0;
    // Filtered: what came since loading, newest first, then pages in the order of their marks.
    QList<QJsonObject> m_head;
    QList<Mark> m_marks;
    QString m_nextCursor;
    PageTrail m_trail;
    bool m_complete = false, m_fetching = false, m_takingNewer = false;
    mutable std::map<qint64, PageRows> m_pages;
    mutable QList<qint64> m_wanted;
    mutable quint64 m_clock = 0;
};

} // namespace llmproxy::ui
