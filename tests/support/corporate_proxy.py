# SPDX-License-Identifier: GPL-3.0-only
"""The proxy between a company's network and the rest: tunnels for CONNECT, and requests with a whole URL, which it sends on. Whatever
the target's name is, it leads to one of two addresses of this machine."""
import select
import socket
import threading


class CorporateProxy:
    """`with CorporateProxy(port of http://, port of https://) as proxy:`; proxy.seen has (method, target, {header: value})."""

    def __init__(self, plain_port, tls_port, ssl_context=None):
        self.ports, self.seen, self._ssl = (plain_port, tls_port), [], ssl_context

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def take(self):
        """What was seen since the last call."""
        seen, self.seen = self.seen, []
        return seen

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            if self._ssl:
                client = self._ssl.wrap_socket(client, server_side=True)
            head = b""
            while b"\r\n\r\n" not in head:
                part = client.recv(65536)
                if not part:
                    return
                head += part
            self._pass_on(client, *head.split(b"\r\n\r\n", 1))
        except OSError:
            pass
        finally:
            client.close()

    def _pass_on(self, client, head, rest):
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, version = first.split(" ")
        self.seen.append((method, target, {n.lower(): v.strip() for n, v in (line.split(":", 1) for line in lines)}))
        server = socket.create_connection(("127.0.0.1", self.ports[method == "CONNECT"]))
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = "/" + target.split("://", 1)[1].partition("/")[2]
            kept = [line for line in lines if not line.lower().startswith("proxy-")]
            server.sendall("\r\n".join([f"{method} {path} {version}", *kept]).encode("latin-1") + b"\r\n\r\n" + rest)
        try:
            self._relay(client, server)
        finally:
            server.close()

    @staticmethod
    def _relay(client, server):
        while True:
            ready = [s for s in (client, server) if hasattr(s, "pending") and s.pending()] or select.select([client, server], [], [], 30)[0]
            if not ready:
                return
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                (server if source is client else client).sendall(data)
