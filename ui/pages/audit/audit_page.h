// SPDX-License-Identifier: GPL-3.0-only
// The audit log: found, followed, understood, verified, exported. Thread: GUI.
#pragma once

#include "models/audit_model.h"
#include "pages/audit/audit_filters.h"
#include "pages/page.h"
#include "widgets/long_table.h"

#include <QCheckBox>
#include <QPlainTextEdit>

namespace llmproxy::ui {

class AuditPage final : public Page
{
    Q_OBJECT
public:
    explicit AuditPage(Console &console);
    void refresh() override;
    void forget() override;
    void open(const QVariantMap &what) override;

protected:
    void reconnected() override;

private:
    void buildActions();
    QWidget *makeDetails();
    void applyFilters();
    void showDetails();
    void showSummary();
    void showOnly(const QString &filter, const QString &value);
    void goTo(qint64 seq);
    void review();

    AuditModel *m_model;
    AuditFilters *m_filters;
    LongTable *m_table;
    QCheckBox *m_tail;
    EmptyState *m_empty = nullptr;
    QPushButton *m_clear = nullptr; // of it
    QLabel *m_summary;
    QPlainTextEdit *m_raw;
    QLabel *m_place;
    QAction *m_request, *m_token, *m_address, *m_copy;
    QJsonObject m_shown;
    qint64 m_wantedSeq = 0; // to go to once it is loaded
    bool m_isLoaded = false;
};

} // namespace llmproxy::ui
