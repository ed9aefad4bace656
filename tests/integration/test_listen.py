#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""LISTEN_ADDR: a list of addresses and names, IPv4 and IPv6 on one socket, and machines without one of the two."""
import contextlib
import http.client
import json
import socket
import subprocess
import unittest

from certificates import Authority
from cli_case import BIN, Cli, free_port
from networks import Network, road_or_skip
from proxy_case import MANAGEMENT, LocalLink, until

HOSTS = "127.0.0.1 localhost here.test\n127.0.0.2 both.test\n::1 both.test\n10.99.0.1 elsewhere.test\n"
# In a mount namespace of its own, with these names.
NAMED = ("unshare", "-m", "sh", "-c", 'mount --bind hosts /etc/hosts && exec "$@"', "sh")


def network_or_skip():
    try:
        return Network()
    except PermissionError:
        raise unittest.SkipTest("network namespaces are needed, which this user may not make (root may)") from None


class Listening(Cli):
    def setUp(self):
        super().setUp()
        self.network = network_or_skip()
        self.addCleanup(self.network.close)
        (self.cwd / "hosts").write_text(HOSTS)
        self.port = free_port()

    def started(self, listen, network=None, wrapper=(), **settings):
        env = self.env | ({"LISTEN_ADDR": listen} if listen else {}) | {"MANAGEMENT_TOKEN": MANAGEMENT, "ENGINE_THREADS": "2", "LOG_FORMAT": "json"} | settings
        with network or self.network, open(self.cwd / "log", "wb") as log, open(self.cwd / "errors", "wb") as errors:
            server = subprocess.Popen([*wrapper, BIN, "--serve", "--data-dir", str(self.data)], env=env, cwd=self.cwd, stdout=log, stderr=errors)

        def end():
            server.terminate()
            server.wait(60)
        self.addCleanup(end)
        return server

    def serving(self, *arguments, **more):
        """The addresses that the server says it listens on."""
        server = self.started(*arguments, **more)

        def said():
            self.assertIsNone(server.poll(), (self.cwd / "errors").read_text() + (self.cwd / "log").read_text())
            return self.logged("listening")
        until(said, "the server listens", 60)
        with contextlib.suppress(AssertionError):
            until(lambda: self.open_sockets() == sorted(line["address"] for line in said()), "what is open is said", 5)
        addresses = [line["address"] for line in said()]
        self.assertEqual(sorted(addresses), self.open_sockets(), "ss -ltn shows LISTEN_ADDR only")
        return addresses

    def refused(self, listen, code=2, **more):
        """What the server says instead of starting."""
        self.assertEqual(self.started(listen, **more).wait(60), code)
        return (self.cwd / "errors").read_text()

    def logged(self, message):
        lines = [json.loads(line) for line in (self.cwd / "log").read_text().splitlines() if line.endswith("}")]
        return [line for line in lines if line["message"] == message]

    def open_sockets(self, network=None):
        with network or self.network:
            shown = subprocess.run(["ss", "-ltnH"], check=True, capture_output=True, text=True).stdout
        # Each engine thread has its own socket. ss writes a socket for both families as "*".
        return sorted({line.split()[3].replace("*", "[::]") for line in shown.splitlines()})

    def without_ipv6(self):
        with self.network, open("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w") as switch:
            switch.write("1")

    def ask(self, host, port=None, path="/health", headers=(), network=None, source=None):
        """(status, body) of a request to an address, from the namespace."""
        with network or self.network:
            link = http.client.HTTPConnection(host, port or self.port, timeout=20, source_address=source and (source, 0))
            try:
                link.request("GET", path, headers=dict(headers))
                answer = link.getresponse()
                return answer.status, answer.read().decode()
            finally:
                link.close()

    def is_closed(self, host):
        with self.assertRaises(ConnectionRefusedError):
            self.ask(host)


class Lists(Listening):
    def test_two_addresses(self):
        addresses = self.serving(f"127.0.0.1:{self.port}, [0:0:0:0:0:0:0:1]:{self.port}")
        self.assertEqual(addresses, [f"127.0.0.1:{self.port}", f"[::1]:{self.port}"])
        for host in ("127.0.0.1", "::1"):
            self.assertEqual(self.ask(host)[0], 200)
        self.is_closed("127.0.0.2")
        with self.network:
            self.assertIn(f"http://127.0.0.1:{self.port}", self.local("health", "--listen-addr", f"[::1]:{self.port},127.0.0.1:{self.port}").stdout)
            self.assertIn(f"http://[::1]:{self.port}", self.local("health", "--listen-addr", f"[::1]:{self.port}").stdout)
        status, text = self.ask("::1", path="/manage/overview", headers={"Authorization": f"Bearer {MANAGEMENT}"})
        self.assertEqual(status, 200)
        overview = json.loads(text)
        self.assertEqual((overview["listen"], overview["url"]), (",".join(addresses), f"http://127.0.0.1:{self.port}"))

    def test_every_connection_counts_once_for_all(self):
        self.serving(f"127.0.0.1:{self.port},[::1]:{self.port}", MAX_CONNECTIONS="3")
        with self.network, contextlib.ExitStack() as held:
            for host in ("127.0.0.1", "::1", "127.0.0.1"):
                link = held.enter_context(socket.create_connection((host, self.port), timeout=20))
                link.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertTrue(link.recv(100).startswith(b"HTTP/1.1 200"))
            for host in ("127.0.0.1", "::1"):
                late = held.enter_context(socket.create_connection((host, self.port), timeout=20))
                self.assertEqual(late.recv(1), b"", f"{host} is over the limit")

    def test_free_ports(self):
        addresses = self.serving("127.0.0.1:0,[::1]:0")
        for address in addresses:
            host, port = address.rsplit(":", 1)
            self.assertEqual(self.ask(host.strip("[]"), int(port))[0], 200)

    def test_every_wrong_entry_is_named(self):
        said = self.refused(",127.0.0.1,127.0.0.1:70000,*:80,::1:80,good.test:1,GOOD.test:1,127.1:80,[::1]")
        for part in ("entry 1 is empty", '"127.0.0.1" has no port', '"127.0.0.1:70000": the port is a number', '"*" is neither', '"::1:80": an IPv6',
                     '"GOOD.test:1" is listed twice', '"127.1" is neither', '"[::1]" has no port'):
            self.assertIn(part, said)

    def test_a_taken_port(self):
        with self.network, socket.create_server(("::1", self.port), family=socket.AF_INET6):
            said = self.refused(f"127.0.0.1:{self.port},[::1]:{self.port}", code=1)
        self.assertIn(f"cannot listen on [::1]:{self.port}: Address already in use", said)

    def test_one_public_address_needs_tls(self):
        self.network.ip("address add 10.99.0.1/24 dev lo")
        listen = f"127.0.0.1:{self.port},10.99.0.1:{self.port}"
        said = self.refused(listen)
        self.assertIn(f"in clear to 10.99.0.1:{self.port};", said)
        self.serving(listen, ALLOW_INSECURE_LISTEN="true")
        done = self.local("doctor", "--json", code=1)
        listener = next(item for item in json.loads(done.stdout)["items"] if item["id"] == "listener")
        self.assertEqual((listener["state"], listener["evidence"]), ("fail", f"Other machines reach 10.99.0.1:{self.port} without TLS."))

    def test_one_certificate_for_all(self):
        authority = Authority(self.cwd)
        certificate, key = authority.certificate("own", "DNS:localhost")
        plain = free_port()
        self.started(f"127.0.0.1:{self.port},[::1]:{self.port}", TLS_CERT_FILE=str(certificate), TLS_KEY_FILE=str(key),
                     HTTP_LISTEN_ADDR=f"127.0.0.1:{plain},[::1]:{plain}")
        until(lambda: len(self.logged("listening")) == 2, "the server listens", 60)
        self.assertEqual(self.open_sockets(), sorted(f"{host}:{port}" for host in ("127.0.0.1", "[::1]") for port in (self.port, plain)))
        for host in ("127.0.0.1", "::1"):
            with self.network:
                with socket.create_connection((host, self.port), timeout=20) as sock, authority.client_context().wrap_socket(sock, server_hostname="localhost") as tls:
                    tls.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    self.assertTrue(tls.recv(100).startswith(b"HTTP/1.1 200"))
                link = http.client.HTTPConnection(host, plain, timeout=20)
                link.request("GET", "/health", headers={"Host": "localhost"})
                answer = link.getresponse()
                self.assertEqual((answer.status, answer.getheader("Location")), (308, f"https://localhost:{self.port}/health"))
                link.close()


class Saved(Listening):
    def setUp(self):
        super().setUp()
        self.listen = f"127.0.0.1:{self.port},localhost:{self.port}"

    def save(self, value):
        """(status, error) of a change over the control socket."""
        link = LocalLink(self.data / "control.sock")
        try:
            link.request("PATCH", "/manage/settings", json.dumps({"changes": [{"name": "LISTEN_ADDR", "value": value}]}), {"Content-Type": "application/json"})
            answer = link.getresponse()
            return answer.status, json.loads(answer.read()).get("error")
        finally:
            link.close()

    def test_a_saved_list_counts_from_the_next_start(self):
        server = self.started(None)
        until(lambda: self.logged("listening"), "the server listens", 60)
        for value, said in ((f"127.0.0.1:{self.port},[::1]", '"[::1]" has no port'), ("127.0.0.1:1,,", "entry 2 is empty; entry 3 is empty"),
                            ("nobody.invalid:80", "the name nobody.invalid cannot be resolved"), ("127.0.0.1:1,0.0.0.0:2", "in clear to 0.0.0.0:2;")):
            status, error = self.save(value)
            self.assertEqual((status, error["field"]), (400, "LISTEN_ADDR"))
            self.assertIn(said, error["message"])
        self.assertEqual(self.save(self.listen), (200, None))
        self.assertEqual(self.open_sockets(), ["127.0.0.1:8080"])
        server.terminate()
        self.assertEqual(server.wait(60), 0)
        self.assertEqual(self.serving(None), [f"127.0.0.1:{self.port}", f"[::1]:{self.port}"])

    def test_setup_takes_a_list(self):
        self.cli("setup", "--non-interactive", "--listen-addr", self.listen)
        self.assertIn(f"LISTEN_ADDR={self.listen}\n", (self.cwd / ".env").read_text())
        (self.cwd / ".env").unlink()
        for value, said in ((f"{self.listen},192.0.2.1:80", "in clear to 192.0.2.1:80;"), ("nobody.invalid:80", "the name nobody.invalid cannot")):
            self.assertIn(said, self.cli("setup", "--non-interactive", "--listen-addr", value, code=2).stderr)
            self.assertFalse((self.cwd / ".env").exists())


class Names(Listening):
    def test_localhost_is_both(self):
        self.assertEqual(self.serving(f"localhost:{self.port}"), [f"127.0.0.1:{self.port}", f"[::1]:{self.port}"])

    def test_localhost_on_a_free_port_is_one_port(self):
        first, second = self.serving("localhost:0")
        self.assertEqual(first.rsplit(":", 1)[1], second.rsplit(":", 1)[1])

    def test_names_are_looked_up_and_served(self):
        self.assertEqual(self.serving(f"both.test:{self.port},[::1]:{self.port}", wrapper=NAMED), [f"127.0.0.2:{self.port}", f"[::1]:{self.port}"])
        self.assertEqual(self.ask("127.0.0.2", headers={"Host": "both.test"}, path="/v1/models")[0], 401, "the name is served")
        self.assertEqual(self.ask("127.0.0.2", headers={"Host": "here.test"}, path="/v1/models")[0], 421, "no other is")

    def test_a_name_of_this_machine_alone_needs_no_tls(self):
        self.assertEqual(self.serving(f"Here.Test.:{self.port}", wrapper=NAMED), [f"127.0.0.1:{self.port}"])

    def test_a_name_for_others_needs_tls(self):
        self.assertIn(f"in clear to 10.99.0.1:{self.port};", self.refused(f"elsewhere.test:{self.port}", wrapper=NAMED))

    def test_an_unknown_name_is_named(self):
        said = self.refused(f"127.0.0.1:{self.port},nobody.invalid:{self.port}", wrapper=NAMED)
        self.assertIn("the name nobody.invalid cannot be resolved", said)

    def test_an_address_that_is_not_here(self):
        said = self.refused(f"elsewhere.test:{self.port}", code=1, wrapper=NAMED, ALLOW_INSECURE_LISTEN="true")
        self.assertIn(f"cannot listen on 10.99.0.1:{self.port}: Cannot assign", said)


class WithoutIpv6(Listening):
    def setUp(self):
        super().setUp()
        self.without_ipv6()

    def test_localhost_is_what_is_there(self):
        self.assertEqual(self.serving(f"localhost:{self.port}"), [f"127.0.0.1:{self.port}"])
        skipped = self.logged("not listening on this address of a name")
        self.assertEqual([(line["address"], line["why"]) for line in skipped], [(f"[::1]:{self.port}", "this machine has no IPv6")])

    def test_an_address_that_was_named_must_be_there(self):
        said = self.refused(f"localhost:{self.port},[::1]:{self.port}", code=1)
        self.assertIn(f"cannot listen on [::1]:{self.port}: Cannot assign requested address (this machine has no IPv6)", said)

    def test_both_families_are_one(self):
        self.assertEqual(self.serving(f"[::]:{self.port}", ALLOW_INSECURE_LISTEN="true"), [f"[::]:{self.port}"])
        self.assertEqual(self.ask("127.0.0.1")[0], 200)


class DualStack(Listening):
    def test_both_families_on_one_socket(self):
        self.assertEqual(self.serving(f"[::]:{self.port}", ALLOW_INSECURE_LISTEN="true"), [f"[::]:{self.port}"])
        for host in ("127.0.0.1", "::1"):
            # The address is loopback, or management would be refused.
            self.assertEqual(self.ask(host, path="/manage/overview", headers={"Authorization": f"Bearer {MANAGEMENT}"})[0], 200, host)

    def test_beside_the_ipv4_wildcard(self):
        with self.network:
            server = self.started(f"0.0.0.0:{self.port},[::]:{self.port}", ALLOW_INSECURE_LISTEN="true")
        until(lambda: self.logged("listening"), "the server listens", 60)
        self.assertIsNone(server.poll())
        self.assertEqual(self.open_sockets(), [f"0.0.0.0:{self.port}", f"[::]:{self.port}"])
        for host in ("127.0.0.1", "::1"):
            self.assertEqual(self.ask(host)[0], 200)

    def test_beside_an_ipv4_address(self):
        self.serving(f"[::]:{self.port},127.0.0.1:{self.port}", ALLOW_INSECURE_LISTEN="true")
        for host in ("127.0.0.1", "127.0.0.2", "::1"):
            self.assertEqual(self.ask(host)[0], 200)

    def test_an_ipv4_client_is_one(self):
        road = road_or_skip()
        self.addCleanup(road.close)
        network = road.away
        self.started(f"[::]:{self.port}", network, ALLOW_INSECURE_LISTEN="true", TRUSTED_PROXIES="10.77.1.1", IP_RATE_LIMIT="60/m",
                     MANAGEMENT_ALLOWED_IPS="10.77.9.0/24", ALERTS_ENABLED="false")
        until(lambda: self.logged("listening"), "the server listens", 60)
        self.project("--id", "p", "--base-url", "http://127.0.0.1:1")
        tokens = [self.json("token", "create", "--project", "p", "--allowed-ip", allowed)["token"] for allowed in ("10.77.9.0/24", "10.77.8.8")]

        def asked(client, token):
            return self.ask(road.AWAY, path="/v1/models", network=road.home, headers={"Authorization": f"Bearer {token}"} | ({"X-Forwarded-For": client} if client else {}))[0]
        self.assertEqual(asked("10.77.9.9", tokens[0]), 502, "the proxy is trusted, the client is allowed, the upstream is not there")
        self.assertEqual(asked("::ffff:10.77.9.9", tokens[0]), 502, "the proxy has a socket for both, too")
        self.assertEqual(asked("10.77.9.9", tokens[1]), 403)
        self.assertEqual(asked(None, tokens[0]), 403)
        management = {"Authorization": f"Bearer {MANAGEMENT}"}
        self.assertEqual(self.ask(road.AWAY, path="/manage/overview", network=road.home, headers=management)[0], 403)
        self.assertEqual(self.ask(road.AWAY, path="/manage/overview", network=road.home, headers=management | {"X-Forwarded-For": "10.77.9.9"})[0], 200)
        events = [json.loads(line) for line in (self.data / "audit.log").read_text().splitlines()]
        self.assertEqual([e["client_ip"] for e in events if e["action"] == "token.access"], ["10.77.9.9", "10.77.9.9", "10.77.9.9", "10.77.1.1"])
        # One address, however it is written: the limit is one, too.
        statuses = [asked(client, tokens[0]) for client in ("10.77.9.50", "::ffff:10.77.9.50") * 40]
        self.assertIn(429, statuses)
        self.assertGreater(statuses.count(502), 50)


if __name__ == "__main__":
    unittest.main()
