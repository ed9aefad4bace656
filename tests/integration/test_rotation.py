#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The audit log's file is rotated under load: by the program itself, by logrotate as the guide shows it, and by logrotate with
a signal. What is left verifies, whole and in parts, and an independent verifier agrees."""
import gzip
import os
import re
import subprocess
import threading
import unittest

from proxy_case import Proxy, request, until
from verify_audit import LINE, problem


def first_seq(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        return int(LINE.match(file.readline().rstrip(b"\n")).group(2))


class Load:
    """Requests, as fast as one client can, while it is entered; each was answered."""
    def __init__(self, case):
        self.case, self.count, self.failed, self.ending = case, 0, None, False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            client = self.case.raw()
            one = request("/v1/models", headers=[("Authorization", f"Bearer {self.case.token}")])
            while not self.ending:
                assert client.send(one).answer().status == 200
                self.count += 1
        except Exception as error:  # to be seen by the test
            self.failed = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending = True
        self.thread.join()
        assert self.failed is None, self.failed

    def some(self, more=200):
        goal = self.count + more
        until(lambda: self.count >= goal or self.failed, "requests are answered")


class Rotated(Proxy):
    def files(self):
        """Oldest first."""
        return sorted((p for p in self.data.glob("audit.log*") if p.suffix != ".tmp" and p.stat().st_size), key=first_seq)

    def check(self):
        key = self.cwd / "key.pem"
        key.write_text(self.local("audit", "public-key").stdout)
        status, report = self.manage("POST", "/manage/audit/verify", {})
        self.assertEqual((status, report["valid"]), (200, True), report)
        self.end()  # or files would be compressed while they are looked at
        self.addCleanup(self.start)
        files = self.files()
        self.assertIsNone(problem([str(p) for p in files], str(key)), files)
        # Every request's event is there, once.
        seqs = set()
        for path in files:
            with (gzip.open if path.suffix == ".gz" else open)(path, "rt") as file:
                seqs |= {int(re.search(r'"seq":(\d+),"prev"', line).group(1)) for line in file}
        self.assertEqual(seqs, set(range(1, max(seqs) + 1)))
        return key


class BuiltIn(Rotated):
    settings = {"AUDIT_MAX_FILE_SIZE": "60KB", "AUDIT_FILE_MODE": "0640"}

    def test_by_size(self):
        with Load(self):
            until(lambda: len(list(self.data.glob("audit.log.*Z-*.gz"))) >= 3, "three files are full and compressed")
        key = self.check()
        for path in self.files():
            self.assertEqual(path.stat().st_mode & 0o777, 0o640, path)
        # Each begins with a signed checkpoint: it verifies alone, and so does the rest when the oldest goes.
        for path in self.files()[1:]:
            self.assertEqual(self.local("audit", "verify", "--file", str(path), "--public-key", str(key)).returncode, 0)
        self.files()[0].unlink()
        self.assertEqual(self.local("audit", "verify").returncode, 0)


class Old(Rotated):
    settings = {"AUDIT_MAX_FILE_SIZE": "20KB", "AUDIT_FILE_RETENTION": "1s"}

    def test_old_files_go(self):
        def first_is_gone():
            try:
                return len(list(self.data.glob("audit.log.*Z-*"))) >= 1 and first_seq(self.files()[0]) > 1
            except (FileNotFoundError, AttributeError):  # one went, or had no whole line yet, while we looked
                return False
        with Load(self):
            until(first_is_gone, "the first file is gone")
        self.assertTrue(self.manage("POST", "/manage/audit/verify", {})[1]["valid"])


class Logrotate(Rotated):
    settings = {"AUDIT_MAX_FILE_SIZE": "0"}

    def rotate(self, *more):
        options = "\n    ".join(("daily", "rotate 90", "compress", "delaycompress", "missingok", "notifempty", *more))
        config = self.cwd / "logrotate.conf"
        config.write_text(f"{self.data}/audit.log {{\n    {options}\n}}\n")
        os.chmod(config, 0o644)
        subprocess.run(["logrotate", "-f", "-s", str(self.cwd / "state"), str(config)], check=True, capture_output=True)

    def test_as_the_guide_shows_it(self):
        with Load(self) as load:
            for _ in range(4):
                load.some()
                self.rotate("copytruncate")
            load.some(50)
        self.assertTrue((self.data / "audit.log.4.gz").exists() and (self.data / "audit.log.1").exists())
        self.check()

    def test_with_a_signal(self):
        with Load(self) as load:
            for _ in range(3):
                load.some(100)
                self.rotate("create 0600", f"postrotate\n    kill -HUP {self.server.pid}\n    endscript")
                until(lambda: (self.data / "audit.log").stat().st_size > 0, "the new file is written")
        self.check()


class Encrypted(Rotated):
    """AUDIT_ENCRYPT_ROTATED: what was rotated is verified and listed as it is, and opened by audit decrypt alone."""
    settings = {"AUDIT_MAX_FILE_SIZE": "60KB", "AUDIT_ENCRYPT_ROTATED": "true", "AUDIT_STORE_IN_DB": "false"}

    def encrypted(self):
        return sorted(self.data.glob("audit.log.*Z-*.gz.enc"))

    def test_rotated_files_are_sealed(self):
        with Load(self) as load:
            until(lambda: load.failed or len(self.encrypted()) >= 3, "files are encrypted")
        until(lambda: not [p for p in self.data.glob("audit.log.*") if p.suffix != ".enc"], "nothing is left in clear")
        for path in self.encrypted():
            self.assertNotIn(b"token.access", path.read_bytes())
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        status, report = self.manage("POST", "/manage/audit/verify", {})
        self.assertEqual((status, report["valid"], report["file"]["first_seq"]), (200, True, 1), report)
        first = self.manage("GET", "/manage/audit?sort=created_at&limit=1")[1]["items"][0]
        self.assertEqual(first["seq"], 1, "lists read them")
        self.local("audit", "export", "-o", "all.jsonl")
        exported = (self.cwd / "all.jsonl").read_bytes().splitlines(keepends=True)
        clear = b""
        for path in self.encrypted():
            self.local("audit", "decrypt", str(path), "-o", "clear.gz")
            clear += gzip.decompress((self.cwd / "clear.gz").read_bytes())
            self.assertEqual((self.cwd / "clear.gz").stat().st_mode & 0o777, 0o600)
        self.assertEqual(clear.splitlines(keepends=True), exported[:clear.count(b"\n")])
        whole = path.read_bytes()
        for what, changed in (("changed", whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:]), ("cut", whole[:-1]), ("longer", whole + b"x"),
                              ("another beginning", whole.replace(b" ", b" 1", 1))):
            with self.subTest(what):
                (self.cwd / "bad.enc").write_bytes(changed)
                done = self.local("audit", "decrypt", "bad.enc", "-o", "bad.gz", code=1)
                self.assertIn("encrypted audit log", done.stderr)
                self.assertFalse((self.cwd / "bad.gz").exists())
        path.write_bytes(whole[:-1])
        report = self.manage("POST", "/manage/audit/verify", {})[1]
        self.assertFalse(report["valid"])
        self.assertIn(str(path), " ".join(problem["message"] for problem in report["file"]["problems"]))
        path.write_bytes(whole)


if __name__ == "__main__":
    unittest.main()
