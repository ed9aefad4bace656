// SPDX-License-Identifier: GPL-3.0-only
#include "widgets/time_chart.h"

#include "style/format.h"

#include <QAreaSeries>
#include <QChart>
#include <QDateTimeAxis>
#include <QLegend>
#include <QLegendMarker>
#include <QLineSeries>
#include <QMouseEvent>
#include <QToolTip>
#include <QValueAxis>

#include <algorithm>
#include <cmath>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int ticks = 4;

// 1, 2, 2.5 or 5 times a power of ten, at least the value.
double roundUp(double value)
{
    const double power = std::pow(10.0, std::floor(std::log10(std::max(value, 1.0))));
    for (const double factor : {1.0, 2.0, 2.5, 4.0, 5.0, 8.0, 10.0}) {
        if (factor * power >= value)
            return factor * power;
    }
    return 10 * power;
}

QString timeFormat(const std::vector<QDateTime> &times)
{
    const qint64 span = times.empty() ? 0 : times.front().secsTo(times.back());
    return span <= 2 * 86400 ? u"HH:mm"_s : u"d.M."_s;
}

} // namespace

TimeChart::TimeChart(const QString &title, std::function<QString(double)> format, bool filled, QWidget *parent)
    : QChartView(parent), m_title(title), m_format(std::move(format)), m_filled(filled)
{
    setAccessibleName(title);
    setRenderHint(QPainter::Antialiasing);
    setFrameShape(QFrame::NoFrame);
    setFixedHeight(220);
    setMouseTracking(true);
    setFocusPolicy(Qt::NoFocus);
    setStyleSheet(u"background: transparent"_s);
    connect(&Theme::instance(), &Theme::changed, this, &TimeChart::rebuild);
    rebuild();
}

void TimeChart::set(const std::vector<QDateTime> &times, const std::vector<TimeSeries> &series)
{
    m_times = times;
    m_series = series;
    m_hovered = -1;
    QStringList words;
    for (const TimeSeries &one : series)
        words.append(one.name + u": "_s + (one.values.empty() ? u"–"_s : m_format(one.values.back())));
    setAccessibleDescription(words.join(u", "_s));
    rebuild();
}

void TimeChart::rebuild()
{
    const Colors &c = Theme::instance().colors();
    auto *made = new QChart;
    made->setTitle(m_title);
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    made->setTitleFont(bold);
    made->setTitleBrush(c.text);
    made->setBackgroundVisible(false);
    made->setMargins(QMargins(4, 4, 4, 4));
    made->layout()->setContentsMargins(0, 0, 0, 0);
    made->legend()->setVisible(m_series.size() > 1);
    made->legend()->setAlignment(Qt::AlignBottom);
    made->legend()->setLabelColor(c.muted);
    auto *x = new QDateTimeAxis;
    x->setFormat(timeFormat(m_times));
    x->setTickCount(6);
    auto *y = new QValueAxis;
    double most = 0;
    for (const TimeSeries &one : m_series)
        most = std::max(most, one.values.empty() ? 0.0 : *std::max_element(one.values.begin(), one.values.end()));
    y->setRange(0, roundUp(most * 1.05));
    y->setTickCount(ticks + 1);
    y->setLabelFormat(y->max() < ticks ? u"%.1f"_s : u"%.0f"_s);
    for (QAbstractAxis *axis : std::initializer_list<QAbstractAxis *>{x, y}) {
        axis->setLabelsColor(c.muted);
        axis->setGridLineColor(c.border);
        axis->setLinePenColor(c.border);
    }
    x->setGridLineVisible(false);
    made->addAxis(x, Qt::AlignBottom);
    made->addAxis(y, Qt::AlignLeft);
    if (!m_times.empty())
        x->setRange(m_times.front(), m_times.back());
    for (const TimeSeries &one : m_series) {
        auto *curve = new QLineSeries;
        for (size_t i = 0; i < m_times.size() && i < one.values.size(); ++i)
            curve->append(static_cast<double>(m_times.at(i).toMSecsSinceEpoch()), one.values.at(i));
        const QColor color = Theme::instance().tone(one.tone);
        QAbstractSeries *shown = curve;
        if (m_filled) {
            auto *area = new QAreaSeries(curve);
            curve->setParent(area);
            QColor ground = color;
            ground.setAlphaF(0.18F);
            area->setBrush(ground);
            area->setPen(QPen(color, 1.6));
            shown = area;
        } else {
            curve->setPen(QPen(color, 1.8));
        }
        shown->setName(one.name);
        made->addSeries(shown);
        shown->attachAxis(x);
        shown->attachAxis(y);
    }
    QChart *before = chart();
    setChart(made);
    delete before;
}

void TimeChart::mouseMoveEvent(QMouseEvent *event)
{
    m_hovered = -1;
    if (m_times.size() > 1 && chart()->plotArea().contains(event->position())) {
        const double at = chart()->mapToValue(event->position()).x();
        const auto step = static_cast<double>(m_times.at(0).msecsTo(m_times.at(1)));
        const double index = (at - static_cast<double>(m_times.front().toMSecsSinceEpoch())) / step;
        m_hovered = std::clamp(static_cast<int>(std::lround(index)), 0, static_cast<int>(m_times.size()) - 1);
        QString text = localTime(m_times.at(static_cast<size_t>(m_hovered)));
        for (const TimeSeries &one : m_series) {
            if (static_cast<size_t>(m_hovered) < one.values.size())
                text += u'\n' + one.name + u": "_s + m_format(one.values.at(static_cast<size_t>(m_hovered)));
        }
        QToolTip::showText(event->globalPosition().toPoint(), text, this);
    }
    scene()->update();
    QChartView::mouseMoveEvent(event);
}

void TimeChart::leaveEvent(QEvent *event)
{
    m_hovered = -1;
    scene()->update();
    QChartView::leaveEvent(event);
}

void TimeChart::drawForeground(QPainter *painter, const QRectF &rect)
{
    QChartView::drawForeground(painter, rect);
    if (m_hovered < 0)
        return;
    const QPointF point = chart()->mapToPosition(QPointF(static_cast<double>(m_times.at(static_cast<size_t>(m_hovered)).toMSecsSinceEpoch()), 0));
    painter->setPen(QPen(Theme::instance().colors().muted, 1, Qt::DashLine));
    painter->drawLine(QPointF(point.x(), chart()->plotArea().top()), QPointF(point.x(), chart()->plotArea().bottom()));
}

} // namespace llmproxy::ui
