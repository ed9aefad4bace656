#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""resources/guide_map has a row for each statement of the security guide, and its claims name things that exist.

The rows' statements, put together, are the guide word for word: a statement without a row is a gap in that text.
The guide itself is not part of the repository; where it lies beside it, the rows are held against it, everywhere
else against its digest."""
import hashlib
import re
import unittest

from source_tree import ROOT, files

MAP = ROOT / "resources" / "guide_map"
GUIDE = ROOT.parent / "shared" / "guide.txt"
# SHA-256 of the guide without white space.
DIGEST = "35f29449a0a55a5b86292013eeaf2e49e4079657ad3b5f02ae9194822ba05750"
STATES = {"made real", "open"}

TOP = "|".join(["proxycore", "app", "ui", "tests", "resources", "installer", "docs", r"\.ci"])
PATH = re.compile(rf"(?<![\w/.])((?:{TOP})/[\w./-]*\w|README\.md|CHANGELOG\.md|LICENSE|\.gitignore)")
SETTING = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")


def squeezed(text):
    return "".join(text.split())


def read_rows(text):
    """(statement, state, what) of each line; the header ends with the first empty line."""
    rows = []
    for line in text.split("\n\n", 1)[1].splitlines():
        if line.strip():
            rows.append(tuple(part.strip() for part in line.rsplit(" | ", 2)))
    return rows


def gap(rows, guide):
    """The place in the guide where the rows leave it, or None."""
    told = squeezed("".join(row[0] for row in rows))
    wanted = squeezed(guide)
    if told == wanted:
        return None
    at = next((i for i, (a, b) in enumerate(zip(told, wanted)) if a != b), min(len(told), len(wanted)))
    return f"…{wanted[max(0, at - 30):at]}>>>{wanted[at:at + 60]}…"


class GuideMap(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.rows = read_rows(MAP.read_text())

    def test_rows_are_whole(self):
        for row in self.rows:
            self.assertEqual(len(row), 3, row)
            self.assertIn(row[1], STATES, row[0])
            self.assertTrue(row[2], row[0])

    def test_one_statement_a_row(self):
        for statement, _, _ in self.rows:
            if statement.startswith("- "):
                self.assertNotRegex(statement, r"[a-z)] - [A-Z]", "two bullets in one row")

    def test_a_missing_row_is_found(self):
        guide = "".join(row[0] for row in self.rows)
        self.assertIsNone(gap(self.rows, guide))
        for missing in range(0, len(self.rows), 10):
            self.assertIsNotNone(gap(self.rows[:missing] + self.rows[missing + 1:], guide))

    def test_no_statement_without_a_row(self):
        told = squeezed("".join(row[0] for row in self.rows))
        if GUIDE.exists():
            self.assertIsNone(gap(self.rows, GUIDE.read_text()), "the guide goes on after >>> and the rows do not")
        self.assertEqual(hashlib.sha256(told.encode()).hexdigest(), DIGEST)

    def test_what_is_made_real_exists(self):
        declared = "".join(p.read_text() for p in files(".cpp", ".h", under="proxycore/config"))
        wrong = []
        for statement, state, what in self.rows:
            if state != "made real":
                continue
            paths, settings = PATH.findall(what), SETTING.findall(what)
            wrong += [f"{statement[:60]}: {path} does not exist" for path in paths if not (ROOT / path).exists()]
            wrong += [f"{statement[:60]}: {name} is no setting" for name in settings if f'"{name}"' not in declared]
            if not paths and not settings:
                wrong.append(f"{statement[:60]}: names neither a file nor a setting")
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
