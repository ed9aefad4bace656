# SPDX-License-Identifier: GPL-3.0-only
"""A proxy under test whose audit log is looked at from outside: its lines in file and table, read and verified without
anything of the program's, and the program's own verdict beside it."""
import gzip
import json
import re
import sqlite3
import tempfile
from collections import defaultdict
from pathlib import Path

from proxy_case import Proxy, until
from verify_audit import LINE, problem

ROWS = re.findall(r"^\| `([a-z_.]+)` \| [a-z-]+ \| ([a-z, ]+) \|", (Path(__file__).resolve().parents[2] / "docs/audit-actions.md").read_text(), re.MULTILINE)
ACTORS = {action: actors.split(", ") for action, actors in ROWS}
TEXTS = ("timestamp", "action", "actor", "project_id", "request_id", "client_ip", "result")


def line_of_row(row):
    """The line that a row of the table stands for, byte by byte."""
    seq, details, prev, digest, *texts = row
    texts[0] = texts[0].replace(" ", "T") + "Z"
    head = ",".join(f"{json.dumps(key)}:{json.dumps(text, ensure_ascii=False)}" for key, text in zip(TEXTS, texts) if text)
    more = f',"details":{details}' if details != "{}" else ""
    return f'{{{head}{more},"seq":{seq},"prev":"{prev}","hash":"{digest}"}}\n'.encode()


def seq_of(line):
    return int(LINE.match(line.rstrip(b"\n")).group(2))


def not_applied(events):
    """The seqs of changes that never were, as later lines say."""
    said = {e["details"]["not_applied_seq"]: e["seq"] for e in events if e["details"].get("reason") == "not_applied"}
    assert all(seq < later for seq, later in said.items()), said
    return set(said)


# Of usage, beside its totals (ruling 51).
PARTS = ("cached_tokens", "cache_write_tokens", "cache_write_1h_tokens", "reasoning_tokens", "audio_input_tokens", "audio_output_tokens",
         "image_input_tokens", "image_output_tokens", "searches", "seconds", "pages")


class AuditedProxy(Proxy):
    """settings decide between file, table and both."""

    @classmethod
    def has_file(cls):
        return cls.settings.get("AUDIT_LOG_FILE") != ""

    @classmethod
    def has_table(cls):
        return cls.settings.get("AUDIT_STORE_IN_DB") != "false"

    def database(self):
        return sqlite3.connect(f"file:{self.data}/llm-proxy.db?mode=ro", uri=True, timeout=10)

    def log_files(self):
        """Oldest first. One that is compressed already is there twice for a moment."""
        paths = {p for p in self.data.glob("audit.log*") if p.suffix != ".tmp"}
        paths -= {p for p in paths if p.suffix == ".gz" and p.with_suffix("") in paths}
        found = []
        for path in paths:
            with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
                lines = file.readlines()
            if lines:
                found.append((path, lines))
        return sorted(found, key=lambda entry: seq_of(entry[1][0]))

    def file_lines(self):
        def read():
            try:
                return [[line for _, lines in self.log_files() for line in lines]]
            except FileNotFoundError:  # compressed while we looked
                return None
        return until(read, "the log's files hold still")[0]

    def table_lines(self):
        columns = ", ".join(("seq", "details", "prev", "hash", *TEXTS))
        link = self.database()
        try:
            return [line_of_row(row) for row in link.execute(f"SELECT {columns} FROM audit_events ORDER BY seq")]
        finally:
            link.close()

    def lines(self):
        return self.file_lines() if self.has_file() else self.table_lines()

    def all_events(self):
        events = []
        for line in self.lines():
            try:
                events.append({"details": {}} | json.loads(line))
            except ValueError:
                assert not line.endswith(b"\n"), f"no event: {line[:80]}"  # the last may be half written
        return events

    def by_request(self, events):
        found = defaultdict(list)
        for event in events:
            found[event.get("request_id")].append(event)
        return found

    def assert_agreement(self, within=5):
        """File and table hold the same lines, as soon as the rows have followed."""
        if not (self.has_file() and self.has_table()):
            return

        def difference():
            file, table = self.file_lines(), self.table_lines()
            if file == table:
                return None
            seqs = [set(map(seq_of, lines)) for lines in (file, table)]
            return f"only in the file: {sorted(seqs[0] - seqs[1])[:20]}, only in the table: {sorted(seqs[1] - seqs[0])[:20]}"
        last = []

        def agree():
            last[:] = [difference()]
            return last[0] is None
        try:
            until(agree, "file and table agree", within)
        except AssertionError as error:
            raise AssertionError(f"{error}; {last[0]}") from None

    def assert_chain(self, key=None):
        """One chain from seq 1 without a gap; with a public key also its signatures."""
        lines = self.lines()
        with tempfile.NamedTemporaryFile() as text:
            text.writelines(lines), text.flush()
            self.assertIsNone(problem([text.name], key), "(the first bad seq, what is bad about it)")
        self.assertEqual((seq_of(lines[0]), seq_of(lines[-1])), (1, len(lines)))

    def assert_declared(self):
        """Every action is one of docs/audit-actions.md, caused by one of the actors named there."""
        for event in self.all_events():
            self.assertIn(event["actor"], ACTORS.get(event["action"], ()), event)

    def assert_sound(self, key=None):
        """What has to be true beside a running server and after its end."""
        self.assert_chain(key)
        self.assert_declared()
        self.assert_agreement()
        link = self.database()
        try:
            self.assertEqual(link.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        finally:
            link.close()
        self.audit_cli("verify")

    def audit_cli(self, *arguments):
        """An audit command with this server's settings; it must end well."""
        settings = {name: value for name, value in self.settings.items() if name.startswith("AUDIT_")}
        return self.local("audit", *arguments, env=settings).stdout

    def public_key(self):
        path = Path(self.cwd) / "key.pem"
        path.write_text(self.audit_cli("public-key"))
        return str(path)
