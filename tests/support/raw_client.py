# SPDX-License-Identifier: GPL-3.0-only
"""An HTTP client that can say anything, and reads answers strictly."""
import socket
import struct


class Answer:
    def __init__(self, status, headers, body, whole):
        self.status, self.headers, self.body, self.whole = status, headers, body, whole

    def header(self, name):
        """The value of the one header of that name; None when there is none."""
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        assert len(values) < 2, (name, values)
        return values[0] if values else None


class RawClient:
    def __init__(self, port, timeout=20, receive_buffer=None, tls=None, name="localhost", session=None, source=None, host="127.0.0.1"):
        """tls: an SSLContext; name: what the certificate must be for; session: to resume; source: the address to come from."""
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect((host, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=name, session=session)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        return self

    def fin(self):
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _more(self):
        """False at the end; a reset raises ConnectionResetError."""
        part = self.sock.recv(1 << 18)
        self.buffer += part
        return bool(part)

    def read_until(self, mark):
        while mark not in self.buffer:
            if not self._more():
                raise EOFError(f"the connection ended before {mark!r}: {self.buffer[:300]!r}")
        at = self.buffer.index(mark) + len(mark)
        found, self.buffer = self.buffer[:at], self.buffer[at:]
        return found

    def read_exactly(self, size):
        while len(self.buffer) < size:
            if not self._more():
                raise EOFError("the connection ended inside a body")
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    def head(self):
        """(status, headers) of the next head, interim ones included."""
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")[:-2]
        assert lines[0].startswith("HTTP/1.1 "), lines[0]
        return int(lines[0].split(" ")[1]), [tuple(p.strip() for p in line.split(":", 1)) for line in lines[1:]]

    def chunk(self):
        """One chunk's bytes; b"" is the last one."""
        size = int(self.read_until(b"\r\n"), 16)
        data = self.read_exactly(size)
        assert self.read_exactly(2) == b"\r\n"
        return data

    def answer(self, head_request=False):
        """The next final answer whole; .whole is False when the connection ended inside its body."""
        status, headers = self.head()
        while status < 200:
            status, headers = self.head()
        fields = {n.lower(): v for n, v in headers}
        body = b""
        try:
            if head_request or status in (204, 304):
                pass
            elif fields.get("transfer-encoding") == "chunked":
                while part := self.chunk():
                    body += part
            elif "content-length" in fields:
                body = self.read_exactly(int(fields["content-length"]))
            else:
                while self._more():
                    pass
                body, self.buffer = self.buffer, b""
        except (EOFError, ConnectionResetError):
            return Answer(status, headers, body + self.buffer, False)
        return Answer(status, headers, body, True)

    def ended(self):
        """Reads to the end; "fin" or "reset", and what still came stays in .buffer."""
        try:
            while self._more():
                pass
            return "fin"
        except ConnectionResetError:
            return "reset"
