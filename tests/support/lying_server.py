# SPDX-License-Identifier: GPL-3.0-only
"""A management server that is wrong on purpose: answers of the right shape, of which each kind of lie makes something else."""
import http.server
import itertools
import json
import re
import threading

UNSEEN = "a\u202egpj\u200b\u009d0;owned\u009c\u2066\x1b]0;owned\x07\U000e0041"
TIME = "2026-11-30T12:00:00.000Z"
TOKEN = "tok-" + "A1b2" * 9 + "zz"

KEY_ENTRY = {"provider": "openai", "base_url": None, "version_segment": None, "api_key_masked": "env:OPENAI_API_KEY", "key_state": "ready", "needs_key": False, "key_created_at": TIME}
PROJECT = {"id": "proj-1", "name": "Alpha", "provider": "openai", "is_active": True, "environment": "test", "allowed_models": ["gpt-4o"], "base_url": None,
           "api_key_masked": "env:OPENAI_API_KEY", "key_state": "ready", "created_at": TIME, "updated_at": TIME, "providers": [KEY_ENTRY], "token_count": 3}
ENTRY = {"id": "0191d1c4-5b1e-7c1a-8c7e-1f2a3b4c5d6e", "name": "agents", "project_id": "proj-1", "state": "active", "token_masked": "tok-A1b2****zz", "created_at": TIME,
         "expires_at": TIME, "last_used_at": None, "request_count": 12, "max_requests": 100, "rate_limit": 60, "prompt_tokens": 5, "completion_tokens": 7, "allowed_models": []}
EVENT = {"timestamp": TIME, "action": "token.access", "actor": "client", "project_id": "proj-1", "request_id": "r-1", "client_ip": "192.0.2.1", "result": "success",
         "details": {"token_id": "tok-A1b2****zz", "user_agent": "curl/8", "status": 200}, "seq": 7, "prev": "0" * 64, "hash": "1" * 64}
COUNTS = {"requests": 10, "errors": 1, "denied": 2, "prompt_tokens": 5, "completion_tokens": 7, "duration_ms_p50": 12.5, "duration_ms_p95": 20}
PART = {"events": 7, "first_seq": 1, "last_seq": 7, "last_hash": "1" * 64, "checkpoints": 1, "signed_to_seq": 7, "problem_count": 0, "problems": []}
OVERVIEW = {"version": "0.1.0", "url": "http://127.0.0.1:9", "ready": True, "started_at": TIME, "projects": 1, "audit_last_seq": 7}


def honest(method, path):
    """The body of the right answer, or None."""
    if path.endswith("/health"):
        return {"status": "ok"}
    if path == "/manage/overview":
        return OVERVIEW
    if path == "/manage/usage":
        return {"from": TIME, "to": TIME, "by": "project", "items": [{"key": "proj-1", "time": None, **COUNTS}], "total": COUNTS}
    if path == "/manage/doctor":
        return {"items": [{"id": "audit", "title": "Audit log", "state": "pass", "evidence": "On.", "fix": ""}], "summary": {"pass": 1, "warn": 0, "fail": 0}}
    if path == "/manage/audit/verify":
        return {"valid": True, "first_bad_seq": None, "problem": None, "file": PART, "table": PART, "table_to_seq": 7, "duration_ms": 3, "events_done": 7, "events_total": 7}
    if path == "/manage/audit/public-key":
        return {"public_keys": ["-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n"], "key_id": "1"}
    if path == "/manage/audit/review":
        return {"from_seq": 1, "to_seq": 7, "to_hash": "1" * 64}
    if path in ("/manage/projects", "/manage/tokens", "/manage/audit") and method == "GET":
        return {"items": [{"projects": PROJECT, "tokens": ENTRY, "audit": EVENT}[path.rsplit("/", 1)[1]]], "next_cursor": None, "total": 1}
    if path.startswith("/manage/projects"):
        return PROJECT
    if path.startswith("/manage/tokens"):
        return {**ENTRY, "token": TOKEN}
    if path.startswith("/manage/audit/"):
        return EVENT
    return None


def through(rule, value, name=""):
    if isinstance(value, list):
        return rule(name, [through(rule, one, name) for one in value])
    if isinstance(value, dict):
        return rule(name, {key: through(rule, one, key) for key, one in value.items()})
    return rule(name, value)


def inside(rule):
    """Lists and objects stay what they are."""
    return lambda name, value: value if isinstance(value, (list, dict)) else rule(name, value)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def wrong_type(value):
    if isinstance(value, bool):
        return "yes"
    if is_number(value):
        return "twelve"
    return -1.5 if isinstance(value, str) else {"0": 1} if isinstance(value, list) else [1, "two"] if isinstance(value, dict) else True


def nested(depth):
    value = 1
    for at in range(depth):
        value = [value] if at % 2 else {"items": value}
    return value


RULES = {
    "wrong types": lambda name, value: wrong_type(value),
    "wrong types inside": inside(lambda name, value: wrong_type(value)),
    "nulls": lambda name, value: None,
    "nulls inside": inside(lambda name, value: None),
    "negative": lambda name, value: -1 if is_number(value) else value,
    "very negative": lambda name, value: -10**18 if is_number(value) else value,
    "huge": lambda name, value: 10**300 if is_number(value) else value,
    "beyond int": lambda name, value: 2**32 + 1 if is_number(value) else value,
    "fractions": lambda name, value: 0.5 if is_number(value) else value,
    "invisible texts": inside(lambda name, value: UNSEEN if isinstance(value, str) else value),
    "long texts": inside(lambda name, value: "x" * 300_000 if isinstance(value, str) else value),
    "empty texts": inside(lambda name, value: "" if isinstance(value, str) else value),
    "deep": lambda name, value: nested(400) if name in ("details", "providers", "problems") else value,
    "endless names": inside(lambda name, value: "\U0001f468\u200d" * 50_000 if name == "name" else value),
}


def pages(cursors, full=True):
    def lie(server, body):
        if "items" not in body:
            return body
        return {**body, "items": body["items"] * 200 if full else [], "next_cursor": next(server.cursors[cursors])}
    return lie


BODIES = {
    "missing": lambda server, body: {},
    "half of it": lambda server, body: dict(itertools.islice(body.items(), len(body) // 2)),
    "long lists": lambda server, body: {**body, "items": body["items"] * 10_000} if "items" in body else body,
    "the same cursor": pages("same"),
    "two cursors in turn": pages("two"),
    "cursors without end": pages("new"),
    "empty pages without end": pages("new", False),
}
RAW = {
    "no JSON": b"<html><body>It works!</body></html>",
    "a list": b"[1,2,3]",
    "half of JSON": b'{"items":[{"id":"proj-1","na',
    "no UTF-8": b'{"items":[{"id":"\xff\xfe\x9d","name":"\xc0\xaf"}],"id":"\x9b31m"}',
    "nothing": b"",
    "zeros": b"\0" * 5000,
    "very deep": b'{"items":' + b"[" * 100_000,
    "a long list of nothing": b'{"items":[' + b"0," * 3_000_000 + b"0]}",
    "a long key": b'{"' + b"k" * 5_000_000 + b'":1}',
}
WIRE = ("a redirect", "an odd status", "an error of nobody", "an error with controls", "cut short", "without end", "long headers")
KINDS = (*RULES, *BODIES, *RAW, *WIRE)


class LyingServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.kind, self.calls = None, []
        self.cursors = {"same": itertools.repeat("again"), "two": itertools.cycle("ab"), "new": map(str, itertools.count())}
        self.changes = {}  # path: what takes the place of an honest answer
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """Clients break off what has no end."""

    def end(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        path = self.path.split("?")[0]
        self.server.calls.append((self.command, self.path))
        kind = self.server.kind
        if path in ("/manage/audit/export", "/manage/audit/report"):
            self.stream(kind)
        elif kind in RAW:
            self.send(200, RAW[kind])
        elif kind in WIRE:
            self.wire(kind)
        else:
            self.send(200, json.dumps(self.body(path, kind), ensure_ascii=False).encode("utf-8", "surrogatepass"))

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def body(self, path, kind):
        body = self.server.changes.get(path, honest(self.command, path)) or {"error": {"code": "not_found", "message": "There is nothing here."}}
        if kind in RULES:
            return {name: through(RULES[kind], value, name) for name, value in body.items()}
        return BODIES[kind](self.server, body) if kind in BODIES else body

    def send(self, status, body, *fields):
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *fields):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def wire(self, kind):
        if kind == "a redirect":
            self.send(302, b"", ("Location", "file:///etc/passwd"))
        elif kind == "an odd status":
            self.send(999, b"{}")
        elif kind == "an error of nobody":
            self.send(500, b'{"error":"broken"}')
        elif kind == "an error with controls":
            self.send(400, json.dumps({"error": {"code": UNSEEN, "message": UNSEEN, "field": UNSEEN}}, ensure_ascii=False).encode())
        elif kind == "cut short":
            self.send(200, b'{"items":[]}', ("X-Other", "1")) if self.command == "HEAD" else self.short()
        elif kind == "long headers":
            self.send(200, b"{}", *[(f"X-{number}", "h" * 60_000) for number in range(20)])
        else:
            self.endless(b'{"items":[' + b'"' + b"x" * 60_000)

    def short(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"items":[')
        self.close_connection = True

    def endless(self, piece):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def stream(self, kind):
        """An export: lines, and at the end a proof."""
        if kind == "without end":
            self.endless(b"x" * 60_000)
        elif kind in WIRE:
            self.wire(kind)
        else:
            event = {name: through(RULES[kind], value, name) for name, value in EVENT.items()} if kind in RULES else EVENT
            self.send(200, RAW.get(kind) or (json.dumps(event, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass") * 3)


def unseen_in(data):
    """What could steer a terminal, of bytes that went to one."""
    text = data.decode("utf-8", "replace")
    return re.findall("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]", text)
