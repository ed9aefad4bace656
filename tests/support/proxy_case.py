# SPDX-License-Identifier: GPL-3.0-only
"""A test case with one running server, one misbehaving upstream, a project and a token for all its tests. The server
must end well (exit 0, no sanitizer report), or the class fails."""
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
import uuid
from pathlib import Path

from cli_case import BIN, KEY, Cli, environment
from raw_client import Answer, RawClient
from upstream import Upstream

MANAGEMENT = "management-token-for-tests-" + "m" * 20
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "wörld"}]}
SANITIZED = os.environ.get("LLM_PROXY_SANITIZED", "")
# What the contract gives for cutting and cancelling; sanitizers and a busy machine get more.
CUT_SECONDS = 0.1 if not SANITIZED else 1.0


def until(condition, what, timeout=20, pause=0.002):
    """Waits for something that nobody announces (a line in a file, a number in /proc)."""
    deadline = time.monotonic() + timeout
    waiting = threading.Event()
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {timeout} s: {what}")
        waiting.wait(pause)


class LocalLink(http.client.HTTPConnection):
    """A connection to the control socket: its caller is the engine's own user."""
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Proxy(Cli):
    settings = {}
    arguments = ()
    wrapper = ()  # a command that becomes the server
    providers = ("openai", "anthropic", "gemini", "ollama")

    @classmethod
    def setUpClass(cls):
        folder = cls.class_folder()
        cls.cwd = folder
        cls.data = cls.cwd / "data"
        cls.upstream = Upstream()
        cls.upstream.__enter__()
        cls.addClassCleanup(cls.upstream.__exit__)
        cls.env = environment(str(folder))
        cls.start()
        cls.addClassCleanup(cls.end)
        cls.project_id = cls.new_project()["id"]
        cls.token = cls.new_token()["token"]

    def setUp(self):
        pass  # everything is the class's

    @classmethod
    def start(cls):
        settings = cls.env | {"MANAGEMENT_TOKEN": MANAGEMENT, "LISTEN_ADDR": "127.0.0.1:0", "ENGINE_THREADS": "2"} | cls.settings
        with open(cls.cwd / "log", "ab") as log, open(cls.cwd / "errors", "ab") as errors:
            before = log.tell()
            cls.server = subprocess.Popen([*cls.wrapper, BIN, "--serve", "--data-dir", str(cls.data), *cls.arguments], env=settings,
                                          cwd=cls.cwd, stdout=log, stderr=errors, stdin=subprocess.DEVNULL)

        def listening():
            assert cls.server.poll() is None, (cls.cwd / "errors").read_text() + (cls.cwd / "log").read_text()
            for line in (cls.cwd / "log").read_bytes()[before:].splitlines():
                if b'"listening"' in line and line.endswith(b"}"):
                    return json.loads(line)["address"]
            return None
        cls.port = int(until(listening, "the server listens", 60).rsplit(":", 1)[1])

    @classmethod
    def end(cls):
        cls.server.send_signal(signal.SIGTERM)
        code = cls.server.wait(60)
        errors = (cls.cwd / "errors").read_text()
        assert code == 0 and "Sanitizer" not in errors and "runtime error" not in errors, f"exit {code}\n{errors}"

    @classmethod
    def manage(cls, method, path, body=None, token=MANAGEMENT, headers=(), local=False):
        """(status, JSON) of a management call over HTTP; local: over the control socket."""
        link = LocalLink(cls.data / "control.sock") if local else http.client.HTTPConnection("127.0.0.1", cls.port, timeout=30)
        try:
            text = json.dumps(body) if body is not None else None
            fields = {"Content-Type": "application/json"} if text else {}
            fields |= {"Authorization": f"Bearer {token}"} if token else {}
            link.request(method, path, text, fields | dict(headers))
            answer = link.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            link.close()

    @classmethod
    def new_project(cls, **fields):
        providers = [{"provider": p, "api_key": KEY, "base_url": cls.upstream.url + ("/v1" if p == "openai" else "")}
                     for p in cls.providers]
        body = {"name": "Tests", "providers": providers} | fields
        # Only the machine's own user has what a reference names sent to an address like our upstream's.
        refers = any(p.get("api_key", "").startswith(("env:", "file:")) for p in body["providers"])
        status, project = cls.manage("POST", "/manage/projects", body, **({"local": True} if refers else {}))
        assert status == 201, project
        return project

    @classmethod
    def new_token(cls, **fields):
        body = {"project_id": cls.project_id, "rate_limit": 0} | fields
        status, token = cls.manage("POST", "/manage/tokens", body)
        assert status == 201, token
        return token

    def raw(self, **more):
        client = RawClient(self.port, **more)
        self.addCleanup(client.sock.close)
        return client

    def ask(self, path="/v1/chat/completions", body=b"", method=None, token=None, headers=(), behave=None):
        """One request on its own connection."""
        fields = list(headers)
        if not any(n.lower() in ("authorization", "x-api-key", "api-key", "x-goog-api-key") for n, _ in fields):
            fields.append(("Authorization", f"Bearer {token or self.token}"))
        if behave:
            fields.append(("X-Behave", behave))
        return self.raw().send(request(path, body, method, fields)).answer(method == "HEAD")

    def events(self, action="token.access", since=0):
        """The audit log's events, as JSON objects."""
        text = (self.data / "audit.log").read_text()
        found = [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]  # the last may be half written
        return [e for e in found if e["seq"] > since and (action is None or e["action"] == action)]

    def running(self, request_id):
        """The running requests with this X-Request-ID, as /manage/events shows them; waited for."""
        feed = self.raw().send(request("/manage/events", headers=[("Authorization", f"Bearer {MANAGEMENT}")]))
        feed.head()
        for _ in range(40):
            text = feed.chunk().decode()
            if not text.startswith("event: requests\n"):
                continue
            found = [r for r in json.loads(text.split("data: ", 1)[1])["running"] if r["request_id"] == request_id]
            if found:
                return found
        raise AssertionError(f"{request_id} does not run")

    def memory(self):
        """Resident bytes of the server."""
        status = Path(f"/proc/{self.server.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def last_seq(self):
        return self.events(None)[-1]["seq"]

    def event_of(self, request_id):
        """The one event of this request, waited for."""
        found = until(lambda: [e for e in self.events(None) if e.get("request_id") == request_id], f"the event of {request_id}")
        self.assertEqual(len(found), 1, found)
        return found[0]


def request(path="/v1/chat/completions", body=b"", method=None, headers=(), version="1.1"):
    """The bytes of a request with the framing that its body needs."""
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
    fields = [("Host", "localhost"), *headers]
    names = {n.lower() for n, _ in fields}
    if body and "content-type" not in names:
        fields.append(("Content-Type", "application/json"))
    if (body or method in ("POST", "PUT", "PATCH")) and not names & {"content-length", "transfer-encoding"}:
        fields.append(("Content-Length", str(len(body))))
    head = f"{method or ('POST' if body else 'GET')} {path} HTTP/{version}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n"
    return head.encode("latin-1") + body


def chunked(*parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


def fresh_id():
    return "test-" + uuid.uuid4().hex


__all__ = ["Answer", "CHAT", "CUT_SECONDS", "KEY", "MANAGEMENT", "Proxy", "SANITIZED", "chunked", "fresh_id", "request", "until"]
