// SPDX-License-Identifier: GPL-3.0-only
// The server at a glance, and what needs attention first. Thread: GUI.
#pragma once

#include "pages/page.h"
#include "widgets/time_chart.h"

#include <QButtonGroup>
#include <QTimer>

namespace llmproxy::ui {

class OverviewPage final : public Page
{
    Q_OBJECT
public:
    explicit OverviewPage(Console &console);
    void refresh() override;
    void forget() override;

private:
    struct Tile
    {
        QLabel *figure, *note;
    };
    struct Attention
    {
        Tone tone;
        QString text, fix;
        std::function<void()> go;
    };
    QWidget *makeEngineCard();
    QWidget *makeTiles();
    Tile makeTile(QLayout *row, const QString &title);
    QWidget *makeCharts();
    void updateEngine();
    void updateFigures();
    void loadAttention();
    Attention attentionOf(const QJsonObject &check);
    void showAttention();
    void loadCharts();

    Badge *m_state;
    QLabel *m_address, *m_details;
    QPushButton *m_copy = nullptr;
    QAction *m_start, *m_stop;
    Tile m_rate{}, m_streams{}, m_requests{}, m_errors{}, m_tokens{};
    QVBoxLayout *m_attention;
    QList<Attention> m_checks, m_keys, m_ending, m_alerts;
    QStringList m_attentionShown; // empty: to be made anew
    bool m_isChecked = false;     // the server was asked for its checks
    QButtonGroup *m_span;
    TimeChart *m_requestChart, *m_latencyChart, *m_tokenChart;
    QTimer m_slow;
};

} // namespace llmproxy::ui
