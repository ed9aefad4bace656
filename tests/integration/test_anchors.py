#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Checkpoints sent outside: to a file, to syslog, to a webhook; a log that is cut at a checkpoint is found by them."""
import base64
import json
import os
import socket
import subprocess
import unittest
from pathlib import Path

from cli_case import Cli
from proxy_case import Proxy, until
from webhook import Webhook

OPENSSL_PREFIX = b"llm-proxy audit webhook 1\n"


class Anchors(Proxy):
    @classmethod
    def setUpClass(cls):
        cls.hook = cls.enterClassContext(Webhook())
        cls.settings = {"AUDIT_ANCHORS": f"file:/proc/self/cwd/anchor.jsonl, {cls.hook.url}/in?secret-of-the-hook"}
        super().setUpClass()

    def checkpoint(self):
        """Everything so far is signed (an export does that) and anchored."""
        self.local("audit", "export", "-o", "export.jsonl")
        last = json.loads((self.cwd / "export.jsonl").read_text().splitlines()[-1])
        self.assertEqual(last["action"], "audit.checkpoint")
        return last

    def lines(self):
        path = self.cwd / "anchor.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def test_each_checkpoint_arrives(self):
        last = self.checkpoint()
        until(lambda: last in self.lines(), "the file has it")
        until(lambda: last in [json.loads(b) for b in self.hook.bodies], "the webhook has it")
        self.assertEqual((self.cwd / "anchor.jsonl").stat().st_mode & 0o777, 0o600)

    def test_a_webhook_is_signed(self):
        last = self.checkpoint()
        until(lambda: last in [json.loads(b) for b in self.hook.bodies], "the webhook has it")
        at = [json.loads(b) for b in self.hook.bodies].index(last)
        body, headers = self.hook.bodies[at], self.hook.headers[at]
        self.assertEqual(headers["X-LLM-Proxy-Key-Id"], last["details"]["key_id"])
        for name, data in (("key.pem", self.local("audit", "public-key").stdout.encode()), ("signed", OPENSSL_PREFIX + body),
                           ("signature", base64.b64decode(headers["X-LLM-Proxy-Signature"]))):
            (self.cwd / name).write_bytes(data)
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "signed", "-sigfile", "signature"],
                              cwd=self.cwd, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_what_is_not_taken_is_tried_again(self):
        self.hook.status = 500
        last = self.checkpoint()
        item = until(lambda: [i for i in self.manage("GET", "/manage/doctor")[1]["items"] if i["id"] == "audit_anchors" and "answered 500" in i["evidence"]],
                     "doctor says so")[0]
        self.assertEqual(item["state"], "warn")
        self.assertNotIn("secret-of-the-hook", item["evidence"] + item["fix"])
        self.assertNotIn("secret-of-the-hook", (self.cwd / "log").read_text() + (self.cwd / "errors").read_text())
        self.hook.status = 204
        until(lambda: last in [json.loads(b) for b in self.hook.bodies], "it arrives late")

    def test_a_redirect_is_not_followed(self):
        self.hook.status = 307
        self.checkpoint()
        until(lambda: "answered 307" in json.dumps(self.manage("GET", "/manage/doctor")[1]), "doctor says so")
        self.hook.status = 204

    def test_a_cut_tail_is_found(self):
        self.manage("POST", "/manage/audit/review", {"note": "before"})
        first = self.checkpoint()
        self.manage("POST", "/manage/audit/review", {"note": "after"})
        last = self.checkpoint()
        until(lambda: last in self.lines(), "the file has it")
        self.assertEqual(self.manage("POST", "/manage/audit/verify", {})[1]["valid"], True)
        whole = (self.data / "audit.log").read_text().splitlines(keepends=True)
        (self.cwd / "cut.log").write_text("".join(whole[:first["seq"]]))
        (self.cwd / "key.pem").write_text(self.local("audit", "public-key").stdout)
        self.cli("audit", "verify", "--file", "cut.log", "--public-key", "key.pem")  # it ends at a checkpoint: nothing shows
        (self.cwd / "journal").write_text("".join(f"Nov 25 12:00:00 host llm-proxy: {json.dumps(x, separators=(',', ':'))}\n" for x in self.lines()))
        for anchor in ("anchor.jsonl", "journal"):
            found = json.loads(self.cli("audit", "verify", "--file", "cut.log", "--public-key", "key.pem", "--anchor", anchor, "--json", code=1).stdout)
            self.assertEqual((found["first_bad_seq"], found["file"]["problems"][-1]["kind"]), (first["seq"] + 1, "cut"))


class TableOnly(Anchors):
    test_a_cut_tail_is_found = None

    @classmethod
    def start(cls):
        cls.settings |= {"AUDIT_LOG_FILE": ""}
        super().start()


class Syslog(Cli):
    @unittest.skipIf(Path("/dev/log").exists() or os.getuid() != 0, "this machine has a syslog of its own, or no right to be one")
    def test_syslog_gets_the_line(self):
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(log.close)
        log.bind("/dev/log")
        self.addCleanup(os.unlink, "/dev/log")
        log.settimeout(20)
        self.project()
        self.local("audit", "export", "-o", "x.jsonl", env={"AUDIT_ANCHORS": "syslog"})
        text = log.recv(1 << 16).decode()
        self.assertIn("llm-proxy: {", text)
        line = json.loads(text[text.index("{"):])
        self.assertEqual(line, json.loads((self.cwd / "x.jsonl").read_text().splitlines()[-1]))


class Refused(Cli):
    def test_only_tls_leaves_the_machine(self):
        for value in ("http://example.org/hook", "ftp://localhost/x", "file:relative", "https://user:password@example.org/", "journal"):
            with self.subTest(value):
                done = self.local("audit", "list", env={"AUDIT_ANCHORS": value}, code=2)
                self.assertIn("AUDIT_ANCHORS", done.stderr)
                self.assertNotIn("password", done.stderr)


if __name__ == "__main__":
    unittest.main()
