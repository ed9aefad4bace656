// SPDX-License-Identifier: GPL-3.0-only
#include "widgets/time_chart.h"

#include "style/format.h"

#include <QAreaSeries>
#include <QCategoryAxis>
#include <QChart>
#include <QGraphicsLayout>
#include <QLegend>
#include <QLegendMarker>
#include <QLineSeries>
#include <QLocale>
#include <QMouseEvent>
#include <QRegularExpression>
#include <QToolTip>
#include <QValueAxis>

#include <algorithm>
#include <cmath>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int mostSteps = 5, fewestValues = 4, mostLabels = 5;
constexpr int mostTicks = 50; // of an axis for years
constexpr size_t mostPoints = 5'000;
constexpr qint64 minute = 60, hour = 60 * minute, day = 24 * hour; // in seconds

// 1, 2 or 5 times a power of ten: so that at most five of them reach the value.
double stepFor(double value)
{
    constexpr double largest = 1e18;
    for (double power = 1; power < largest; power *= 10) {
        for (const double factor : {1.0, 2.0, 5.0}) {
            if (factor * power * mostSteps >= value)
                return factor * power;
        }
    }
    return largest;
}

// Seconds between two labels of a time axis, all at full hours or days.
qint64 labelStep(qint64 span)
{
    for (const qint64 step : {minute, 5 * minute, 15 * minute, hour, 6 * hour, day, 2 * day, 7 * day}) {
        if (span <= mostLabels * step)
            return step;
    }
    return 90 * day;
}

// The first full step of local time at or after the moment.
QDateTime firstLabel(const QDateTime &from, qint64 step)
{
    const QDateTime local = from.toLocalTime();
    QDateTime at = step >= day ? local.date().startOfDay() : QDateTime(local.date(), QTime(0, 0)).addSecs(local.time().msecsSinceStartOfDay() / 1000 / step * step);
    return at < local ? at.addSecs(step) : at;
}

QAbstractAxis *timeAxis(const std::vector<QDateTime> &times)
{
    auto *axis = new QCategoryAxis;
    axis->setLabelsPosition(QCategoryAxis::AxisLabelsPositionOnValue);
    axis->setGridLineVisible(false);
    if (times.size() < 2)
        return axis;
    const qint64 step = labelStep(times.front().secsTo(times.back()));
    axis->setRange(static_cast<double>(times.front().toMSecsSinceEpoch()), static_cast<double>(times.back().toMSecsSinceEpoch()));
    const QString format = step < day ? u"HH:mm"_s : QLocale().dateFormat(QLocale::ShortFormat).remove(QRegularExpression(u"[^dM.]*y+[^dM]*"_s));
    QDateTime at = firstLabel(times.front(), step);
    for (int labels = 0; labels <= mostTicks && at.isValid() && at <= times.back(); ++labels, at = at.addSecs(step))
        axis->append(QLocale().toString(at, format), static_cast<double>(at.toMSecsSinceEpoch()));
    return axis;
}

QAbstractAxis *valueAxis(const std::vector<TimeSeries> &series)
{
    double most = fewestValues;
    for (const TimeSeries &one : series) {
        for (const double value : one.values)
            most = std::fmax(most, value); // of a number and NaN the number
    }
    const double step = stepFor(most);
    const double steps = std::ceil(most / step);
    auto *axis = new QValueAxis;
    axis->setRange(0, steps * step);
    axis->setTickCount(static_cast<int>(steps) + 1);
    axis->setLabelFormat(u"%.0f"_s);
    return axis;
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

// What is drawn is sorted by time and finite, whatever the server sent.
void TimeChart::set(const std::vector<QDateTime> &times, const std::vector<TimeSeries> &series)
{
    if (times == m_timesGiven && series == m_seriesGiven)
        return; // a chart is made anew: some 15 ms
    m_timesGiven = times;
    m_seriesGiven = series;
    m_times.clear();
    m_series = series;
    for (TimeSeries &one : m_series)
        one.values.clear();
    for (size_t at = 0; at < times.size() && m_times.size() < mostPoints; ++at) {
        if (!times[at].isValid() || (!m_times.empty() && times[at] <= m_times.back()))
            continue;
        m_times.push_back(times[at]);
        for (size_t number = 0; number < series.size(); ++number) {
            const double value = at < series[number].values.size() ? series[number].values[at] : qQNaN();
            m_series[number].values.push_back(std::isfinite(value) ? std::max(value, 0.0) : qQNaN());
        }
    }
    m_hovered = -1;
    QStringList words;
    for (const TimeSeries &one : series)
        words.append(one.name + u": "_s + textOf(one.values.empty() ? qQNaN() : one.values.back()));
    setAccessibleDescription(words.join(u", "_s));
    rebuild();
}

QString TimeChart::textOf(double value) const
{
    return std::isnan(value) ? u"–"_s : m_format(value);
}

void TimeChart::rebuild()
{
    const Colors &c = Theme::instance().colors();
    auto *made = new QChart;
    made->setTitle(m_title);
    made->setLocalizeNumbers(true);
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    made->setTitleFont(bold);
    made->setTitleBrush(c.text);
    made->setBackgroundVisible(false);
    made->setMargins(QMargins(4, 4, 16, 4));
    made->layout()->setContentsMargins(0, 0, 0, 0);
    made->legend()->setVisible(m_series.size() > 1);
    made->legend()->setAlignment(Qt::AlignBottom);
    made->legend()->setLabelColor(c.muted);
    made->legend()->setMarkerShape(QLegend::MarkerShapeCircle);
    made->setLocalizeNumbers(true);
    QAbstractAxis *x = timeAxis(m_times);
    QAbstractAxis *y = valueAxis(m_series);
    for (QAbstractAxis *axis : {x, y}) {
        axis->setLabelsColor(c.muted);
        axis->setGridLineColor(c.border);
        axis->setLinePenColor(c.border);
    }
    made->addAxis(x, Qt::AlignBottom);
    made->addAxis(y, Qt::AlignLeft);
    for (const TimeSeries &one : m_series)
        draw(*made, one);
    for (QLegendMarker *entry : made->legend()->markers()) {
        entry->setBrush(entry->series()->property("tone").value<QColor>());
        entry->setPen(Qt::NoPen);
    }
    QChart *before = chart();
    setChart(made);
    delete before;
}

void TimeChart::draw(QChart &made, const TimeSeries &one)
{
    auto *curve = new QLineSeries;
    for (size_t i = 0; i < m_times.size() && i < one.values.size(); ++i) {
        if (!std::isnan(one.values.at(i)))
            curve->append(static_cast<double>(m_times.at(i).toMSecsSinceEpoch()), one.values.at(i));
    }
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
        curve->setPointsVisible(curve->count() == 1); // a line of one point is none
    }
    shown->setName(one.name);
    shown->setProperty("tone", color);
    made.addSeries(shown);
    for (QAbstractAxis *axis : made.axes())
        shown->attachAxis(axis);
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
                text += u'\n' + one.name + u": "_s + textOf(one.values.at(static_cast<size_t>(m_hovered)));
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
