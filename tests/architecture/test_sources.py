#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Rules for every file: licence line, length, names, and nothing that looks like a secret."""
import re
import unittest

from source_tree import ROOT, files, shown

SPDX = "SPDX-License-Identifier: GPL-3.0-only"
SOURCES = (".h", ".cpp", ".c", ".py", ".sh", ".js", ".mjs", ".ts", ".sql", ".yaml", ".yml", ".cmake", "CMakeLists.txt")
TRANSLATIONS = "resources/translations/" # .ts there is Qt Linguist's, written by lupdate
SPLIT_AT = 400  # a longer file asks to be split
LIMIT = 600     # and a file over this is refused

BANNED_NAME = re.compile(r"\b(?:class|struct|enum(?: class)?|namespace)\s+(\w*(?:Manager|Helpers?|Utils?|Utilities|Misc))\b")
BANNED_FILE = re.compile(r"(^|_)(manager|helpers?|utils?|utilities|misc)\.", re.IGNORECASE)

SECRETS = {
    "a provider key": re.compile(r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{24,}"),
    "a GitHub token": re.compile(r"\b(?:ghp|gho|ghs)_[A-Za-z0-9]{36}"),
    "an AWS key": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a Google key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "an access token": re.compile(r"\btok-[0-9A-Za-z]{38}\b"),
}
# Made up on purpose, and recognizable as such.
MADE_UP = re.compile(r"1234567890|abcdef|demo|test|example|fake|dummy|secret|upstream|x{6}|0{6}|A{6}|a{6}", re.IGNORECASE)


def first_lines(path):
    lines = path.read_text(errors="replace").splitlines()[:2]
    return lines[1:] if lines and lines[0].startswith("#!") else lines[:1]


def secrets_in(text):
    return [what for what, pattern in SECRETS.items()
            for match in pattern.finditer(text) if not MADE_UP.search(match.group())]


class Sources(unittest.TestCase):
    maxDiff = None

    def test_spdx_line_first(self):
        without = [shown(p) for p in files(*SOURCES) if not shown(p).startswith(TRANSLATIONS) and not any(SPDX in line for line in first_lines(p))]
        self.assertEqual(without, [])

    def test_length(self):
        lengths = {shown(p): len(p.read_text(errors="replace").splitlines()) for p in files(*SOURCES)
                   if not shown(p).startswith(TRANSLATIONS)}
        asking = sorted(((n, p) for p, n in lengths.items() if n > SPLIT_AT), reverse=True)
        for count, path in asking:
            print(f"asks to be split: {path} ({count} lines)")
        self.assertEqual([f"{p}: {n} lines" for n, p in asking if n > LIMIT], [])

    def test_file_names_are_snake_case(self):
        wrong = [shown(p) for folder in ("proxycore", "app", "tests") for p in files(".h", ".cpp", ".py", under=folder)
                 if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*\.(h|cpp|py)", p.name)]
        self.assertEqual(wrong, [])

    def test_no_empty_names(self):
        self.assertTrue(BANNED_NAME.search("class TokenManager : public QObject"))
        self.assertFalse(BANNED_NAME.search("class TokenManagement"))
        wrong = [shown(p) for p in files(".h", ".cpp", ".py") if BANNED_FILE.search(p.name)]
        for path in files(".h", ".cpp"):
            wrong += [f"{shown(path)}: {name}" for name in BANNED_NAME.findall(path.read_text())]
        self.assertEqual(wrong, [])

    def test_no_unfinished_marks(self):
        marks = re.compile("TO" + "DO|FIX" + "ME|XX" + "X:|HA" + "CK:")
        wrong = [f"{shown(p)}:{number}" for p in files(*SOURCES)
                 for number, line in enumerate(p.read_text(errors="replace").splitlines(), 1) if marks.search(line)]
        self.assertEqual(wrong, [])

    def test_no_paths_of_one_machine(self):
        wrong = [shown(p) for p in files(*SOURCES, ".md", ".json") if "package-lock" not in p.name
                 and re.search("/wo" + "rk/|/home/[a-z]", p.read_text(errors="replace"))]
        self.assertEqual(wrong, [])

    def test_no_secrets(self):
        self.assertEqual(secrets_in('key = "sk-' + "Zk3Qp9" * 5 + '"'), ["a provider key"])
        self.assertEqual(secrets_in("sk-1234567890abcdef1234567890"), [])
        wrong = []
        for path in files():
            if path.suffix in (".png", ".svg", ".ico") or path.name == "package-lock.json":
                continue
            inside_tests = path.relative_to(ROOT).parts[0] == "tests"
            for what in secrets_in(path.read_text(errors="replace")):
                # Tests hold checksum vectors; a token of theirs opens nothing.
                if not (inside_tests and what == "an access token"):
                    wrong.append(f"{shown(path)}: {what}")
        self.assertEqual(wrong, [])

    def test_no_letters_by_locale(self):
        """A desktop program has a locale: in Turkish tolower('I') is no "i". base/ascii.h knows the letters of protocols."""
        by_locale = re.compile(r"\b(?:std::)?(?:tolower|toupper|is(?:alnum|alpha|digit|xdigit|space|upper|lower|print|punct|graph)|strn?casecmp)\(")
        wrong = [f"{shown(p)}: {call}" for folder in ("proxycore", "app", "ui") for p in files(".h", ".cpp", under=folder)
                 for call in by_locale.findall(re.sub(r"//[^\n]*", "", p.read_text()))]
        self.assertEqual(wrong, [])

    def test_env_files_stay_out_of_git(self):
        ignored = (ROOT / ".gitignore").read_text().split()
        for name in (".env", "/data/", "encryption.key"):
            self.assertIn(name, ignored)
        self.assertEqual([shown(p) for p in files(".env")], [])

    def test_no_test_waits_by_the_clock(self):
        wrong = []
        for path in files(".cpp", ".h", under="tests"):
            wrong += [f"{shown(path)}: {w}" for w in re.findall(r"\b(?:qSleep|qWait|sleep_for|usleep|QThread::m?sleep)\(",
                                                                path.read_text())]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
