#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Nobody learns from an audit event what happened to a request: that is what a RequestOutcome is for. Who shows, exports,
verifies or indexes stored events may read their details, and the one way back for what an earlier run left."""
import re
import unittest

from source_tree import ROOT, files, shown

READS = re.compile(r"\b(?:\w*[eE]vent\w*|row|review|last|found->front\(\)|before)(?:->|\.)(?:text|find)\(|(?:->|\.)details\b(?!\.reserve|\.emplace_back)")
MAY = {
    "proxycore/exchange/outcome_event.cpp",  # the way back
    "proxycore/engine/restored_database.cpp",  # changes that the log alone knows
    "proxycore/storage/lost_rows.cpp",  # which ranges are declared
    "proxycore/storage/audit_rows.cpp", "proxycore/storage/audit_index.cpp",  # columns and terms of stored events
    "proxycore/manage/audit_export.cpp", "proxycore/manage/audit_report.cpp", "proxycore/manage/audit_report_text.cpp",
    "proxycore/manage/audit_review.cpp", "proxycore/manage/views.cpp",  # show them
}
WAY_BACK = "exchange/outcome_event.h"
MAY_GO_BACK = {"proxycore/engine/alert_watch.cpp", "proxycore/storage/database.cpp", "proxycore/storage/usage_rollup.cpp"}  # at a start, from what is stored


class Outcomes(unittest.TestCase):
    maxDiff = None

    def test_the_check_itself(self):
        self.assertTrue(READS.search('if (event.text("reason") == "revoked")'))
        self.assertTrue(READS.search("for (const auto &[k, v] : event.details)"))
        self.assertFalse(READS.search("event.details.emplace_back(key, value)"))
        self.assertFalse(READS.search('head.headers.find("origin")'))

    def test_nobody_parses_details(self):
        found = []
        for path in files(".h", ".cpp", under="proxycore"):
            name = shown(path)
            if name in MAY or name.startswith("proxycore/audit/") or "AuditEvent" not in path.read_text():
                continue
            found += [f"{name}:{number}: {line.strip()}" for number, line in enumerate(path.read_text().splitlines(), 1) if READS.search(line)]
        self.assertEqual(found, [])

    def test_who_reads_back(self):
        users = {shown(p) for p in files(".cpp", ".h", under="proxycore") if f'#include "{WAY_BACK}"' in p.read_text() and "outcomeOf(" in p.read_text()}
        self.assertEqual(users - {"proxycore/exchange/outcome_event.cpp"} - MAY_GO_BACK, set())

    def test_every_exit_is_told(self):
        """Of the exchange there is one end, and front's own refusals have one door."""
        told = [shown(p) for p in files(".cpp", under="proxycore/exchange") if "outcomes->tell(" in p.read_text()]
        self.assertEqual(told, ["proxycore/exchange/exchange.cpp"])
        connection = (ROOT / "proxycore/front/connection.cpp").read_text()
        body = re.sub(r"void Connection::refuseByFront\(.*?\n}\n", "", connection, flags=re.DOTALL)
        self.assertEqual(re.findall(r"^\s+refuse\(.*", body, re.MULTILINE), [], "use refuseByFront()")


if __name__ == "__main__":
    unittest.main()
