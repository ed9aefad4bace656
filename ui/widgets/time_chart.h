// SPDX-License-Identifier: GPL-3.0-only
// Numbers over time: areas or lines, with the values of the moment under the pointer. Thread: GUI.
#pragma once

#include "style/theme.h"

#include <QChartView>
#include <QDateTime>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace llmproxy::ui {

struct TimeSeries
{
    QString name;
    Tone tone = Tone::Info;
    std::vector<double> values; // one for each time; NaN: there is none

    bool operator==(const TimeSeries &other) const
    {
        return name == other.name && tone == other.tone && std::equal(values.begin(), values.end(), other.values.begin(), other.values.end(), [](double one, double two) { return one == two || (std::isnan(one) && std::isnan(two)); });
    }
};

class TimeChart final : public QChartView
{
    Q_OBJECT
public:
    // format: how a value is written.
    TimeChart(const QString &title, std::function<QString(double)> format, bool filled, QWidget *parent = nullptr);
    void set(const std::vector<QDateTime> &times, const std::vector<TimeSeries> &series);

private:
    QString textOf(double value) const;
    void rebuild();
    void draw(QChart &made, const TimeSeries &one);
    void mouseMoveEvent(QMouseEvent *event) override;
    void leaveEvent(QEvent *event) override;
    void drawForeground(QPainter *painter, const QRectF &rect) override;

    const QString m_title;
    const std::function<QString(double)> m_format;
    const bool m_filled;
    std::vector<QDateTime> m_timesGiven, m_times;
    std::vector<TimeSeries> m_seriesGiven, m_series;
    int m_hovered = -1;
};

} // namespace llmproxy::ui
