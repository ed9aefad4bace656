// SPDX-License-Identifier: GPL-3.0-only
// How wide the columns of a table are when nobody has chosen: nothing scrolls sideways while giving way helps.
// Thread: any.
#pragma once

#include <vector>

namespace llmproxy::ui {

constexpr int leastElastic = 110; // of an elastic column, in pixels

struct ColumnSize
{
    int width;              // that its texts need, in pixels; 0: out of sight
    bool isElastic = false; // gives way, down to leastElastic
    int yields = 0;         // above 0: leaves when elastic columns have given all they can, the lowest number first
};

// The widths in a room of so many pixels, in the same order; 0: out of sight. What never yields may be wider than the room.
std::vector<int> fittedWidths(std::vector<ColumnSize> columns, int room);

} // namespace llmproxy::ui
