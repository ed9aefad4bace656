// SPDX-License-Identifier: GPL-3.0-only
// The pages in the order of the navigation. Thread: GUI.
#pragma once

#include "client/session.h"
#include "pages/page.h"

#include <vector>

namespace llmproxy::ui {

struct PageEntry
{
    Page *page = nullptr;
    QString icon;
};

std::vector<PageEntry> allPages(Console &console, Session &session);

} // namespace llmproxy::ui
