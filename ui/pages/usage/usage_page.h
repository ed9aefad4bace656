// SPDX-License-Identifier: GPL-3.0-only
// Requests and model tokens by project, token, model and day. Thread: GUI.
#pragma once

#include "models/rows_model.h"
#include "pages/page.h"
#include "widgets/table.h"
#include "widgets/time_chart.h"

#include <QComboBox>
#include <QHash>

namespace llmproxy::ui {

class UsagePage final : public Page
{
    Q_OBJECT
public:
    explicit UsagePage(Console &console);
    void refresh() override;
    void forget() override;

private:
    Query query(const QString &by) const;
    void loadTokenNames();
    void loadTable();
    void loadChart();
    void exportCsv();
    QString csv() const;
    QString nameOf(const QJsonObject &row) const;

    RowsModel *m_model;
    Table *m_table;
    QComboBox *m_by, *m_span;
    TimeChart *m_chart;
    QLabel *m_total;
    QHash<QString, QString> m_tokenNames; // by id
    QString m_shownBy;                    // what the rows are grouped by
};

} // namespace llmproxy::ui
