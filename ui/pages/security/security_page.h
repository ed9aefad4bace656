// SPDX-License-Identifier: GPL-3.0-only
// The checks of `llm-proxy doctor`: state, evidence and fix. Thread: GUI.
#pragma once

#include "pages/page.h"

#include <QCheckBox>
#include <QJsonArray>
#include <QScrollArea>

namespace llmproxy::ui {

class SecurityPage final : public Page
{
    Q_OBJECT
public:
    explicit SecurityPage(Console &console);
    void refresh() override;
    void open(const QVariantMap &what) override;

private:
    void show();
    QWidget *cardOf(const QJsonObject &item);

    QJsonArray m_items;
    QString m_wanted; // the check that somebody was sent here for
    Badge *m_failed, *m_warned, *m_passed;
    QCheckBox *m_onlyOpen;
    QScrollArea *m_area;
    QVBoxLayout *m_list;
};

} // namespace llmproxy::ui
