#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Every action that is written anywhere stands in proxycore/audit/actions.h, and the engine writes them nowhere else."""
import re
import unittest

from source_tree import ROOT, files, shown, tokens

TABLE = ROOT / "proxycore/audit/actions.h"
ROW = re.compile(r'\{Action::\w+, "([a-z_]+\.[a-z_]+)"')
NAMES = set(ROW.findall(TABLE.read_text()))
GROUPS = "|".join(sorted({name.split(".")[0] for name in NAMES}))
# A whole literal; one that ends like a file's name is a file's name.
LITERAL = re.compile(rf"({GROUPS})\.[a-z_]+")
FILE_ENDINGS = (".log", ".csv", ".db", ".env", ".h", ".html", ".json", ".lock", ".md", ".py", ".key", ".sock", ".pem", ".jsonl")
# In SQL an action is compared as text, for partial indexes are found by it.
SQL = re.compile(rf"'((?:{GROUPS})\.[a-z_]+)'")
# Members of providers' answers, and what a tampered line says.
OTHERS = re.compile(r"usage\.\w+_tokens|token\.excess")
PATHS = {"proxycore/usage/usage_shapes.cpp", "proxycore/usage/usage_paths.cpp"}  # of members in providers' answers
PYTHON = re.compile(rf"""["']((?:{GROUPS})\.[a-z_]+)["']""")


def is_action(text):
    return LITERAL.fullmatch(text) and not text.endswith(FILE_ENDINGS) and not OTHERS.fullmatch(text)


class Actions(unittest.TestCase):
    maxDiff = None

    def test_the_check_itself(self):
        self.assertIn("token.access", NAMES)
        self.assertGreater(len(NAMES), 30)
        self.assertTrue(is_action("project.nonsense"))
        self.assertFalse(is_action("audit.log"))
        self.assertFalse(is_action("see token.access"))

    def test_the_engine_writes_none_of_its_own(self):
        found = []
        for folder in ("proxycore", "app"):
            for path in files(".h", ".cpp", under=folder):
                if path == TABLE or shown(path) in PATHS:
                    continue
                for kind, text, line in tokens(path.read_text()):
                    if kind == "string" and is_action(text):
                        found.append(f"{shown(path)}:{line}: \"{text}\"; write Action::… instead")
                    if kind == "string":
                        found += [f"{shown(path)}:{line}: '{name}' is no action" for name in SQL.findall(text) if name not in NAMES]
        self.assertEqual(found, [])

    def test_what_others_write_is_in_the_table(self):
        found = []
        for path in files(".h", ".cpp", under="ui") + files(".cpp", ".h", under="tests/unit") + files(".cpp", ".h", under="tests/gui"):
            for kind, text, line in tokens(path.read_text()):
                if kind == "string" and is_action(text) and text not in NAMES:
                    found.append(f"{shown(path)}:{line}: \"{text}\" is no action")
        for path in files(".py", ".sql", ".sh", under="tests") + files(".sql", under="resources"):
            if path.name == "test_actions.py":
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                for name in PYTHON.findall(line):
                    if name not in NAMES and is_action(name):
                        found.append(f"{shown(path)}:{number}: \"{name}\" is no action")
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
