#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Who may include whom. An entry is a folder of proxycore, or one header of it."""
import re
import unittest

from source_tree import ROOT, files, shown, tokens

ALL = {"*"}
ALLOWED = {
    "base": set(),
    "secrets": {"base"},
    "access": {"base", "secrets", "audit/event.h"},
    "audit": {"base", "secrets"},
    "limits": {"base", "access/cidr.h", "access/lineage_state.h"},
    "usage": {"base"},
    "alerts": {"base", "exchange/outcome.h"},
    "demo": {"base"},
    "delivery": {"base", "secrets", "config", "upstream"},
    "config": {"base", "secrets", "access/cidr.h", "access/host_rules.h"},
    "storage": {"base", "secrets", "access", "audit", "exchange/outcome.h", "exchange/outcome_event.h", "usage/usage.h"}, # what it counts
    # The strict reader and the poller serve both legs; providers are told apart by settings and references.
    "front": {"base", "access/cidr.h", "access/host_rules.h", "secrets/secret.h", "secrets/credential_digest.h"}, # it checks the management credential
    "upstream": {"base", "secrets", "config", "front", "access/cidr.h", "access/host_rules.h"},
    "exchange": {"base", "secrets", "config", "access", "limits", "usage", "audit", "upstream", "front"},
    "manage": {"base", "secrets", "config", "access", "audit", "storage", "limits"},
    "engine": ALL,
}
# The console: requests and answers only. Of the engine it knows the type of a secret, and nothing else.
CONSOLE = {
    "client": {"secrets/secret.h"},
    "style": set(),
    "models": {"client", "style"},
    "widgets": {"style", "models"},
    "dialogs": {"client", "style", "widgets"},
    "pages": {"client", "style", "models", "widgets", "dialogs"},
    "shell": {"client", "style", "models", "widgets", "dialogs", "pages"},
}
CONSOLE_FACE = "client/console_host.h" # what app implements
# Sockets belong to front and upstream; engine hands descriptors over and serves the control socket.
SOCKET_FOLDERS = {"front", "upstream", "engine"}
# Reads the texts and the structures of addresses, opens nothing.
SOCKET_FILES = {"proxycore/access/cidr.cpp"}
SOCKET_HEADERS = re.compile(r"<(sys/socket\.h|sys/un\.h|netinet/.*|arpa/inet\.h|netdb\.h|QTcpSocket|QTcpServer|QLocalSocket"
                            r"|QLocalServer|QAbstractSocket)>")
GUI_HEADERS = re.compile(r"[<\"](QtGui|QtWidgets|QtQuick|QtQml|QtSvg|QtCharts)\b|<Q(Widget|Application|GuiApplication|Icon|Pixmap|"
                         r"Image|Color|Font|Dialog|MainWindow|Window|Painter|Action|Label|Clipboard)>")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"][^>"]+[>"])', re.MULTILINE)


def forbidden(folder, header):
    """True when a file of proxycore/<folder> must not include "header"."""
    target = header.split("/")[0]
    allowed = ALLOWED.get(folder, set())
    return not (target == folder or allowed == ALL or target in allowed or header in allowed)


def includes(path):
    return INCLUDE.findall(path.read_text())


class Arrows(unittest.TestCase):
    maxDiff = None

    def test_every_folder_has_its_rule(self):
        folders = {p.name for p in (ROOT / "proxycore").iterdir() if p.is_dir()}
        self.assertEqual(folders - set(ALLOWED), set(), "folders of proxycore without a row in ALLOWED")

    def test_the_check_itself(self):
        self.assertTrue(forbidden("base", "secrets/secret.h"))
        self.assertTrue(forbidden("exchange", "storage/database.h"))
        self.assertTrue(forbidden("front", "access/snapshot.h"))
        self.assertFalse(forbidden("front", "access/cidr.h"))
        self.assertFalse(forbidden("storage", "storage/database.h"))
        self.assertTrue(GUI_HEADERS.search("<QtWidgets/QWidget>"))
        self.assertTrue(SOCKET_HEADERS.search("<sys/socket.h>"))

    def test_arrows_between_the_folders(self):
        wrong = []
        for path in files(".h", ".cpp", under="proxycore"):
            folder = path.relative_to(ROOT / "proxycore").parts[0]
            for include in includes(path):
                if include[0] != '"':
                    continue
                header = include[1:-1]
                if not (ROOT / "proxycore" / header).is_file() and not header.endswith(".moc"):
                    wrong.append(f"{shown(path)}: {header} is not in proxycore (the include root)")
                elif not header.endswith(".moc") and forbidden(folder, header):
                    wrong.append(f"{shown(path)}: {folder} must not include {header}")
        self.assertEqual(wrong, [])

    def test_arrows_of_the_console(self):
        folders = {p.name for p in (ROOT / "ui").iterdir() if p.is_dir()}
        self.assertEqual(folders - set(CONSOLE), set(), "folders of ui without a row in CONSOLE")
        wrong = []
        for path in files(".h", ".cpp", under="ui"):
            folder = path.relative_to(ROOT / "ui").parts[0]
            for include in includes(path):
                header = include[1:-1]
                target = header.split("/")[0]
                if include[0] != '"' or folder == "module.cpp" or target == folder:
                    continue
                if target not in CONSOLE[folder] and header not in CONSOLE[folder]:
                    wrong.append(f"{shown(path)}: ui/{folder} must not include {header}")
        self.assertEqual(wrong, [])

    def test_the_program_knows_one_header_of_the_console(self):
        console = {p.relative_to(ROOT / "ui").as_posix() for p in files(".h", under="ui")}
        found = {i[1:-1] for path in files(".h", ".cpp", under="app") for i in includes(path) if i[1:-1] in console}
        self.assertEqual(found, {CONSOLE_FACE})

    def test_no_circle_of_folders(self):
        def reached(folder, seen):
            for target in {entry.split("/")[0] for entry in ALLOWED[folder] if "/" not in entry} - {"*"}:
                if target not in seen:
                    seen.add(target)
                    reached(target, seen)
            return seen

        self.assertEqual([f for f in ALLOWED if f in reached(f, set())], [])

    def test_sockets_stay_in_their_folders(self):
        wrong = [f"{shown(path)}: {include}"
                 for path in files(".h", ".cpp", under="proxycore")
                 for include in includes(path)
                 if SOCKET_HEADERS.search(include) and shown(path) not in SOCKET_FILES
                 and path.relative_to(ROOT / "proxycore").parts[0] not in SOCKET_FOLDERS]
        self.assertEqual(wrong, [])

    def test_the_engine_knows_no_screen(self):
        wrong = [f"{shown(path)}: {include}"
                 for folder in ("proxycore", "app")
                 for path in files(".h", ".cpp", under=folder)
                 for include in includes(path) if GUI_HEADERS.search(include)]
        for path in files(".h", ".cpp", under="proxycore"):
            found = tokens(path.read_text())
            wrong += [f"{shown(path)}:{line}: tr()" for (_, text, line), (_, after, _) in zip(found, found[1:])
                      if text in ("tr", "Q_DECLARE_TR_FUNCTIONS") and after == "("]
        self.assertEqual(wrong, [])

    def test_nothing_points_at_app(self):
        own = {p.name for p in files(".h", under="app")}
        wrong = []
        for path in files(".h", ".cpp"):
            # The tests and the bench of the console bring up what the program brings up; app's own tests mirror it.
            if path.relative_to(ROOT).parts[0] == "app" or shown(path).startswith(("tests/gui/", "tests/unit/app/", "tests/bench/console.cpp")):
                continue
            wrong += [f"{shown(path)}: {i}" for i in includes(path)
                      if i.strip('"').startswith("app/") or (i.strip('"') in own and i[0] == '"')]
        self.assertEqual(wrong, [])

    def test_main_is_short(self):
        main = ROOT / "app" / "main.cpp"
        if main.exists():
            self.assertLessEqual(len(main.read_text().splitlines()), 100)


if __name__ == "__main__":
    unittest.main()
