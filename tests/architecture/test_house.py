#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The house itself: licence, links of the documents, scripts, packages, and what the built program loads."""
import os
import re
import subprocess
import unittest

from source_tree import ROOT, SKIPPED_FOLDERS, files, shown

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
GUI_LIBRARY = re.compile(r"lib(Qt6(Gui|Widgets|Quick|Qml|Svg|Charts)|X11|xcb|wayland-client|GL|EGL)\.so")


class House(unittest.TestCase):
    maxDiff = None

    def test_licence_is_gpl_3(self):
        text = (ROOT / "LICENSE").read_text()
        self.assertIn("GNU GENERAL PUBLIC LICENSE", text)
        self.assertIn("Version 3, 29 June 2007", text)
        self.assertGreater(len(text), 30000, "the full text, not a summary")

    def test_links_lead_somewhere(self):
        broken = []
        for page in files(".md"):
            for target in LINK.findall(page.read_text()):
                if re.match(r"[a-z]+:|#", target):
                    continue
                if not (page.parent / target.split("#")[0]).exists():
                    broken.append(f"{shown(page)}: {target}")
        self.assertEqual(broken, [])

    def test_readme_opens_with_both_commands(self):
        text = (ROOT / "README.md").read_text()
        for command in ("./installer/try.sh", "./tests/run.sh"):
            self.assertIn(command, text)
            self.assertTrue((ROOT / command).is_file())
        self.assertNotIn("(output of a real run)", text, "paste what the command really printed")

    def test_readme_maps_every_folder(self):
        text = (ROOT / "README.md").read_text()
        folders = [f for f in ROOT.iterdir() if f.is_dir() and f.name not in SKIPPED_FOLDERS
                   and not f.name.startswith((".", "build"))]
        folders += [f for f in (ROOT / "proxycore").iterdir() if f.is_dir()]
        self.assertEqual([f.name for f in folders if f"({f.relative_to(ROOT).as_posix()}" not in text], [])

    def test_scripts_run_as_they_are(self):
        scripts = files(".sh") + [ROOT / ".ci" / "run"]
        for path in scripts:
            self.assertTrue(os.access(path, os.X_OK), f"{shown(path)} is not executable")
            self.assertIn("set -euo pipefail", path.read_text(), shown(path))
            subprocess.run(["bash", "-n", path], check=True)

    def test_packages_have_one_list(self):
        wrong = [shown(p) for p in files(".sh") + [ROOT / ".ci" / "run"]
                 if re.search(r"^[^#\n]*apt(-get)? install", p.read_text(), re.MULTILINE) and p.name != "packages.sh"]
        self.assertEqual(wrong, [])

    @unittest.skipUnless(os.environ.get("LLM_PROXY_BIN"), "LLM_PROXY_BIN names no program")
    def test_the_program_loads_no_gui_library(self):
        loaded = subprocess.run(["ldd", os.environ["LLM_PROXY_BIN"]], check=True, capture_output=True, text=True).stdout
        self.assertIn("libQt6Core", loaded)
        self.assertEqual([line.strip() for line in loaded.splitlines() if GUI_LIBRARY.search(line)], [])


if __name__ == "__main__":
    unittest.main()
