#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""A certificate from certbot's webroot flow, against an ACME server of its own (pebble): the first one while there is no TLS
yet, the renewed one while TLS runs, which reads it by itself and drops nobody."""
import json
import os
import socket
import ssl
import subprocess
import tempfile
import unittest
import urllib.request
from pathlib import Path

from certificates import Authority
from cli_case import free_port
from proxy_case import BIN, MANAGEMENT, until
from raw_client import RawClient

NAME = "proxy.example"


class Acme(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.webroot = cls.folder / "webroot"
        cls.webroot.mkdir()
        cls.plain_port = free_port()
        cls.live = cls.folder / "certbot" / "live" / NAME
        cls.start_acme_server()

    @classmethod
    def start_acme_server(cls):
        cls.authority = Authority(cls.folder)
        certificate, key = cls.authority.certificate("directory", "IP:127.0.0.1")
        dns, management = free_port(), free_port()
        cls.directory, cls.acme_management = free_port(), free_port()
        # The provider's validation goes to one port: the plain listener of both steps.
        (cls.folder / "pebble.json").write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{cls.directory}", "managementListenAddress": f"127.0.0.1:{cls.acme_management}", "certificate": str(certificate),
            "privateKey": str(key), "httpPort": cls.plain_port, "tlsPort": free_port()}}))
        for command in (["pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", f"127.0.0.1:{dns}", "-http01", "", "-https01", "",
                         "-tlsalpn01", "", "-management", f"127.0.0.1:{management}"],
                        ["pebble", "-config", str(cls.folder / "pebble.json"), "-dnsserver", f"127.0.0.1:{dns}"]):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       env=os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"})
            cls.addClassCleanup(process.wait)
            cls.addClassCleanup(process.kill)
        until(lambda: cls.is_open(cls.directory) and cls.is_open(management), "the ACME server is up")

    @staticmethod
    def is_open(port):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False

    def certbot(self, *arguments):
        done = subprocess.run(["certbot", *arguments, "--non-interactive", "--config-dir", self.folder / "certbot", "--work-dir", self.folder / "work",
                               "--logs-dir", self.folder / "logs", "--server", f"https://127.0.0.1:{self.directory}/dir"],
                              env=os.environ | {"REQUESTS_CA_BUNDLE": str(self.authority.file)}, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def trusting(self):
        with urllib.request.urlopen(f"https://127.0.0.1:{self.acme_management}/roots/0",
                                    context=ssl.create_default_context(cafile=str(self.authority.file))) as root:
            return ssl.create_default_context(cadata=root.read().decode())

    def serve(self, **settings):
        """Another server, on the plain port that certificates are asked for."""
        data = tempfile.mkdtemp(dir=self.folder)
        process = subprocess.Popen([BIN, "--serve", "--data-dir", data], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "MANAGEMENT_TOKEN": MANAGEMENT,
                                        "ACME_WEBROOT": str(self.webroot), "ALLOWED_HOSTS": NAME} | settings)
        until(lambda: self.is_open(self.plain_port), "the server listens")
        return process

    def test_the_first_certificate_and_its_renewal(self):
        first = self.serve(LISTEN_ADDR=f"127.0.0.1:{self.plain_port}")
        try:
            self.certbot("certonly", "--webroot", "-w", str(self.webroot), "-d", NAME, "--register-unsafely-without-email", "--agree-tos")
        finally:
            first.terminate(), first.wait(30)
        port = free_port()
        server = self.serve(LISTEN_ADDR=f"127.0.0.1:{port}", HTTP_LISTEN_ADDR=f"127.0.0.1:{self.plain_port}",
                            TLS_CERT_FILE=str(self.live / "fullchain.pem"), TLS_KEY_FILE=str(self.live / "privkey.pem"))
        self.addCleanup(server.wait, 30)
        self.addCleanup(server.terminate)
        trusting = self.trusting()

        def serial():
            with RawClient(port, tls=trusting, name=NAME) as client:
                return client.sock.getpeercert()["serialNumber"]
        before, old = RawClient(port, tls=trusting, name=NAME), serial()
        self.addCleanup(before.sock.close)
        health = f"GET /health HTTP/1.1\r\nHost: {NAME}\r\n\r\n"
        self.assertEqual(before.send(health).answer().status, 200)
        self.certbot("renew", "--force-renewal", "--no-random-sleep-on-renew")
        until(lambda: serial() != old, "the renewed certificate is served")
        self.assertEqual(before.send(health).answer().status, 200)  # the old connection is still there


if __name__ == "__main__":
    unittest.main()
