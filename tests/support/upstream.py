# SPDX-License-Identifier: GPL-3.0-only
"""A provider that misbehaves on command, on a thread of its own.

It answers like OpenAI, Anthropic and Gemini by path. The request header "X-Behave: NAME" (or a model named
"behave-NAME") chooses one of the behaviours below instead; "X-Behave: NAME=ARGUMENT" gives it an argument. Every
parsed request is kept, with the time at which its connection ended while it was being answered."""
import asyncio
import gzip
import json
import re
import socket
import struct
import threading
import time

from provider_answers import chat, chat_events, embedded, generated, generated_events, message, message_events, ollama, response, response_events


class Request:
    def __init__(self, method, target, version, headers, connection):
        self.method, self.target, self.version, self.headers, self.connection = method, target, version, headers, connection
        self.body = b""
        self.body_bytes = 0
        self.whole = False    # read to the end of its body
        self.head_at = time.monotonic()
        self.ended_at = None  # when the peer was seen to leave, if it did
        self.reset = None     # whether it left with RST

    def header(self, name):
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)


class Upstream:
    """`with Upstream() as upstream:` then upstream.url; requests are in upstream.requests, oldest first."""

    def __init__(self, ssl_context=None, port=0, host="127.0.0.1"):
        self.requests = []
        self.connections = 0
        self.changed = threading.Condition()
        self.files = {}
        self.serves = None  # paths, without the query: anything else is 404, no key is 401, and a chat without a model 400
        self.faults = {}  # behaviour counters: "status-503-twice" and the like
        self._ssl = ssl_context
        self._port = port
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._tasks = set()
        self._gates = {}

    def __enter__(self):
        started = threading.Event()

        def run():
            asyncio.set_event_loop(self._loop)
            self._server = self._loop.run_until_complete(
                asyncio.start_server(self._serve, self._host, self._port, ssl=self._ssl, limit=1 << 20, backlog=2000))
            self.port = self._server.sockets[0].getsockname()[1]
            started.set()
            self._loop.run_forever()
        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        started.wait()
        self.url = f"{'https' if self._ssl else 'http'}://{self._host}:{self.port}"
        return self

    def __exit__(self, *_):
        async def end():
            self._server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for _ in range(3):  # transports close in turns of the loop
                await asyncio.sleep(0)
            self._loop.stop()
        asyncio.run_coroutine_threadsafe(end(), self._loop)
        self._thread.join(10)
        self._loop.close()

    def count(self, path=None):
        with self.changed:
            return sum(1 for r in self.requests if path is None or r.target.startswith(path))

    def wait_for(self, condition, timeout=20):
        """Waits until condition(self) is true; every request and every end wakes it."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), timeout):
                raise AssertionError("the upstream did not see what was waited for: "
                                     f"{[(r.method, r.target, r.ended_at) for r in self.requests[-5:]]}")

    def wait_request(self, number=1):
        self.wait_for(lambda u: len(u.requests) >= number)
        return self.requests[number - 1]

    def wait_end(self, request):
        self.wait_for(lambda _: request.ended_at is not None)
        return request.ended_at

    def open_gate(self, name):
        """Lets the behaviour "gate=NAME" go on."""
        self._loop.call_soon_threadsafe(self._gate(name).set)

    def _gate(self, name):
        return self._gates.setdefault(name, asyncio.Event())

    def _note(self):
        with self.changed:
            self.changed.notify_all()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        self.connections += 1
        number = self.connections
        try:
            while await self._one(reader, writer, number):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

    async def _one(self, reader, writer, number):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        lines = head.decode("latin-1").split("\r\n")[:-2]
        method, target, version = lines[0].split(" ")
        headers = [tuple(part.strip(" \t") for part in line.split(":", 1)) for line in lines[1:]]
        request = Request(method, target, version, headers, number)
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
        behaviour = request.header("x-behave") or ""
        name, _, argument = behaviour.partition("=")
        early = getattr(self, "early_" + name.replace("-", "_"), None)
        if early:
            return await early(request, reader, writer, argument)
        try:
            await self._read_body(request, reader)
            request.whole = True
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self._ended(request, error)
            raise
        if not name and request.body_bytes < 1 << 20:
            found = re.search(rb'"model"\s*:\s*"behave-([a-z0-9=-]+)"', request.body)
            if found:
                name, _, argument = found.group(1).decode().partition("=")
        behave = getattr(self, "behave_" + name.replace("-", "_")) if name else self._answer
        try:
            return await behave(request, reader, writer, argument)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            self._ended(request, error)
            raise

    async def _read_body(self, request, reader):
        keep = (request.header("x-keep") or "yes") == "yes"

        def take(part):
            request.body_bytes += len(part)
            if keep:
                request.body += part
        if (request.header("transfer-encoding") or "").lower() == "chunked":
            while True:
                size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
                take(await reader.readexactly(size))
                await reader.readexactly(2)
                if size == 0:
                    return
        left = int(request.header("content-length") or 0)
        while left > 0:
            part = await reader.read(min(left, 1 << 18))
            if not part:
                raise asyncio.IncompleteReadError(b"", left)
            take(part)
            left -= len(part)

    def _ended(self, request, error=None):
        with self.changed:
            if request.ended_at is None:
                request.ended_at = time.monotonic()
                request.reset = isinstance(error, ConnectionError)
            self.changed.notify_all()

    async def _until_gone(self, request, reader):
        """Waits for the peer's end, however long, and writes down when it came."""
        try:
            while await reader.read(4096):
                pass
            self._ended(request)
        except ConnectionError as error:
            self._ended(request, error)
        return False

    @staticmethod
    def _reset(writer):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False

    # What a well-behaved provider says.

    async def _send(self, writer, status, body, content_type="application/json", more=()):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        head += "".join(f"{n}: {v}\r\n" for n, v in more) + "\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        return True

    async def _begin(self, writer, *events, content_type="text/event-stream"):
        """The head of a chunked answer and its first events, each in a chunk of its own."""
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for event in events:
            writer.write(b"%x\r\n%s\r\n" % (len(event), event))
            await writer.drain()
        await writer.drain()

    async def _stream(self, writer, events, content_type="text/event-stream"):
        await self._begin(writer, *events, content_type=content_type)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _answer(self, request, reader, writer, _):
        path = request.target.split("?")[0]
        if self.serves is not None:
            problem = (404 if path not in self.serves else 401 if not (request.header("authorization") or request.header("api-key"))
                       else 400 if request.method == "POST" and b'"model"' not in request.body else None)
            if problem:
                return await self._send(writer, problem, {"error": {"message": f"no {path}", "type": "x", "code": None}})
        streams = b'"stream":true' in request.body.replace(b" ", b"")
        if request.method == "HEAD":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
            await writer.drain()
            return True
        if path.endswith("/chat/completions"):
            return await (self._stream(writer, chat_events(request)) if streams else self._send(writer, 200, chat(request)))
        if path.endswith("/responses"):
            return await (self._stream(writer, response_events()) if streams else self._send(writer, 200, response("completed")))
        if path.endswith("/messages"):
            return await (self._stream(writer, message_events()) if streams else self._send(writer, 200, message(request)))
        if path.endswith("/messages/count_tokens"):
            return await self._send(writer, 200, {"input_tokens": 17})
        if path.endswith("/embeddings"):
            return await self._send(writer, 200, {"object": "list", "model": "text-embedding-3-small", "data": [
                {"object": "embedding", "index": 0, "embedding": [0.25, -0.5, 1.0]}], "usage": {"prompt_tokens": 4, "total_tokens": 4}})
        if path.endswith("/models"):
            return await self._send(writer, 200, {"object": "list", "data": [
                {"id": "gpt-4o", "object": "model", "created": 1, "owned_by": "upstream"}]})
        if re.search("/files/[^/]+/content$", path):
            return await self._send(writer, 200, self.files.get(path.split("/")[-2], b""), "application/octet-stream")
        if path.endswith("/files") and request.method == "POST":
            content = re.search(rb'name="file".*?\r\n\r\n(.*?)\r\n--', request.body, re.S)
            name = f"file-{len(self.files) + 1}"
            self.files[name] = content.group(1) if content else b""
            return await self._send(writer, 200, {"id": name, "object": "file", "bytes": len(self.files[name]), "created_at": 1,
                                                  "filename": "f.jsonl", "purpose": "user_data", "status": "processed"})
        if ":streamGenerateContent" in path:
            return await self._stream(writer, generated_events())
        if ":generateContent" in path:
            return await self._send(writer, 200, generated())
        if ":batchEmbedContents" in path:
            return await self._send(writer, 200, embedded(request))
        if ":countTokens" in path:
            return await self._send(writer, 200, {"totalTokens": 3})
        if path.endswith("/api/chat"):
            return await self._stream(writer, [json.dumps(line).encode() + b"\n" for line in ollama(request)], "application/x-ndjson")
        return await self._send(writer, 200, {"path": request.target, "bytes": request.body_bytes})

    # Behaviours. A name with "early" acts before the body is read.

    async def early_stall(self, request, reader, writer, _):
        return await self._until_gone(request, reader)

    async def early_answer(self, request, reader, writer, _):
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        return await self._until_gone(request, reader)

    async def early_slow_body(self, request, reader, writer, argument):
        """Reads nothing until the gate opens, then everything."""
        await self._gate(argument or "body").wait()
        await self._read_body(request, reader)
        return await self._answer(request, reader, writer, "")

    async def behave_stall_after_head(self, request, reader, writer, _):
        await self._begin(writer)
        return await self._until_gone(request, reader)

    async def behave_stall_mid_stream(self, request, reader, writer, _):
        await self._begin(writer, b'data: {"a":1}\n\n')
        return await self._until_gone(request, reader)

    async def behave_stall_mid_body(self, request, reader, writer, _):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n12345")
        await writer.drain()
        return await self._until_gone(request, reader)

    async def behave_endless(self, request, reader, writer, _):
        """A stream that never ends, one event every 10 ms."""
        gone = asyncio.ensure_future(self._until_gone(request, reader))
        await self._begin(writer)
        while not gone.done():
            writer.write(b"9\r\ndata: 1\n\n\r\n")
            await writer.drain()
            await asyncio.wait([gone], timeout=0.01)
        return False

    async def behave_reset(self, request, reader, writer, _):
        return self._reset(writer)

    async def behave_close(self, request, reader, writer, _):
        writer.close()
        return False

    async def behave_reset_mid_stream(self, request, reader, writer, _):
        await self._begin(writer, b"data: 1\n\n")
        await self._gate("reset").wait()
        return self._reset(writer)

    async def behave_truncate_length(self, request, reader, writer, _):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n12345")
        await writer.drain()
        writer.close()
        return False

    async def behave_truncate_chunks(self, request, reader, writer, _):
        await self._begin(writer, b"data: 1\n\n")
        writer.close()
        return False

    async def behave_cut_after(self, request, reader, writer, argument):
        """So many events of a stream, and a close."""
        events = list(message_events()) if request.target.endswith("/messages") else chat_events(request)
        await self._begin(writer, *events[:int(argument)])
        writer.close()
        return False

    async def behave_says(self, request, reader, writer, argument):
        """This JSON."""
        return await self._send(writer, 200, argument.encode())

    async def behave_until_close(self, request, reader, writer, _):
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the close")
        await writer.drain()
        writer.close()
        return False

    async def behave_close_after(self, request, reader, writer, _):
        """A good answer that promises keep-alive, and a close right behind it."""
        await self._send(writer, 200, {"ok": True})
        writer.close()
        return False

    async def behave_bad_head(self, request, reader, writer, argument):
        heads = {"version": b"HTTP/2.0 200 OK\r\n\r\n", "garbage": b"hello\r\n\r\n",
                 "lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
                 "both": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 "nul": b"HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 0\r\n\r\n",
                 "barelf": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
                 "folded": b"HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 0\r\n\r\n",
                 "switching": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
                 "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"}
        writer.write(heads[argument])
        await writer.drain()
        return await self._until_gone(request, reader)

    async def behave_endless_head(self, request, reader, writer, _):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(100_000):
            writer.write(b"X-%d: %s\r\n" % (number, b"a" * 1000))
            await writer.drain()
        return False

    async def behave_interim(self, request, reader, writer, argument):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * int(argument or 1))
        return await self._answer(request, reader, writer, "")

    async def behave_status(self, request, reader, writer, argument):
        """status=503: that status, always; status=503x2: twice, then well."""
        status, _, times = argument.partition("x")
        key = (argument, request.target)
        self.faults[key] = self.faults.get(key, 0) + 1
        if times and self.faults[key] > int(times):
            return await self._answer(request, reader, writer, "")
        return await self._send(writer, int(status), {"error": {"message": "as asked", "type": "x", "code": None}},
                                more=(("Retry-After", "0"), ("X-Request-ID", "up-1")))

    async def behave_bodyless(self, request, reader, writer, argument):
        """A head that names a length and has no body (RFC 9110 section 15.4.5)."""
        writer.write(f"HTTP/1.1 {argument} X\r\nContent-Length: 500\r\n\r\n".encode())
        await writer.drain()
        return True

    async def behave_redirect(self, request, reader, writer, argument):
        return await self._send(writer, 307, {}, more=(("Location", "http://other.example/"),))

    async def behave_headers(self, request, reader, writer, argument):
        """headers=NAME: its Connection header names that one, too."""
        return await self._send(writer, 200, {"ok": True}, more=(
            ("Set-Cookie", "a=b"), ("Alt-Svc", "h3=1"), ("Strict-Transport-Security", "max-age=1"), ("Keep-Alive", "timeout=5"),
            ("Access-Control-Allow-Origin", "*"), ("X-Request-ID", "up-7"), ("openai-processing-ms", "12"),
            ("Connection", f"X-Hop, {argument}" if argument else "X-Hop"), ("X-Hop", "1"), ("X-LLM-Proxy", "evil"), ("X-Multi", "a"), ("X-Multi", "b")))

    async def behave_gzip(self, request, reader, writer, _):
        body = gzip.compress(json.dumps(chat(request)).encode())
        return await self._send(writer, 200, body, more=(("Content-Encoding", "gzip"),))

    async def behave_bomb(self, request, reader, writer, argument):
        """bomb=BYTES: a compressed answer that is so long when it is not."""
        body = gzip.compress(b'{"model":"m","x":"' + b" " * int(argument) + b'","usage":{"prompt_tokens":3,"completion_tokens":5}}')
        return await self._send(writer, 200, body, more=(("Content-Encoding", "gzip"),))

    async def behave_long_line(self, request, reader, writer, argument):
        """long-line=BYTES: one event of one line, so long, between two small ones."""
        return await self._stream(writer, [b'data: {"a":1}\n\n', b"data: " + b"x" * int(argument) + b"\n\n", b"data: [DONE]\n\n"])

    async def behave_usage(self, request, reader, writer, argument):
        """An answer with these bytes as its numbers of tokens."""
        return await self._send(writer, 200, b'{"usage":{"prompt_tokens":%s,"completion_tokens":%s}}' % ((argument.encode(),) * 2))

    async def behave_echo(self, request, reader, writer, _):
        return await self._send(writer, 200, request.body, request.header("content-type") or "application/octet-stream")

    async def behave_download(self, request, reader, writer, argument):
        """download=BYTES: that many, chunked, as fast as they are taken."""
        left = int(argument)
        await self._begin(writer, content_type="application/octet-stream")
        part = bytes(range(256)) * 1024
        while left > 0:
            some = part[:left]
            writer.write(b"%x\r\n" % len(some) + some + b"\r\n")
            await writer.drain()
            left -= len(some)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def behave_gate(self, request, reader, writer, argument):
        """The head and one event, then waits for open_gate(argument), then the rest."""
        await self._begin(writer, b"data: 1\n\n")
        await self._gate(argument).wait()
        writer.write(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
        await writer.drain()
        return True

    async def behave_typed(self, request, reader, writer, argument):
        """typed=CONTENT-TYPE|X-ACCEL-BUFFERING: one event with these headers, the second only when it is not empty."""
        content_type, _, buffering = argument.partition("|")
        return await self._send(writer, 200, b"data: 1\n\n", content_type, (("X-Accel-Buffering", buffering),) if buffering else ())

    async def behave_ping(self, request, reader, writer, _):
        return await self._stream(writer, [b": ping\n\n", b"event: ping\r\ndata: {}\r\n\r\n", b"data: [DONE]\n\n"])


if __name__ == "__main__":  # for trying things by hand, and for clients in other languages
    with Upstream() as server:
        print(server.url, flush=True)
        threading.Event().wait()
