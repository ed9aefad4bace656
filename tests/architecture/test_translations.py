#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Translations of the console: every text of the sources is there, finished, none is left from before, and what a program or a
keyboard reads in a text (places, tags, mnemonics, the mark at its end) is in its translation too."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from source_tree import ROOT, shown

TRANSLATIONS = ROOT / "resources" / "translations"
PLURALS = "llm-proxy_en.ts"  # the sources' own language: plural forms alone
LUPDATE = shutil.which("lupdate", path="/usr/lib/qt6/bin:" + os.environ.get("PATH", ""))

PLACE = re.compile(r"%L?(?:n|\d{1,2})")
TAG = re.compile(r"</?[A-Za-z][^<>]*>")
MNEMONIC = re.compile(r"&\w")
END = re.compile(r"(?: ?(?:…|\.\.\.)| ?:)$")
EDGES = re.compile(r"^(\s*).*?(\s*)$", re.DOTALL)


def forms_of(message):
    translation = message.find("translation")
    forms = [form.text or "" for form in translation.findall("numerusform")]
    return forms if message.get("numerus") == "yes" else [translation.text or ""]


def marks_of(text):
    """What has to be the same in a text and its translation."""
    ends = END.search(text)
    return {
        "places": Counter(PLACE.findall(text)),
        "tags": Counter(TAG.findall(text)),
        "mnemonics": len(MNEMONIC.findall(text.replace("&&", ""))),
        "end": ends.group().strip() if ends else "",
        "space around": EDGES.match(text).groups(),
    }


def faults_of(message):
    source, forms = message.findtext("source"), forms_of(message)
    if message.find("translation").get("type"):
        return [message.find("translation").get("type")]
    if not all(form.strip() for form in forms):
        return ["empty"]
    wanted = marks_of(source)
    return [f"{name} differ in {form!r}" for form in forms for name, value in marks_of(form).items() if value != wanted[name]]


def updated(path, folder):
    """A copy of the file, brought up to date; and what lupdate had to say."""
    copy = Path(folder) / path.name
    shutil.copy(path, copy)
    plurals = ["-pluralonly"] if path.name == PLURALS else []
    said = subprocess.run([LUPDATE, ROOT / "ui", "-locations", "none", *plurals, "-ts", copy], check=True, capture_output=True, text=True)
    return copy, said.stderr


def messages_of(path):
    for context in ElementTree.parse(path).getroot().findall("context"):
        for message in context.findall("message"):
            yield context.findtext("name"), message


def texts_of(path):
    return Counter((context, message.findtext("source"), message.findtext("comment")) for context, message in messages_of(path))


class Translations(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.assertTrue(LUPDATE, "lupdate is in the package qt6-l10n-tools")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.files = [(path, *updated(path, folder.name)) for path in sorted(TRANSLATIONS.glob("*.ts"))]

    def test_there_is_the_sources_own_language_and_another(self):
        names = [path.name for path, _, _ in self.files]
        self.assertIn(PLURALS, names)
        self.assertIn("llm-proxy_de.ts", names)
        self.assertEqual([name for name in names if not re.fullmatch(r"llm-proxy_[a-z]{2,3}(_[A-Z]{2})?\.ts", name)], [])

    def test_each_text_has_a_context_that_is_asked_at_run_time(self):
        # A class without Q_OBJECT asks under the name of the class above it.
        for _, _, said in self.files:
            self.assertNotIn("Q_OBJECT", said)
            self.assertNotIn("namespace", said)

    def test_complete_and_nothing_else(self):
        for path, now, _ in self.files:
            with self.subTest(shown(path)):
                self.assertEqual(list((texts_of(now) - texts_of(path)).elements()), [], "missing: run lupdate as README.md says, and translate")
                unfinished = [(context, m.findtext("source"), m.find("translation").get("type")) for context, m in messages_of(now) if m.find("translation").get("type")]
                self.assertEqual(unfinished, [], "not finished, or no longer in the sources")

    def test_translations_keep_what_is_read_by_others(self):
        wrong = []
        for path, now, _ in self.files:
            language = ElementTree.parse(path).getroot().get("language", "")
            for context, message in messages_of(now):
                wrong += [f"{language} {context} {message.findtext('source')!r}: {fault}" for fault in faults_of(message)]
        self.assertEqual(wrong, [])

    def test_the_sources_own_language_has_plural_forms_alone(self):
        self.assertEqual([m.findtext("source") for _, m in messages_of(TRANSLATIONS / PLURALS) if m.get("numerus") != "yes"], [])

    def test_no_line_numbers(self):
        # They would change with each edit of a source.
        self.assertEqual([shown(path) for path, _, _ in self.files if "<location" in path.read_text()], [])

    def test_faults_are_seen(self):
        def message(source, *forms, **attributes):
            made = ElementTree.Element("message", attributes)
            ElementTree.SubElement(made, "source").text = source
            translation = ElementTree.SubElement(made, "translation")
            if "numerus" not in attributes:
                translation.text = forms[0]
            for form in forms if "numerus" in attributes else ():
                ElementTree.SubElement(translation, "numerusform").text = form
            return made

        for good in (message("%1 of %2", "%2 hat %1"), message("&Copy", "&Kopieren"), message("Choose …", "Wählen …"), message("For:", "Für:"), message("<b>%1</b> && more", "<b>%1</b> && mehr"),
                     message(" a minute", " pro Minute"), message("%n day(s)", "%n Tag", "%n Tage", numerus="yes")):
            self.assertEqual(faults_of(good), [])
        for bad in (message("%1 of %2", "%1 hat %1"), message("%1", "%2"), message("&Copy", "Kopieren"), message("Copy", "&Kopieren"), message("Choose …", "Wählen"), message("For:", "Für"), message("Copy", ""),
                    message("<b>%1</b>", "<i>%1</i>"), message(" a minute", "pro Minute"), message("%n day(s)", "%n Tag", "", numerus="yes"), message("%Ln day(s)", "ein Tag", "%Ln Tage", numerus="yes"),
                    message("%Ln day(s)", "%n Tag", "%Ln Tage", numerus="yes")):
            self.assertEqual(len(faults_of(bad)), 1, ElementTree.tostring(bad))


if __name__ == "__main__":
    unittest.main()
