#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What is no audit log of ours, or one that was damaged, is never called intact: single files, sets of rotated files, slices with
proofs. LLM_PROXY_DAMAGED says of how many of each (200 in full)."""
import gzip
import json
import os
import random
import shutil
import subprocess
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cli_case import BIN, Cli
from damage import KINDS, LOG, corpus, flip, lines_of
from verify_audit import problem

SANITIZED = os.environ.get("LLM_PROXY_SANITIZED", "")
NUMBER = int(os.environ.get("LLM_PROXY_DAMAGED", "26" if SANITIZED else "104"))
OF_ONE = [kind for kind in KINDS if kind != "compressed and left"]  # that makes a second file
MEMORY, SECONDS = 100_000, 15  # kB; of processor time


class Damaged(Cli):
    def setUp(self):
        super().setUp()
        self.key = self.cwd / "key.pem"
        self.number = 0

    def history(self, folder, events=12):
        """A log of some events, which ends with a checkpoint; its bytes."""
        options = ("--data-dir", str(folder))
        project = json.loads(self.cli(*options, "project", "create", "--name", f"Of {folder.name}", "--key-stdin", "--json", stdin="sk-demo1234567890abcdef\n").stdout)["id"]
        for number in range(events):
            self.cli(*options, "token", "create", "--project", project, "--name", f"tök-{number}")
        return (folder / LOG).read_bytes()

    def good_log(self):
        data = self.history(self.data)
        self.key.write_text(self.local("audit", "public-key").stdout)
        return data

    def run_verify(self, *arguments):
        done = subprocess.run([BIN, *arguments, "--json"], capture_output=True, text=True, errors="replace", timeout=60, env=self.env, cwd=self.cwd)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            report = None
        return done.returncode, report, done.stderr

    def is_called_good(self, *arguments):
        code, report, errors = self.run_verify(*arguments)
        self.assertIn(code, (0, 1, 2), errors)
        self.assertEqual(code == 0, bool(report and report["valid"]), errors)
        self.assertTrue(code == 0 or report or errors.strip(), "a sentence")
        return code == 0

    def folder_of(self, files):
        self.number += 1
        folder = self.cwd / f"set-{self.number}"
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
            (folder / name).chmod(0o600)
        return folder

    def each(self, cases, judge):
        """Two at a time; the names of those that were called good."""
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda case: (case[0], judge(case[1])), cases))
        return [name for name, good in found if good]

    def test_a_named_file(self):
        good, other = self.good_log(), self.history(self.cwd / "other")
        key = ("--public-key", str(self.key))

        def judge(files):
            file = next(iter(self.folder_of(files).iterdir()))
            return self.is_called_good("audit", "verify", "--file", str(file), *key)
        self.assertTrue(judge({LOG: good}))
        self.assertTrue(judge({f"{LOG}.gz": gzip.compress(good)}))
        self.assertTrue(judge({f"{LOG}.gz": gzip.compress(good[:3000]) + gzip.compress(good[3000:])}), "two members")
        cases = list(corpus({LOG: good}, other, NUMBER, kinds=OF_ONE))
        self.assertEqual(self.each(cases, judge), [])
        packed = corpus({f"{LOG}.1.gz": gzip.compress(good)}, other, NUMBER // 2, kinds=[kind for kind in OF_ONE if "packed" in kind or "compressed" in kind])
        self.assertEqual(self.each(list(packed), judge), [])

    def independent(self, folder):
        """What the verifier that has nothing of the program's says: True for good."""
        return problem([str(path) for path in folder.iterdir() if path.name.startswith(LOG)], str(self.key)) is None

    def set_of(self, good):
        """As logrotate leaves it: FILE.2.gz, FILE.1, FILE; each file begins with a checkpoint."""
        lines = lines_of(good)
        starts = [at for at, line in enumerate(lines) if b'"action":"audit.checkpoint"' in line]
        first, second = starts[len(starts) // 3], starts[2 * len(starts) // 3]
        return {f"{LOG}.2.gz": gzip.compress(b"".join(lines[:first])), f"{LOG}.1": b"".join(lines[first:second]), LOG: b"".join(lines[second:])}

    def test_sets_of_files(self):
        """Without a table to hold them against; and the independent verifier agrees."""
        good, other = self.good_log(), self.history(self.cwd / "other")
        self.env["AUDIT_STORE_IN_DB"] = "false"
        rest = {p.name: p.read_bytes() for p in self.data.iterdir() if p.is_file() and not p.name.startswith(LOG)}
        strangers = []

        def judge(files):
            folder = self.folder_of(rest | files)
            if self.independent(folder):
                strangers.append(folder.name)
            return self.is_called_good("--data-dir", str(folder), "audit", "verify")
        self.assertTrue(judge(self.set_of(good)))
        self.assertEqual(len(strangers), 1)
        self.assertEqual(self.each(list(corpus(self.set_of(good), other, NUMBER, 2)), judge), [])
        self.assertEqual(len(strangers), 1, "the independent verifier")

    def test_sets_beside_their_table(self):
        good, other = self.good_log(), self.history(self.cwd / "other")
        rest = {p.name: p.read_bytes() for p in self.data.iterdir() if p.is_file() and not p.name.startswith(LOG)}
        judge = lambda files: self.is_called_good("--data-dir", str(self.folder_of(rest | files)), "audit", "verify")
        self.assertTrue(judge(self.set_of(good)))
        self.assertEqual(self.each(list(corpus(self.set_of(good), other, len(KINDS), 3)), judge), [])

    def test_slices_with_proofs(self):
        self.good_log()
        rng = random.Random(4)
        cases = []
        for form in ("jsonl", "csv"):
            slice_file, proof = self.cwd / f"slice.{form}", self.cwd / f"slice.{form}.proof"
            self.local("audit", "export", "--action", "token.create", "--format", form, "--output", str(slice_file))
            self.assertTrue(self.is_called_good("audit", "verify", "--file", str(slice_file), "--public-key", str(self.key)))
            data, said = slice_file.read_bytes(), proof.read_bytes()
            other = self.cwd / f"other.{form}"
            self.local("audit", "export", "--action", "project.create", "--format", form, "--output", str(other))
            cases += [(f"{form}: another's proof", (data, (self.cwd / f"other.{form}.proof").read_bytes())), (f"{form}: no proof at all", (data, b"")),
                      (f"{form}: a proof of nothing", (data, b'{"statement":{},"key_id":"","signature":""}\n')), (f"{form}: random proof", (data, rng.randbytes(3000)))]
            for name, files in corpus({LOG: data}, other.read_bytes(), NUMBER // 4, 5, OF_ONE):
                if name.startswith(("packed", "compressed")) and form == "csv":
                    continue
                cases.append((f"{form}: {name}", (files.get(LOG, next(iter(files.values()))), said)))
            cases += [(f"{form}: a bit of the proof {at}", (data, flip(said.rstrip(b"\n"), rng))) for at in range(NUMBER // 4)]

        def judge(case):
            folder = self.folder_of({"slice": case[0], "slice.proof": case[1]})
            return self.is_called_good("audit", "verify", "--file", str(folder / "slice"), "--proof", str(folder / "slice.proof"), "--public-key", str(self.key))
        self.assertEqual(self.each(cases, judge), [])

    def test_what_is_no_log(self):
        self.good_log()
        folder = self.cwd / "folder"
        folder.mkdir()
        things = {"an empty file": b"", "random bytes": random.Random(6).randbytes(100_000), "text": b"hello\n" * 1000, "a corrupt gzip": b"\x1f\x8b\x08\x00" + b"\xff" * 500,
                  "an empty gzip": gzip.compress(b""), "a gzip of text": gzip.compress(b"hello\n" * 1000), "a line without end": b"x" * 3_000_000}
        files = {name: self.folder_of({"thing": data}) / "thing" for name, data in things.items()}
        files |= {"/etc/passwd": Path("/etc/passwd"), "a directory": folder, "a device": Path("/dev/null"), "an endless device": Path("/dev/zero"), "nothing": self.cwd / "nowhere"}
        fifo = self.cwd / "fifo"
        os.mkfifo(fifo)
        files["a FIFO"] = fifo
        for name, file in files.items():
            for more in ((), ("--public-key", str(self.key))):
                with self.subTest(name, more=bool(more)):
                    code, report, errors = self.run_verify("--data-dir", str(self.data), "audit", "verify", "--file", str(file), *more)
                    self.assertIn(code, (1, 2), (report, errors))
                    self.assertIn(str(file), errors + json.dumps(report))

    def test_a_log_that_is_gone(self):
        """The command that looks starts the log again, and says what was there before."""
        self.good_log()
        for what, remove in (("removed", lambda log: log.unlink()), ("emptied", lambda log: os.truncate(log, 0))):
            for table in ("true", "false"):
                with self.subTest(what, table=table):
                    kept = self.cwd / f"{what}-{table}"
                    shutil.copytree(self.data, kept)
                    self.env["AUDIT_STORE_IN_DB"] = table
                    remove(self.data / LOG)
                    code, report, errors = self.run_verify("--data-dir", str(self.data), "audit", "verify")
                    self.assertEqual((code, report["valid"]), (1, False), errors)
                    self.assertIn("gone", report["problem"])
                    shutil.rmtree(self.data)
                    shutil.copytree(kept, self.data)

    def test_a_log_is_read_whatever_its_name(self):
        good = self.good_log()
        for name in ("copy.tmp", "copy.xz", "copy.zip", "copy.gz.enc", "audit", "copy.gz"):
            with self.subTest(name):
                copy = self.folder_of({name: good}) / name
                self.assertTrue(self.is_called_good("audit", "verify", "--file", str(copy), "--public-key", str(self.key)))

    def test_options_that_need_a_file(self):
        for option in (("--public-key", "/nonexistent"), ("--anchor", "/etc/passwd"), ("--proof", "/etc/passwd"), ("--older-copy",)):
            self.assertIn("--file", self.local("audit", "verify", *option, code=2).stderr)

    def test_anchors_as_people_have_them(self):
        """Pasted, with other line ends, with something in front; what has no checkpoint, or a damaged one, is no anchor."""
        good = self.good_log()
        lines = lines_of(good)
        last = [line for line in lines if b'"action":"audit.checkpoint"' in line][-1]
        cut = self.folder_of({LOG: b"".join(lines[:-2])}) / LOG
        whole = self.folder_of({LOG: good}) / LOG
        key = ("--public-key", str(self.key))
        for name, anchor in (("as it is", last), ("DOS", last.replace(b"\n", b"\r\n")), ("pasted", last.strip()), ("a blank", last.strip() + b" \n"), ("syslog", b"Nov 30 10:00:00 host llm-proxy[1]: " + last)):
            with self.subTest(name):
                file = self.folder_of({"anchor": anchor}) / "anchor"
                self.assertFalse(self.is_called_good("audit", "verify", "--file", str(cut), *key, "--anchor", str(file)))
                self.assertTrue(self.is_called_good("audit", "verify", "--file", str(whole), *key, "--anchor", str(file)))
        for name, anchor in (("empty", b""), ("random", random.Random(7).randbytes(3000)), ("text", b"root:x:0:0\n"), ("damaged", last.replace(b'"seq"', b'"sEq"')), ("another hash", last[:-10] + b"0" * 7 + last[-3:])):
            with self.subTest(name):
                file = self.folder_of({"anchor": anchor}) / "anchor"
                code, report, errors = self.run_verify("audit", "verify", "--file", str(whole), *key, "--anchor", str(file))
                self.assertEqual((code, report), (1, None))
                self.assertIn(str(file), errors)

    def test_what_cannot_be_written_to_is_left_alone(self):
        self.good_log()
        fifo, link, folder = self.cwd / "fifo", self.cwd / "link", self.cwd / "folder"
        os.mkfifo(fifo)
        link.symlink_to(link)
        folder.mkdir()
        for target in (fifo, link, folder):
            for command in (("audit", "export", "--output", str(target)), ("audit", "report", "--output", str(target)), ("audit", "decrypt", str(self.data / LOG), "-o", str(target))):
                with self.subTest(target=target.name, command=command[1]):
                    done = self.local(*command, code=2)
                    self.assertIn(str(target), done.stderr)
        self.assertTrue(fifo.is_fifo() and link.is_symlink() and folder.is_dir())
        self.assertIn(str(fifo), self.local("audit", "decrypt", str(fifo), "-o", "out", code=2).stderr)

    def measured(self, *arguments):
        process = subprocess.Popen([BIN, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env, cwd=self.cwd)
        out, errors = process.stdout.read(), process.stderr.read()
        process.stdout.close()
        process.stderr.close()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if not SANITIZED:
            self.assertLess(used.ru_maxrss, MEMORY)
            self.assertLess(used.ru_utime + used.ru_stime, SECONDS)
        return process.returncode, (out + errors).decode("utf-8", "replace")

    def test_huge_and_endless_arguments(self):
        """1.5 GB without anything in it, a FIFO that nobody writes, a device without end; in each place where a file is named."""
        self.good_log()
        log, huge, fifo = self.data / LOG, self.cwd / "huge", self.cwd / "fifo"
        with open(huge, "wb") as file:
            file.truncate(1_500_000_000)
        os.mkfifo(fifo)
        for thing in (huge, fifo, Path("/dev/zero"), self.cwd):
            for named in (("--file", str(log), "--public-key", str(thing)), ("--file", str(log), "--public-key", str(self.key), "--proof", str(thing)), ("--file", str(thing), "--public-key", str(self.key)),
                          ("--file", str(log), "--public-key", str(self.key), "--anchor", str(thing))):
                if named[0:2] == ("--file", str(huge)) or (named[-2:] == ("--anchor", str(huge))):
                    continue  # read to its end, for that is what it is: see below
                with self.subTest(thing=str(thing), argument=named[-2] if named[1] != str(thing) else "--file"):
                    began = time.monotonic()
                    code, said = self.measured("audit", "verify", *named)
                    self.assertIn(code, (1, 2), said)
                    self.assertIn(str(thing), said)
                    self.assertLess(time.monotonic() - began, 30)

    @unittest.skipIf(SANITIZED, "too slow")
    def test_a_huge_file_takes_little_memory(self):
        self.good_log()
        huge = self.cwd / "huge"
        with open(huge, "wb") as file:
            file.truncate(1_500_000_000)
        code, said = self.measured("audit", "verify", "--file", str(huge), "--public-key", str(self.key))
        self.assertEqual(code, 1, said)
        self.assertIn(str(huge), said)

    def test_a_log_that_was_damaged_in_place(self):
        """The same in every line: nothing of it is an event any more, in process and beside a running server."""
        self.good_log()
        log = self.data / LOG
        before = log.read_bytes()
        log.write_bytes(before.replace(b',"hash":"', b',"hasH":"'))
        for _ in range(2):
            code, report, errors = self.run_verify("--data-dir", str(self.data), "audit", "verify")
            self.assertIn(code, (1, 2), (report, errors))
            self.assertIn(str(log), errors + json.dumps(report))
        log.write_bytes(before)
        env = {"DATA_DIR": str(self.data), "MANAGEMENT_TOKEN": "m" * 40, "LISTEN_ADDR": "127.0.0.1:0"}
        self.serve(env=env)
        live = log.read_bytes()
        with open(log, "r+b") as file:  # not a new file: the server goes on in this one
            file.write(live.replace(b',"hash":"', b',"hasH":"'))
        code, report, errors = self.run_verify("--data-dir", str(self.data), "audit", "verify")
        self.assertEqual(code, 1, (report, errors))
        self.assertIn("audit.log", errors + json.dumps(report))
        doctor = json.loads(self.cli("--data-dir", str(self.data), "doctor", "--json", code=1).stdout)
        self.assertIn("fail", {item["state"] for item in doctor["items"] if item["id"].startswith("audit")})


if __name__ == "__main__":
    unittest.main()
