#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Exports of the audit log: exact lines and CSV, filters, the proof of a slice and what it finds, cancelling."""
import csv
import io
import json
import unittest

from proxy_case import KEY, MANAGEMENT, Proxy, request, until


class FileAndTable(Proxy):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.new_project(name="Other")["id"]
        cls.other_token = cls.new_token(project_id=cls.other)["token"]

    def setUp(self):
        for model in ("@SUM(1+1)*cmd", "+1-2", "gpt-4o"):
            self.ask(body={"model": model}, headers=[("User-Agent", '=HYPERLINK("x","y")')])
        self.ask(body={"model": "m"}, token=self.other_token)

    def export(self, query=""):
        answer = self.ask(f"/manage/audit/export?{query}", method="GET", token=MANAGEMENT)
        self.assertTrue(answer.whole)
        return answer

    def test_lines_are_the_logs_own(self):
        answer = self.export()
        self.assertEqual((answer.status, answer.header("content-type")), (200, "application/jsonl"))
        self.assertIn("audit.jsonl", answer.header("content-disposition"))
        lines = answer.body.decode().splitlines()
        events = [json.loads(line) for line in lines]
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        self.assertEqual(events[-1]["action"], "audit.checkpoint", "everything handed out is signed")
        self.assertEqual([e["details"]["format"] for e in events if (e["action"], e["result"]) == ("audit.export", "success")][-1], "jsonl")
        if (self.data / "audit.log").exists():
            self.assertEqual(lines, (self.data / "audit.log").read_text().splitlines()[:len(lines)])

    def test_filters(self):
        found = [json.loads(line) for line in self.export(f"action=token.access&project_id={self.other}").body.splitlines()]
        self.assertTrue(found)
        self.assertEqual({(e["action"], e["project_id"]) for e in found}, {("token.access", self.other)})
        noted = [json.loads(line) for line in self.export("action=audit.export").body.splitlines()]
        self.assertIn("action,project_id", [e["details"].get("filters") for e in noted])
        status, refused = self.manage("GET", "/manage/audit/export?format=xml")
        self.assertEqual((status, refused["error"]["field"]), (400, "format"))

    def test_csv_has_no_formulas(self):
        answer = self.export("format=csv&action=token.access")
        self.assertTrue(answer.header("content-type").startswith("text/csv"))
        text = answer.body.decode()
        self.assertEqual(text.count("\n"), text.count("\r\n"))
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        events = [json.loads(line) for line in self.export("action=token.access").body.splitlines()][:len(rows)]
        self.assertEqual([int(r["seq"]) for r in rows], [e["seq"] for e in events])
        self.assertEqual([json.loads(r["details"]) for r in rows], [e["details"] for e in events])
        self.assertEqual([r["hash"] for r in rows], [e["hash"] for e in events])
        self.assertIn("'+1-2", [r["model"] for r in rows])
        for row in rows:
            for cell in row.values():
                self.assertNotIn(cell[:1] or " ", "=+-@\t\r", "a spreadsheet would run it")

    def test_a_slice_proves_itself(self):
        key = self.cwd / "key.pem"
        key.write_text(self.local("audit", "public-key").stdout)
        for name, options in (("all", ()), ("some", ("--action", "token.access")), ("csv", ("--format", "csv", "--actor", "client"))):
            file = self.cwd / f"{name}.export"
            self.local("audit", "export", "-o", str(file), *options)
            good = file.read_bytes()

            def verify(code):
                return json.loads(self.cli("audit", "verify", "--file", str(file), "--public-key", str(key), "--json", code=code).stdout)
            self.assertTrue(verify(0)["valid"], name)
            lines = good.splitlines(keepends=True)
            middle = len(lines) // 2
            seq = (lambda line: int(line.split(b",")[0]) if name == "csv" else json.loads(line)["seq"])
            for what, changed in (("changed", good.replace(b"127.0.0.1", b"127.0.0.2", 1)), ("removed", b"".join(lines[:middle] + lines[middle + 1:])),
                                  ("moved", b"".join(lines[:middle] + lines[middle + 1:] + [lines[middle]])), ("cut", b"".join(lines[:-1]))):
                with self.subTest(f"{name}: {what}"):
                    file.write_bytes(changed)
                    bad = verify(1)["first_bad_seq"]
                    if name != "csv" and what in ("changed", "removed") and not (name == "some" and what == "removed"):
                        self.assertLessEqual(abs(bad - seq(lines[middle] if what == "removed" else next(x for x in lines if b"127.0.0.1" in x))), 1)
            file.write_bytes(good)
            proof = self.cwd / f"{name}.export.proof"
            text = proof.read_text()
            proof.write_text(text.replace('"events":', '"events":1', 1))
            self.cli("audit", "verify", "--file", str(file), "--public-key", str(key), code=1)
            proof.write_text(text)
            verify(0)

    def test_one_job_follows_on_another(self):
        for _ in range(20):
            self.assertEqual(self.export().status, 200)
            self.assertEqual(self.manage("POST", "/manage/audit/verify", {})[0], 200)

    def test_report(self):
        self.manage("POST", f"/manage/projects/{self.other}/rotate-key", {"api_key": KEY})
        self.manage("POST", "/manage/audit/review", {"note": "looked <b>twice</b>"})
        self.ask(body={"model": "m"}, token="tok-wrong")
        found = json.loads(self.local("audit", "report", "--format", "json").stdout)
        self.assertTrue(found["chain"]["valid"])
        self.assertEqual([e["action"] for e in found["rotations"]], ["project.rotate_key"] * len(found["rotations"]))
        self.assertIn(self.other, [e["project_id"] for e in found["rotations"]])
        self.assertIn("looked <b>twice</b>", [e["details"]["note"] for e in found["reviews"]])
        self.assertIn(("token.access", "failure", "malformed"), [(f["action"], f["result"], f["reason"]) for f in found["failures"]])
        self.assertEqual(sum(c["events"] for c in found["counts"]), found["events"])
        page = self.local("audit", "report", "-o", str(self.cwd / "report.html"))
        self.assertEqual(page.stdout, "")
        text = (self.cwd / "report.html").read_text()
        self.assertIn("is as it was written", text)
        self.assertIn("looked &lt;b&gt;twice", text)
        self.assertNotIn("<b>", text)
        rows = list(csv.DictReader(io.StringIO(self.local("audit", "report", "--format", "csv").stdout)))
        self.assertEqual([r["result"] for r in rows if r["section"] == "chain"], ["valid"])
        early = json.loads(self.local("audit", "report", "--format", "json", "--to", "2001-01-01T00:00:00Z").stdout)
        self.assertEqual((early["events"], early["operations"]), (0, []))

    def test_a_reader_who_leaves_ends_the_job(self):
        client = self.raw(receive_buffer=4096)
        client.send(request("/manage/audit/export", headers=[("Authorization", f"Bearer {MANAGEMENT}")]))
        self.assertEqual(client.head()[0], 200)
        client.reset()
        until(lambda: not self.manage("GET", "/manage/audit/verify")[1]["running"], "the job ends", 5)
        self.export()


class TableOnly(FileAndTable):
    settings = {"AUDIT_LOG_FILE": ""}


class FileOnly(FileAndTable):
    settings = {"AUDIT_STORE_IN_DB": "false"}


if __name__ == "__main__":
    unittest.main()
