#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Servers elsewhere: connected to over HTTPS with a pinned key, lost and back, slow, and taken for another one."""
import socket
import subprocess
import threading
import unittest

from certificates import Authority
from cli_case import BIN, KEY, environment, free_port
from desktop import Flows
from proxy_case import MANAGEMENT, until


class Server:
    """llm-proxy --serve with a certificate that nobody signed."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.data = folder / "data"
        self.authority = Authority(folder)
        self.authority.self_signed("own", "IP:127.0.0.1")
        self.env = environment(str(folder)) | {"MANAGEMENT_TOKEN": MANAGEMENT, "LISTEN_ADDR": f"127.0.0.1:{self.port}", "TLS_CERT_FILE": str(folder / "own.pem"),
                                               "TLS_KEY_FILE": str(folder / "own.key"), "ENGINE_THREADS": "1"}

    def cli(self, *arguments, stdin=""):
        return subprocess.run([BIN, "--data-dir", str(self.data), *arguments], input=stdin, env=self.env, cwd=self.folder, capture_output=True, text=True, check=True, timeout=60).stdout

    def project(self, name):
        self.cli("project", "create", "--name", name, "--key-stdin", stdin="sk-remote1234567890\n")

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([BIN, "--serve", "--data-dir", str(self.data)], env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def reachable():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        until(reachable, "the server listens", pause=0.05)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pin(self):
        """As curl's --pinnedpubkey has it."""
        command = "openssl x509 -in own.pem -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64"
        return "sha256//" + subprocess.run(["bash", "-c", command], cwd=self.folder, capture_output=True, text=True, check=True).stdout.strip()


class Relay:
    """A way to a server that can be held up: what the server says waits while `flowing` is not set."""

    def __init__(self, port):
        self.to, self.flowing = port, threading.Event()
        self.flowing.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.to))
            threading.Thread(target=self._pass, args=(client, server, None), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, self.flowing), daemon=True).start()

    @staticmethod
    def _pass(source, target, gate):
        try:
            while part := source.recv(1 << 16):
                if gate:
                    gate.wait()
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            target.close()


class Servers(Flows):
    def setUp(self):
        super().setUp()
        folder = self.place / "remote"
        folder.mkdir()
        self.server = Server(folder)
        self.server.project("Remote team")
        self.server.start()
        self.addCleanup(lambda: self.server.kill())
        self.project("Local team")
        self.app = self.open()
        self.app.open_page("Projects and keys")
        self.table = self.app.get("table", "Projects")
        self.shows("Local team")

    def shows(self, *names):
        self.app.wait(lambda: sorted(self.table.column("Name")) == sorted(names), f"the projects {names}")

    def server_menu(self, item):
        self.app.click(self.app.get("push button", contains="Server: "))
        self.app.click(self.app.item(self.app.menu(), item))

    def connect(self, port=None, token=MANAGEMENT):
        """Fills the dialog in and presses Connect."""
        self.server_menu("Connect to a server")
        self.app.fill("Name", "Small server")
        self.app.fill("Address", f"https://127.0.0.1:{port or self.server.port}")
        self.app.fill("Management token", token)
        self.app.press("Connect")

    def connected(self, port=None):
        self.connect(port)
        self.app.confirm("Is this your server?", "Trust this key", self.server.pin())
        self.app.wait_gone("dialog", "Connect to a server")
        self.app.get("push button", "Server: Small server")
        self.shows("Remote team")

    def test_looked_after_with_a_pinned_key(self):
        app = self.app
        self.connect(token="a management token that it does not have")
        self.desktop.show("7-pin")
        app.confirm("Is this your server?", "Cancel", self.server.pin())
        app.press("Connect")
        app.confirm("Is this your server?", "Trust this key", self.server.pin())
        self.app.wait(lambda: app.get("text", "Management token").has("focused"), "the token is the problem")
        self.desktop.show("7-refused")
        app.fill("Management token", MANAGEMENT)
        app.press("Connect")
        app.confirm("Is this your server?", "Trust this key", self.server.pin())
        app.get("push button", "Server: Small server")
        self.shows("Remote team")
        self.desktop.show("7-remote")
        self.assertIn("Small server", self.desktop.active_title())
        app.open_page("Overview")
        app.label(f"https://127.0.0.1:{self.server.port}")
        self.assertIsNone(app.find("push button", "Stop the engine"), "it would stop the one of this computer")
        app.open_page("Projects and keys")
        app.press("New project")
        app.fill("Name", "Made from afar")
        app.fill("Key", KEY)
        app.press("Create project")
        self.shows("Remote team", "Made from afar")
        self.assertIn("Made from afar", self.server.cli("project", "list"))
        self.assertNotIn("Made from afar", str(app.ask("/manage/projects")))
        for kept in self.place.rglob("*.conf"):
            self.assertNotIn(MANAGEMENT, kept.read_text(), "a management token is kept nowhere")
        self.server_menu("This computer")
        app.get("push button", "Server: This computer")
        self.shows("Local team")

    def test_another_key_is_not_taken_for_it(self):
        app = self.app
        self.connected()
        was = self.server.pin()
        self.server.kill()
        self.server.authority.self_signed("own", "IP:127.0.0.1")
        self.server.start()
        app.get("frame", "Connection lost")
        self.desktop.show("7-other-key")
        self.server_menu("Small server")
        app.type(MANAGEMENT)  # its field has the focus
        app.press("Connect")
        self.desktop.show("7-changed")
        self.assertIn(self.server.pin(), app.confirm("The server's key has changed", "Cancel", was))
        app.press("Cancel")
        app.wait_gone("dialog")
        last = (self.server.data / "audit.log").read_text().splitlines()[-1]
        self.assertIn('"action":"system.start"', last, "it was told nothing, least of all a token")
        self.shows("Remote team")  # from before, and said to be
        app.get("frame", "Connection lost")
        self.server_menu("This computer")
        app.wait_gone("frame", "Connection lost")
        self.shows("Local team")

    def test_lost_and_back(self):
        app = self.app
        self.connected()
        self.server.kill()
        banner = app.get("frame", "Connection lost")
        app.label("Small server does not answer", within=banner)
        app.label("What you see is from before", within=banner)
        app.get("filler", "Lost")
        self.desktop.show("8-lost")
        self.shows("Remote team")
        app.open_page("Overview")
        app.get("filler", "Lost", within=app.get("filler", "Overview"))
        self.desktop.show("8-overview")
        app.open_page("Projects and keys")
        self.shows("Remote team")
        self.server.project("Made meanwhile")
        self.server.start()
        app.wait_gone("frame", "Connection lost")
        self.shows("Remote team", "Made meanwhile")
        app.get("filler", "Running")

    def test_long_work_shows_that_it_runs_and_can_be_stopped(self):
        app, relay = self.app, Relay(self.server.port)
        self.addCleanup(relay.listener.close)
        self.addCleanup(relay.flowing.set)
        self.connected(relay.port)
        app.open_page("Audit")
        app.wait(lambda: app.get("table", "Audit events").row_count > 0, "its events")
        relay.flowing.clear()
        app.press("Verify")
        dialog = app.get("dialog", "Verify the audit log")
        app.get("progress bar", "Progress", within=dialog)
        self.desktop.show("5-verifying")
        relay.flowing.set()
        app.label("The log is intact", within=dialog)
        app.press("Close", within=dialog)
        app.wait_gone("dialog")
        app.press("Export")
        file = app.folder / "stopped.jsonl"
        app.fill("File", str(file))
        relay.flowing.clear()
        app.press("Export", within=app.get("dialog", "Export audit events"))
        app.get("progress bar", "Progress")
        self.desktop.show("5-exporting")
        app.press("Stop")
        app.label("Stopped; no file was written.")
        self.desktop.show("5-stopped")
        self.assertEqual([p for p in app.folder.iterdir() if "stopped" in p.name], [])
        relay.flowing.set()
        app.press("Export", within=app.get("dialog", "Export audit events"))
        app.wait(file.exists, "the whole file, the next time")


if __name__ == "__main__":
    unittest.main()
