// SPDX-License-Identifier: GPL-3.0-only
#include "widgets/column_fit.h"

#include <algorithm>
#include <cmath>

namespace llmproxy::ui {

namespace {

int elasticityOf(const ColumnSize &column)
{
    return column.isElastic ? std::max(0, column.width - leastElastic) : 0;
}

ColumnSize *firstToYield(std::vector<ColumnSize> &columns)
{
    ColumnSize *first = nullptr;
    for (ColumnSize &column : columns) {
        if (column.yields > 0 && column.width > 0 && (!first || column.yields < first->yields))
            first = &column;
    }
    return first;
}

} // namespace

std::vector<int> fittedWidths(std::vector<ColumnSize> columns, int room)
{
    int total = 0, elastic = 0;
    for (const ColumnSize &column : columns) {
        total += column.width;
        elastic += elasticityOf(column);
    }
    while (total - elastic > room) {
        ColumnSize *leaving = firstToYield(columns);
        if (!leaving)
            break;
        total -= leaving->width;
        elastic -= elasticityOf(*leaving);
        leaving->width = 0;
    }
    const int missing = std::clamp(total - room, 0, elastic);
    std::vector<int> widths;
    widths.reserve(columns.size());
    for (const ColumnSize &column : columns) {
        const int own = elasticityOf(column);
        widths.push_back(column.width - (own > 0 ? static_cast<int>(std::ceil(static_cast<double>(missing) * own / elastic)) : 0));
    }
    return widths;
}

} // namespace llmproxy::ui
