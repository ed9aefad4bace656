#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Nothing is logged where a lock is held in sight: whoever waits for the lock would wait for the log. (What a function that is called
under a lock logs goes through the log's queue, which never waits.)"""
import re
import unittest

from source_tree import files, shown

LOCK = re.compile(r"std::(?:lock_guard|unique_lock|scoped_lock|shared_lock)(?:<[^>]*>)? (\w+)\(")
UNLOCK, RELOCK = re.compile(r"\b(\w+)\.unlock\(\)"), re.compile(r"\b(\w+)\.lock\(\)")
LOG = re.compile(r"\blog(?:Error|Warn|Info|Debug)\(")


def under_a_lock(text):
    """The numbers of the lines that log between the making of a lock and the end of its block, or its unlock()."""
    found, held, depth = [], {}, 0
    for number, line in enumerate(text.splitlines(), 1):
        code = re.sub(r'"(?:\\.|[^"\\])*"', '""', re.sub(r"//.*", "", line))
        if LOG.search(code) and held:
            found.append(number)
        for name in UNLOCK.findall(code):
            held.pop(name, None)
        depth += code.count("{") - code.count("}")
        held = {name: at for name, at in held.items() if at <= depth}
        held |= dict.fromkeys(LOCK.findall(code) + RELOCK.findall(code), depth)
    return found


class Locks(unittest.TestCase):
    def test_the_check_itself(self):
        held = 'void f()\n{\n    const std::lock_guard guard(m_lock);\n    logError("x");\n}\n'
        self.assertEqual(under_a_lock(held), [4])
        self.assertEqual(under_a_lock(held.replace("    const", "    {\n    const").replace("m_lock);", "m_lock);\n    }")), [])
        self.assertEqual(under_a_lock(held.replace("    logError", "    guard.unlock();\n    logError")), [])
        self.assertEqual(under_a_lock(held.replace("    logError", "    guard.unlock();\n    guard.lock();\n    logError")), [6])

    def test_nothing_is_logged_under_a_lock(self):
        found = [f"{shown(path)}:{number}" for folder in ("proxycore", "app") for path in files(".cpp", ".h", under=folder)
                 for number in under_a_lock(path.read_text())]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
