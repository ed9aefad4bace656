# SPDX-License-Identifier: GPL-3.0-only
"""A counted list of an RFC's requirements. Each has a section, a phrase, and what shows it: bytes that are sent and what must come
of them, a method here, a case that stands elsewhere by name, a decision that departs from it, or why it is not ours."""
import re
from pathlib import Path

from proxy_case import Proxy
from raw_client import RawClient

TESTS = Path(__file__).resolve().parents[1]
FIELD = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\x00-\x08\x0a-\x1f\x7f]*\r\n"
HEAD = re.compile(rb"HTTP/1\.1 [1-5][0-9][0-9] [\t\x20-\x7e\x80-\xff]*\r\n(" + FIELD + rb")*\r\n")
SINGLE = ("date", "content-length", "content-type", "transfer-encoding", "location", "retry-after", "etag")
OF_REQUESTS = ("host", "te", "expect", "authorization", "max-forwards", "if-match", "range", "user-agent")


class Live:
    """What a client sends, {token} being a valid one → the statuses until the connection ends, each a number or a tuple of those
    that are right. has: fields of the first answer. sees: fields of the first request that the provider gets, and its ":target",
    ":version", ":body". A value is a text, a pattern, or None for absent. says: the provider's answer, byte for byte; ends: it
    closes then. kept: whether its connection may serve another request. raw, lacks: patterns for all that the client gets."""

    def __init__(self, sent, *statuses, has=None, sees=None, forwarded=None, says=None, ends=False, kept=None, raw=None, lacks=None,
                 body=None, whole=None):
        self.sent, self.statuses, self.has, self.sees, self.forwarded = sent, statuses, has or {}, sees or {}, forwarded
        self.says, self.ends, self.kept, self.raw, self.lacks, self.body, self.whole = says, ends, kept, raw, lacks, body, whole


class By:
    """A method of the class."""

    def __init__(self, method):
        self.method = method


class See:
    """Cases elsewhere: a file below tests/, and the names of methods or table entries in it."""

    def __init__(self, file, *names):
        self.file, self.names = file, names


class Decided:
    """We depart from it on purpose. by: where that is written; shown: what pins it."""

    def __init__(self, by, shown):
        self.by, self.shown = by, shown


class NotOurs:
    def __init__(self, reason):
        self.reason = reason


def get(path="/v1/x", *fields, method="GET", version="1.1", host="Host: localhost"):
    lines = [f"{method} {path} HTTP/{version}", *([host] if host else []), "Authorization: Bearer {token}", *fields]
    return "\r\n".join(lines) + "\r\n\r\n"


def post(*fields, body="{}", path="/v1/x", method="POST", version="1.1"):
    framed = any(f.lower().startswith(("content-length", "transfer-encoding")) for f in fields)
    return get(path, *fields, *([] if framed else [f"Content-Length: {len(body)}"]), method=method, version=version) + body


class Recorder(RawClient):
    """Keeps all that it got."""
    seen = b""

    def _more(self):
        before = len(self.buffer)
        going = super()._more()
        self.seen += self.buffer[before:]
        return going


class Musts:
    """The tests of a list; mixed into a Proxy case with RFC, MUSTS and KNOWN."""
    settings = {"ENGINE_THREADS": "1"}  # one pool of provider connections
    KNOWN = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        upstream = cls.upstream
        upstream.wire, upstream.wire_ends = b"", False

        async def wire(request, reader, writer, _):
            writer.write(upstream.wire)
            await writer.drain()
            if upstream.wire_ends:
                writer.close()
            return not upstream.wire_ends
        upstream.behave_wire = wire

    def fields_match(self, fields, wanted):
        for name, value in wanted.items():
            found = [v for n, v in fields if n.lower() == name.lower()]
            if value is None:
                self.assertEqual(found, [], name)
            elif isinstance(value, re.Pattern):
                self.assertRegex(", ".join(found), value, name)
            else:
                self.assertEqual(", ".join(found), value, name)

    def talk(self, sent):
        """(answers, bytes) until the connection ends; our side ends after the first answer."""
        client = Recorder(self.port, timeout=10)
        self.addCleanup(client.sock.close)
        client.send(sent)
        found = []
        try:
            while True:
                found.append(client.answer(sent.startswith("HEAD ")))
                if len(found) == 1:
                    client.fin()
        except (EOFError, OSError):  # it may have been reset
            return found, client.seen

    def run_live(self, case):
        sent = case.sent.replace("{token}", self.token)
        if case.says is not None:
            self.upstream.wire, self.upstream.wire_ends = case.says, case.ends
            sent = sent.replace("\r\n\r\n", "\r\nX-Behave: wire\r\n\r\n", 1)
        before = self.upstream.count()
        found, seen = self.talk(sent)
        self.assertEqual(len(found), len(case.statuses), [a.status for a in found])
        for answer, right in zip(found, case.statuses):
            self.assertIn(answer.status, right if isinstance(right, tuple) else (right,))
        self.well_formed(seen, found)
        requests = self.upstream.requests[before:]
        if found:
            self.fields_match(found[0].headers, case.has)
            if case.body is not None:
                self.assertEqual(found[0].body, case.body)
            if case.whole is not None:
                self.assertEqual(found[0].whole, case.whole)
        if case.forwarded is not None:
            self.assertEqual(len(requests), case.forwarded, [r.target for r in requests])
        if case.sees:
            self.assertTrue(requests, "it was forwarded")
            first = requests[0]
            own = [(":target", first.target), (":version", first.version), (":body", first.body.decode("latin-1"))]
            self.fields_match(first.headers + own, case.sees)
        if case.raw is not None:
            self.assertRegex(seen, case.raw)
        if case.lacks is not None:
            self.assertNotRegex(seen, case.lacks)
        if case.kept is not None:
            self.assertEqual(self.ask().status, 200)
            self.assertEqual(self.upstream.requests[-1].connection == requests[0].connection, case.kept, "the provider's connection")

    def well_formed(self, seen, answers):
        """What we say matches the grammar, names nothing twice that is one, and is nothing that only clients say."""
        if seen:
            self.assertTrue(HEAD.match(seen), seen[:300])
        for answer in answers:
            names = [n.lower() for n, _ in answer.headers]
            self.assertEqual([n for n in SINGLE if names.count(n) > 1], [])
            self.assertEqual([n for n in OF_REQUESTS if n in names], [])
            self.assertFalse({"content-length", "transfer-encoding"} <= set(names), names)

    def show(self, shown):
        if isinstance(shown, Live):
            self.run_live(shown)
        elif isinstance(shown, By):
            getattr(self, shown.method)()
        elif isinstance(shown, See):
            text = (TESTS / shown.file).read_text()
            self.assertTrue(shown.names)
            for name in shown.names:
                there = f"def {name}(" if name.startswith("test_") else f'"{name}"'
                self.assertTrue(there in text, f"{shown.file} has no case {name!r}")
        elif isinstance(shown, Decided):
            self.assertTrue(shown.by)
            self.show(shown.shown)
        else:
            self.assertTrue(shown.reason)

    def test_every_requirement_is_met(self):
        for section, phrase, shown in self.MUSTS:
            name = f"{section}: {phrase}"
            with self.subTest(name):
                if name in self.KNOWN:
                    with self.assertRaises(AssertionError, msg="met by now: take it off the list of known ones"):
                        self.show(shown)
                else:
                    self.show(shown)

    def test_the_list_is_whole(self):
        names = [f"{section}: {phrase}" for section, phrase, _ in self.MUSTS]
        self.assertEqual(sorted(set(names)), sorted(names), "each stands once")
        self.assertEqual([n for n in self.KNOWN if n not in names], [])
        sections = list(dict.fromkeys(section for section, _, _ in self.MUSTS))
        self.assertEqual(sections, self.SECTIONS.split(), "every section that has requirements, in their order")
        self.assertEqual(sections, sorted(sections, key=lambda s: [int(n) for n in s.split(".")]))
        kinds = {"live": (Live, By), "elsewhere": (See,), "decided": (Decided,), "not ours": (NotOurs,)}
        counts = {kind: sum(isinstance(shown, types) for _, _, shown in self.MUSTS) for kind, types in kinds.items()}
        self.assertEqual(sum(counts.values()), len(self.MUSTS), "each is classified")
        print(f"{self.RFC}: {len(names)} requirements in {len(sections)} sections: "
              + ", ".join(f"{n} {kind}" for kind, n in counts.items()) + f"; {len(self.KNOWN)} known not to be met")


__all__ = ["By", "Decided", "Live", "Musts", "NotOurs", "Proxy", "Recorder", "See", "get", "post"]
