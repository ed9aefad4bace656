// SPDX-License-Identifier: GPL-3.0-only
#include "pages/all_pages.h"

#include "pages/audit/audit_page.h"
#include "pages/live/live_page.h"
#include "pages/overview/overview_page.h"
#include "pages/projects/projects_page.h"
#include "pages/security/security_page.h"
#include "pages/settings/settings_page.h"
#include "pages/tokens/tokens_page.h"
#include "pages/usage/usage_page.h"

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

std::vector<PageEntry> allPages(Console &console, Session &session)
{
    return {
        {new OverviewPage(console), u"overview"_s}, {new ProjectsPage(console), u"project"_s},   {new TokensPage(console), u"token"_s},
        {new AuditPage(console), u"audit"_s},       {new LivePage(console), u"live"_s},          {new UsagePage(console), u"usage"_s},
        {new SecurityPage(console), u"security"_s}, {new SettingsPage(console, session), u"settings"_s},
    };
}

} // namespace llmproxy::ui
