# SPDX-License-Identifier: GPL-3.0-only
"""A provider that says exactly what a test gives it, and when: each flight leaves in one write, over TLS with a record for each of its
pieces. asyncio's TLS, which upstream.py uses, cannot send a close_notify and stay connected."""
import socket
import ssl
import threading

CLOSE_NOTIFY = object()


class _Plain:
    def __init__(self, sock):
        self.sock = sock

    def receive(self):
        return self.sock.recv(65536)

    def fly(self, pieces):
        self.sock.sendall(b"".join(pieces))


class _Tls:
    def __init__(self, sock, context):
        self.sock, self.incoming, self.outgoing = sock, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        while not self._goes(self.session.do_handshake):
            pass

    def _goes(self, step):
        """Takes a step as far as it gets; whether it came to its end."""
        try:
            step()
            return True
        except ssl.SSLWantReadError:
            self._flush()
            self._feed()
            return False
        finally:
            self._flush()

    def _flush(self):
        if self.outgoing.pending:
            self.sock.sendall(self.outgoing.read())

    def _feed(self):
        bytes_ = self.sock.recv(65536)
        if not bytes_:
            raise ConnectionError("the proxy left")
        self.incoming.write(bytes_)

    def receive(self):
        while True:
            try:
                return self.session.read(65536)
            except ssl.SSLWantReadError:
                self._feed()

    def fly(self, pieces):
        for piece in pieces:
            if piece is CLOSE_NOTIFY:
                try:
                    self.session.unwrap()
                except ssl.SSLWantReadError:  # the peer's own, which nobody waits for
                    pass
            else:
                self.session.write(piece)
        self._flush()


class Flights:
    """`with Flights(script, context) as provider:` script(head) gives the pieces that answer a request. provider.requests holds (number
    of the connection, head, body), oldest first."""

    def __init__(self, script, context=None):
        self.script, self.context = script, context
        self.requests = []
        self._open = []

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{'https' if self.context else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it ended before

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock, len(self._open)), daemon=True).start()

    def _serve(self, sock, number):
        try:
            with sock:
                link = _Tls(sock, self.context) if self.context else _Plain(sock)
                while self._one(link, number):
                    pass
        except (OSError, ssl.SSLError):
            pass

    def _one(self, link, number):
        got = b""
        while b"\r\n\r\n" not in got:
            part = link.receive()
            if not part:
                return False
            got += part
        head, _, body = got.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        while len(body) < length:
            body += link.receive()
        self.requests.append((number, head.decode("latin-1"), body))
        link.fly(self.script(head.decode("latin-1")))
        return True
