# SPDX-License-Identifier: GPL-3.0-only
"""A test case that plants canaries with whatever is asked, keeps what is answered or printed, and searches all there is."""
import base64
import json
import re
import secrets
import sqlite3
import subprocess
from pathlib import Path

from canaries import Canaries, contents
from canary_places import PROVIDER_ANSWERS
from cli_case import BIN, environment
from proxy_case import MANAGEMENT, Proxy, fresh_id, request, until
from upstream import Upstream

ENCRYPTION_KEY = secrets.token_bytes(32)


class Leaky(Upstream):
    """A provider that tells the key it was called with."""
    async def behave_tell(self, called, _reader, writer, form):
        key = called.header("authorization").removeprefix("Bearer ")
        error = json.dumps({"model": key, "error": {"message": f"Incorrect API key provided: {key}", "code": key}})
        writer.write(("HTTP/1.1 " + PROVIDER_ANSWERS[form].format(key=key, error=error, size=len(error))).encode())
        await writer.drain()
        writer.close()
        return False


class CanaryCase(Proxy):
    settings = {"LOG_LEVEL": "debug", "AUDIT_MAX_FILE_SIZE": "64KiB", "ENCRYPTION_KEY": base64.b64encode(ENCRYPTION_KEY).decode()}

    @classmethod
    def setUpClass(cls):
        cls.canaries = Canaries()
        cls.seen = []  # (surface, what, bytes) of what was answered or printed
        cls.settings = cls.settings | {"REFERENCED": cls.canaries.new("sk-", "a variable that a reference names")}
        super().setUpClass()
        cls.know_token(cls.token, "used")
        cls.canaries.know("the management token", MANAGEMENT[8:-4])
        cls.canaries.know("the encryption key", ENCRYPTION_KEY)
        cls.canaries.know("the encryption key's text", cls.settings["ENCRYPTION_KEY"][4:-4])

    @classmethod
    def know_token(cls, token, what):
        cls.canaries.know(f"an access token, {what}", token[12:-8])
        return token

    def keep(self, surface, what, answer):
        self.seen.append((surface, what, str(answer.headers).encode() + answer.body))

    def tell(self, place, path="/v1/chat/completions", headers=(), body=b"", method=None, token=None, host="localhost"):
        """A data-plane request, with the token unless that is ''."""
        fields = [("Authorization", f"Bearer {self.token if token is None else token}")] if token != "" else []
        sent = request(path, body, method, [*fields, *headers]).replace(b"Host: localhost", b"Host: " + host.encode())
        answer = self.raw().send(sent).answer()
        if answer.header("x-llm-proxy-error"):
            self.keep("errors", f"answer to {place}", answer)
        return answer

    def call(self, place, method, path, body=None, headers=(), token=MANAGEMENT):
        """A management call."""
        fields = [("Authorization", f"Bearer {token}"), *headers]
        answer = self.raw().send(request(path, b"" if body is None else body, method, fields)).answer()
        surface = "errors" if answer.status >= 400 else "objects" if re.match("/manage/(projects|tokens)", path) else "others"
        self.keep(surface, f"answer to {place}", answer)
        return answer

    def command(self, place, *arguments, stdin="", env=None, surface="outputs"):
        done = subprocess.run([BIN, *arguments], input=stdin, capture_output=True, text=True, timeout=60, cwd=self.cwd,
                              env=environment(str(self.cwd)) | (env or {}))
        self.seen.append((surface, f"output of {place}", (done.stdout + done.stderr).encode()))
        return done.returncode

    def everything(self):
        """(surface, what, bytes) of all that there is."""
        yield from self.seen
        for path in sorted(p for p in self.cwd.rglob("*") if p.is_file() and p.parent.name != "secrets"):
            surface = "database" if ".db" in path.name else "audit" if path.name.startswith("audit") else "log"
            yield surface, str(path.relative_to(self.cwd)), contents(path)
        database = sqlite3.connect(f"file:{self.data / 'llm-proxy.db'}?mode=ro", uri=True)
        database.text_factory = bytes
        self.addCleanup(database.close)
        for name, in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = database.execute(f'SELECT * FROM "{name.decode()}"').fetchall()
            text = b"\n".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
            yield "objects" if name in (b"projects", b"project_providers", b"tokens") else "audit", f"table {name.decode()}", text
        yield "process", "the server's arguments", Path(f"/proc/{self.server.pid}/cmdline").read_bytes()

    def settle(self):
        """Until the last of what was planted is in file and table, and shown to who watches."""
        last = fresh_id()
        self.tell("the last", "/v1/models", headers=[("X-Request-ID", last)])
        until(lambda: last in json.dumps(self.manage("GET", f"/manage/audit?request_id={last}")[1]), "the last event is stored")
        return last

    def search(self):
        found = {}
        for surface, what, data in self.everything():
            for place, encoding in self.canaries.search(surface, data):
                found.setdefault(place, set()).add(f"{what} ({encoding})")
        for place, where in sorted(found.items()):
            with self.subTest(planted=place):
                self.fail("found in " + ", ".join(sorted(where)))
