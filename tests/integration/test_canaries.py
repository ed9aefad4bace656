#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Secrets and personal data are planted wherever a user can put one; then everything that stays or is shown is searched.

Where a canary may be found, and nowhere else:
- keys, tokens, the management token, the encryption key: nowhere. A new token stands once in the answer that made it.
- what somebody typed as name, note, allowed model or endpoint, or into a base URL's path: with its object, in the tables of
  projects and tokens (so in the database's files) and in answers and commands that show that object.
- e-mail addresses and phone numbers in requests: nowhere. A phone number is not planted in what an event is to record (user
  agent, path, model, a review's note): it is a number like another.
- a secret without a prefix is a word like another unless something names it: planted as a credential and behind api_key= only.
What a client and a provider tell each other is relayed and none of our store; an answer of the proxy's own is searched."""
import base64
import gzip
import json
import os
import resource
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

from canaries import KEYS, KINDS, PREFIXED, Canaries, contents, letters
from canary_case import CanaryCase, Leaky
from canary_places import AGENTS, CALLS, COMMANDS, CREDENTIALS, ENV_LINES, HEADERS, PATHS, PROVIDER_ANSWERS, QUERIES, SETTINGS, TARGETS
from cli_case import BIN, Cli
from proxy_case import MANAGEMENT, request, until

OBJECT = frozenset({"objects", "database"})


class TheSearch(unittest.TestCase):
    """A search that finds nothing must be one that could have."""
    def test_every_encoding_is_found(self):
        canaries = Canaries()
        values = [canaries.new(kind, "a file") for kind in KINDS] + ["ends~?>~?>~?>~?>~?>~?>here"]
        canaries.know("special characters", values[-1][4:-4])
        with tempfile.TemporaryDirectory() as folder:
            for place, value in zip(canaries.planted, values):
                data = value.encode()
                written = {"raw": data, "upper case": data.upper(), "hex": data.hex().encode(), "HEX": data.hex().upper().encode(),
                           "URL": quote(value, safe="").encode(), "all URL": b"".join(b"%%%02X" % c for c in data),
                           "JSON": b"".join(b"\\u%04X" % c for c in data), "UTF-16LE": value.encode("utf-16-le"),
                           "UTF-16BE": value.encode("utf-16-be"), "cut": data[:-1]}
                for before in range(3):
                    written[f"base64 {before}"] = base64.b64encode(b"x" * before + data)
                    written[f"base64url {before}"] = base64.urlsafe_b64encode(b"x" * before + data)
                for encoding, form in written.items():
                    for name in ("plain", "packed.gz"):
                        with self.subTest(canary=place, encoding=encoding, file=name):
                            path = Path(folder) / name
                            whole = b"\0before " + form + b" behind\xff"
                            path.write_bytes(gzip.compress(whole) if name.endswith(".gz") else whole)
                            self.assertEqual([p for p, _ in canaries.search("file", contents(path))][:1], [place])
        self.assertEqual(canaries.search("file", b"tok-" + values[5][4:8].encode() + b"****" + values[5][-4:].encode()), [])

    def test_what_may_stand_somewhere_is_found_elsewhere(self):
        value = (canaries := Canaries()).new("e-mail", "a name", OBJECT).encode()
        self.assertEqual((canaries.search("objects", value), len(canaries.search("audit", value))), ([], 1))


class Planted(CanaryCase):
    def in_headers(self):
        for kind in KINDS:
            new = partial(self.canaries.new, kind)
            for name, form in CREDENTIALS:
                place = f"{name} ({form[:5]})"
                self.tell(place, token="", headers=[(name, form.format(new(place)))])
                self.tell(place, headers=[(name, form.format(new(place + " beside the token")))])
            self.tell("?key=", f"/v1/models?a=1&key={new('?key=')}&b=2", token="")
            self.tell("two keys", f"/v1/models?key={new('?key= beside the token')}")
            for name, form in HEADERS:
                self.tell(name, headers=[(name, form.format(new(name)))], body=b"{}")
            self.tell("Host", "/v1/models", host=new("Host") + ".example")
            self.tell("a parameter", f"/v1/models?limit={new('a parameter')}&{new('a parameter')}=1")
            self.tell("a broken head", f"/v1/models HTTP/1.1 {new('the request line')}")
            self.tell("a header's name", headers=[(new("a broken header's name") + " ", "1")])
            self.tell("a method", "/v1/models", method=new("the method"))
            named = f"tool --api-key={new('a named value in the user agent')}" if kind != "phone" else "tool"
            self.tell("User-Agent", "/v1/models", headers=[("User-Agent", named)])
        for kind in (*PREFIXED, "e-mail"):
            recorded = partial(self.canaries.new, kind)
            for form in AGENTS:
                place = f"the user agent '{form.removeprefix('a' * 239)}'"
                self.tell(place, "/v1/models", headers=[("User-Agent", form.format(recorded(place)))])
            self.tell("X-Request-ID", "/v1/models", headers=[("X-Request-ID", recorded("X-Request-ID"))])
            for path in TARGETS:
                self.tell(f"the path {path}", path.format(recorded(f"the path {path}")))
            coded = recorded("an encoded path").replace("-", "%2D").replace("_", "%5F").replace("AI", "%41I").replace("@", "%40")
            self.tell("an encoded path", f"/v1/models/{coded}")

    def in_bodies(self):
        limited = self.know_token(self.new_token(allowed_models=["gpt-4o"])["token"], "with a list of models")
        echo = ("X-Behave", "echo")
        for kind in KINDS:
            new = partial(self.canaries.new, kind)
            for token in (None, limited):
                body = json.dumps({"model": "gpt-4o", "user": new("user"), "metadata": {"a": new("metadata"), new("metadata's name"): 1},
                                   "safety_identifier": new("safety_identifier"), "input": new("input")}).encode()
                self.tell("a body", headers=[echo], body=body, token=token)
                self.tell("a broken body", headers=[echo], body=body[:-3] + new("a broken body").encode(), token=token)
                parts = "".join(f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in (
                    (new("a part's name"), "1"), ("user", new("a part")), ('file"; filename="' + new("a file's name"), new("a file"))))
                self.tell("multipart", "/v1/files", [("Content-Type", "multipart/form-data; boundary=b"), echo],
                          (parts + "--b--\r\n").encode(), token=token)
                if kind in (*PREFIXED, "e-mail"):
                    self.tell("model", body={"model": new("model")}, token=token)
                    self.tell("model of a stream", body={"stream": True, "model": new("model of a stream")}, token=token)
            chunks = f"2;{new('a chunk extension')}\r\n{{}}\r\n0\r\nX-T: {new('a trailer')}\r\n\r\n"
            self.tell("trailer", headers=[("Transfer-Encoding", "chunked"), echo], method="POST", body=chunks.encode())

    def in_provider_answers(self):
        leaky = self.enterContext(Leaky())
        path = self.data / "secrets" / "key"
        path.parent.mkdir()
        path.write_text(self.canaries.new("sk-", "a file that a reference names"))
        path.chmod(0o600)
        keys = {kind: self.canaries.new(kind, "api_key") for kind in KEYS} | {"variable": "env:REFERENCED", "file": f"file:{path}"}
        for kind, key in keys.items():
            project = self.new_project(providers=[{"provider": "openai", "api_key": key, "base_url": leaky.url + "/v1"}])["id"]
            token = self.know_token(self.new_token(project_id=project)["token"], "of a project that is called")
            for form in PROVIDER_ANSWERS:
                self.tell(f"a provider that tells its key ({form})", headers=[("X-Behave", f"tell={form}")], body=b"{}", token=token)
            self.call("rotate-key", "POST", f"/manage/projects/{project}/rotate-key",
                      {"api_key": self.canaries.new(kind if kind in KEYS else "sk-", "rotate-key")})
            self.tell("after rotation", body=b"{}", token=token)

    def in_management_calls(self):
        names = {"PROJECT": self.project_id, "TOKEN": self.new_token()["id"]}
        for kind in ("sk-", "tok-", "hf_", "no prefix", "e-mail", "phone"):
            for call, body in CALLS:
                place = f"{call} {json.dumps(body)}"
                if "CANARY\": 1" in json.dumps(body) and kind not in PREFIXED:
                    continue  # an error repeats the unknown name that was typed
                text = json.dumps(body).replace("CANARY", self.canaries.new(kind, place))
                for name, value in names.items():
                    call, text = call.replace(name, value), text.replace(name, value)
                method, path = call.split(" ")
                self.call(place, method, "/manage/" + path, text.encode())
            for query in QUERIES:
                self.call(query, "GET", "/manage/" + query + quote(self.canaries.new(kind, query)))
            self.call("a broken body", "POST", "/manage/projects", b'{"name": "' + self.canaries.new(kind, "a broken body").encode())
            self.call("Content-Type", "POST", "/manage/projects", b"{}", [("Content-Type", self.canaries.new(kind, "Content-Type"))])
            self.call("a wrong credential", "GET", "/manage/projects", token=self.canaries.new(kind, "a wrong credential"))
        for kind in (*PREFIXED, "e-mail"):
            for form in PATHS:
                method, path = form.format(self.canaries.new(kind, form)).split(" ")
                self.call(form, method, "/manage/" + path)
            self.call("a call", "GET", f"/manage/projects?q={letters(8)}", headers=[
                (name, self.canaries.new(kind, f"a call's {name}")) for name in ("User-Agent", "X-Request-ID")])
            note = f"saw {self.canaries.new(kind, 'a note')}, api_key={self.canaries.new('no prefix', 'a note')} leaked"
            self.call("a review's note", "POST", "/manage/audit/review", {"note": note})
            if kind != "e-mail":
                self.call("a parameter's name", "GET", f"/manage/projects?{self.canaries.new(kind, 'a name')}=1")
                self.call("an id", "POST", "/manage/projects", {"name": "x", "api_key": "k" * 20, "id": self.canaries.new(kind, "an id")})

    def in_objects(self):
        for kind in KINDS:
            new = partial(self.canaries.new, kind, allowed=OBJECT)
            project = self.new_project(name=new("a project's name"), providers=[{
                "provider": "openai", "api_key": self.canaries.new("sk-", "api_key"),
                "base_url": f"http://127.0.0.1:1/{quote(new('a base URL'))}"}])["id"]
            token = self.new_token(project_id=project, name=new("a token's name"), note=new("a token's note"), allowed_models=[
                new("an allowed model"), "m"], allowed_endpoints=[f"/{new('an allowed endpoint')}/*", "/v1/*"])
            whole = self.know_token(token["token"], "in every place")
            self.assertEqual(json.dumps(token).count(whole), 1)
            for _ in range(2):
                self.tell("an unreachable provider", body={"model": "m"}, token=whole)
                self.call("PATCH", "PATCH", f"/manage/projects/{project}", {"name": new("a new name")})
                self.call("PATCH", "PATCH", f"/manage/tokens/{token['id']}", {"name": new("a new name"), "note": new("a new note")})
                for path in ("projects?sort=name&limit=1", "tokens?sort=-name&limit=1", f"projects/{project}", f"tokens/{token['id']}"):
                    self.call(path, "GET", "/manage/" + path)
            self.call("validate", "POST", "/manage/tokens/validate", {"token": whole})
            self.call("a token as id", "GET", f"/manage/tokens/{whole}")
            self.tell("a token", f"/v1/{whole}?a={whole}", [("User-Agent", "a" + whole), ("X-Request-ID", whole)], {"model": whole},
                      token=whole)
            status, fresh = self.manage("POST", f"/manage/tokens/{token['id']}/refresh", {"grace_minutes": 1})
            self.assertEqual((status, json.dumps(fresh).count(fresh["token"])), (201, 1))
            self.know_token(fresh["token"], "refreshed")
            self.call("DELETE", "DELETE", f"/manage/tokens/{token['id']}")
            self.tell("a revoked token", token=whole)
            self.call("purge", "DELETE", f"/manage/tokens/{token['id']}?purge=true")
            self.tell("an unknown token", token=whole)
            self.call("off", "PATCH", f"/manage/projects/{project}", {"is_active": False, "revoke_tokens": True})
            self.call("DELETE", "DELETE", f"/manage/projects/{project}")
        named = [("User-Agent", f"Authorization: Bearer {MANAGEMENT}, x-api-key: {self.token}")]
        self.tell("the management token as an access token", "/v1/models", named, token=MANAGEMENT)
        self.call("an access token as the management token", "GET", "/manage/overview", headers=named, token=self.token)

    def in_commands(self):
        here, there = ("--data-dir", str(self.data)), ("--url", f"http://127.0.0.1:{self.port}")
        for kind in ("sk-", "ghp_", "tok-", "github_pat_"):
            for arguments in COMMANDS:
                arguments = arguments.replace("PROJECT", self.project_id)
                filled = arguments.replace("CANARY", self.canaries.new(kind, f"'{arguments}'"))
                self.command(arguments, *here, *filled.split(" "), stdin="k" * 20)
            self.command("audit review", *here, "audit", "review", "--note", f"found {self.canaries.new(kind, 'audit review --note')}")
            for stdin in ("CANARY and more", "CANARY\nCANARY", "CANARY****"):
                typed = stdin.replace("CANARY", self.canaries.new(kind, "standard input"))
                self.command("a malformed key", *here, "project", "create", "--name", "x", "--key-stdin", stdin=typed)
            self.command("token validate", *here, "token", "validate", stdin=self.canaries.new(kind, "token validate"))
        for where, env in ((here, {}), (there, {"MANAGEMENT_TOKEN": MANAGEMENT})):
            key = self.canaries.new("sk-", "a command's standard input")
            self.command("project create", *where, "project", "create", "--name", "x", "--key-stdin", stdin=key, env=env)
            for command in ("project list", "token list", f"project show {self.project_id}"):
                self.command(command, *where, *command.split(" "), "--json", env=env, surface="objects")
            for command in ("audit list --limit 0", "audit list --limit 0 --json", "doctor", "audit verify", "token validate", "health", "usage"):
                self.command(command, *where, *command.split(" "), env=env, stdin=self.token)
        self.command("a wrong management token", *there, "project", "list",
                     env={"MANAGEMENT_TOKEN": self.canaries.new("no prefix", "the token for --url")})
        child = "import os; open('token', 'w').write(os.environ['OPENAI_API_KEY']); [print(open(f'/proc/{p}/cmdline').read()) " \
                "for p in (os.getpid(), os.getppid())]; print({n: v for n, v in os.environ.items() if not n.endswith(('_KEY', '_TOKEN'))})"
        self.assertEqual(self.command("run", *here, "run", "--project", self.project_id, "--", sys.executable, "-c", child), 0)
        self.know_token((self.cwd / "token").read_text(), "of a run")
        (self.cwd / "token").unlink()

    def in_wrong_settings(self):
        """What is refused is told with its value, but never when that holds a secret; also one in the wrong variable."""
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        self.canaries.know("ENCRYPTION_KEY_FILE, the key itself", key[4:-4])
        short = self.canaries.new("no prefix", "MANAGEMENT_TOKEN")[:31]
        for name, value in (*SETTINGS, ("ENCRYPTION_KEY_FILE", key), ("MANAGEMENT_TOKEN", short)):
            kind = "sk-" if value == "CANARY" else "no prefix"
            env = {"MANAGEMENT_TOKEN": MANAGEMENT, name: value.replace("CANARY", self.canaries.new(kind, name))}
            self.assertEqual(self.command(name, "--serve", "--data-dir", "elsewhere", env=env), 2, name)
        path = self.cwd / "wrong.env"
        for line in ENV_LINES:
            path.write_text(line.replace("CANARY", self.canaries.new("sk-", f".env line {line}")))
            path.chmod(0o600)
            self.command(f".env line {line}", "--serve", "--env", "wrong.env")
        path.unlink()


class Everywhere(Planted):
    def test_nothing_stays(self):
        watcher = self.raw(timeout=None).send(request("/manage/events", headers=[("Authorization", f"Bearer {MANAGEMENT}")]))
        shown = [b""]

        def watch():
            with suppress(OSError):  # closed at the end
                while part := watcher.sock.recv(1 << 16):
                    shown[0] += part
        threading.Thread(target=watch, daemon=True).start()
        for plant in (self.in_headers, self.in_bodies, self.in_provider_answers, self.in_management_calls, self.in_objects,
                      self.in_commands, self.in_wrong_settings):
            plant()
        last = self.settle().encode()
        until(lambda: last in shown[0], "the last request is shown")
        self.seen.append(("live", "the live requests", shown[0]))
        for path in ("doctor", "overview", "openapi.json", "audit?limit=200", "audit/facets", "audit/public-key", "audit/1", "usage", "usage?by=model",
                     "audit/export", "audit/export?format=csv&proof=true", "audit/report?format=json", "audit/report?format=html"):
            self.call(path, "GET", "/manage/" + path)
        self.assertTrue(list(self.data.glob("audit*.gz")), "rotated files are searched too")
        relayed = b"".join(str(r.headers).encode() + r.body for r in self.upstream.requests)
        objects = b"".join(data for surface, _, data in self.everything() if surface == "objects")
        for place in (relayed, objects):  # where they may be, they are
            self.assertGreater(len(self.canaries.search("nowhere", place)), 60)
        self.search()


class LogFile(Planted):
    settings = Planted.settings | {"LOG_FILE": "log", "AUDIT_MASK_UNPREFIXED": "full", "LOG_FORMAT": "json"}

    def test_nothing_stays(self):
        self.in_headers()
        self.settle()
        self.search()


class Core(Cli):
    def test_a_crash_leaves_no_memory_behind(self):
        def lift():
            resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)

        def abort(process):
            process.send_signal(signal.SIGABRT)
            status = os.waitpid(process.pid, 0)[1]
            process.returncode = -signal.SIGABRT
            self.assertEqual(os.WTERMSIG(status), signal.SIGABRT)
            return os.WCOREDUMP(status) or bool(list(self.cwd.glob("core*")))
        with open(self.cwd / "log", "wb") as log:
            server = subprocess.Popen([BIN, "--serve", "--listen-addr", "127.0.0.1:0"], env=self.env | {"MANAGEMENT_TOKEN": MANAGEMENT},
                                      cwd=self.cwd, stdout=log, stderr=log, preexec_fn=lift)
        self.addCleanup(server.kill)
        until(lambda: b'"listening"' in (self.cwd / "log").read_bytes(), "the server listens")
        self.assertRegex(Path(f"/proc/{server.pid}/limits").read_text(), r"Max core file size +0 +0 ")
        self.assertFalse(abort(server))
        other = subprocess.Popen(["sleep", "60"], cwd=self.cwd, preexec_fn=lift)
        if not abort(other):
            self.skipTest("no program leaves a core file on this machine")


if __name__ == "__main__":
    unittest.main()
