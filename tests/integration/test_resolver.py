#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""A name server that does not answer costs no threads, holds up nobody else's requests, and lets clients go."""
import os
import socket
import subprocess
import unittest
from pathlib import Path

from cli_case import free_port
from proxy_case import CHAT, KEY, MANAGEMENT, Proxy, fresh_id, request, until

MANY = 300
# In a mount namespace of its own: /etc/resolv.conf as the test wrote it, and what else resolving needs.
PRIVATE = "mount --bind resolv.conf /etc/resolv.conf && mount --bind hosts /etc/hosts && exec \"$@\""


def may_unshare():
    return subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


class SilentNameServer:
    """A UDP socket on port 53 that reads nothing."""

    def __init__(self):
        self.address = f"127.{53 + os.getpid() % 200}.{os.getpid() // 200 % 250}.53"
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((self.address, 53))

    def wait_question(self):
        self.sock.settimeout(20)
        self.sock.recv(512)


@unittest.skipUnless(may_unshare(), "a mount namespace is needed, which this user may not make (root may)")
class Silent(Proxy):
    settings = {"ENGINE_THREADS": "2", "UPSTREAM_CONNECT_TIMEOUT": "60s", "ALLOW_INSECURE_UPSTREAM": "true"}
    wrapper = ("unshare", "-m", "sh", "-c", PRIVATE, "sh")

    @classmethod
    def setUpClass(cls):
        try:
            cls.names = SilentNameServer()
        except PermissionError:
            raise unittest.SkipTest("port 53 is needed, which this user may not have (root may)") from None
        cls.addClassCleanup(cls.names.sock.close)
        super().setUpClass()

    @classmethod
    def class_folder(cls):
        folder = super().class_folder()
        (folder / "resolv.conf").write_text(f"nameserver {cls.names.address}\noptions timeout:30 attempts:1\n")
        (folder / "hosts").write_text("127.0.0.1 localhost known.test\n169.254.169.254 metadata.test\n169.254.7.7 near.test\n203.0.113.7 127.evil.test\n")
        return folder

    def threads(self):
        return int(Path(f"/proc/{self.server.pid}/status").read_text().split("Threads:")[1].split()[0])

    def token_for(self, base_url):
        project = self.new_project(providers=[{"provider": "openai", "api_key": KEY, "base_url": base_url}])["id"]
        return self.new_token(project_id=project)["token"]

    def wait_running(self, count):
        """Reads the live feed until so many requests run."""
        with self.raw() as watcher:
            watcher.send(request("/manage/events", headers=[("Authorization", f"Bearer {MANAGEMENT}")]))
            watcher.head()
            while f'"running_count":{count},'.encode() not in watcher.chunk().replace(b" ", b""):
                pass

    def many_wait_for_one_name(self, base_url):
        self.assertEqual(self.ask(body=CHAT).status, 200)
        idle = self.threads()
        token = self.token_for(base_url)
        clients = [self.raw().send(request(body=CHAT, headers=[("Authorization", f"Bearer {token}")])) for _ in range(MANY)]
        self.names.wait_question()
        self.wait_running(MANY)
        self.assertLessEqual(self.threads(), idle + 8)
        self.assertEqual(self.ask(body=CHAT).status, 200, "others are served meanwhile")
        since = self.last_seq()
        for client in clients:
            client.reset()  # a close so soon behind the request could be a half-close
        until(lambda: sum(e["details"].get("reason") == "client_cancelled" for e in self.events(since=since)) == MANY,
              "the clients that left are let go", 10)
        self.wait_running(0)
        self.assertLessEqual(self.threads(), idle + 8)


class Resolving(Silent):
    def test_many_requests_wait_for_one_name(self):
        self.many_wait_for_one_name("https://nobody-answers.test")

    def test_a_name_of_the_hosts_file(self):
        port = self.upstream.port
        self.assertEqual(self.ask(body=CHAT, token=self.token_for(f"http://known.test:{port}/v1")).status, 200)


class RefusedAddresses(Silent):
    """Ruling 50: what a name resolves to is judged where it is dialled."""
    settings = {"API_CONFIG_PATH": "profiles.yaml"}

    @classmethod
    def class_folder(cls):
        folder = super().class_folder()
        (folder / "profiles.yaml").write_text("providers:\n  evil:\n    base_url: http://127.evil.test\n")
        return folder

    def refused(self, token, path, reason):
        request_id = fresh_id()
        answer = self.ask(path, CHAT, token=token, headers=[("X-Request-ID", request_id)])
        self.assertEqual((answer.status, answer.header("x-llm-proxy-error")), (502, "upstream_unreachable"), answer.body)
        event = self.event_of(request_id)
        self.assertEqual((event["result"], event["details"]["reason"], event["details"]["forwarded"]), ("error", reason, False))
        return answer.body

    def test_names_that_resolve_to_refused_addresses(self):
        token = self.token_for("https://metadata.test")
        self.assertIn(b"metadata address", self.refused(token, "/v1/chat/completions", "upstream_metadata_address"))
        token = self.token_for("https://near.test")
        self.assertIn(b"ALLOW_LINK_LOCAL_UPSTREAM", self.refused(token, "/v1/chat/completions", "upstream_link_local_address"))

    def test_clear_text_to_a_name_with_a_public_address(self):
        """Only a profile can name one; the name only looks like this machine's."""
        project = self.new_project(providers=[{"provider": "evil", "api_key": KEY}])["id"]
        token = self.new_token(project_id=project)["token"]
        self.assertIn(b"https://", self.refused(token, "/evil/x", "upstream_insecure_address"))

    def test_literals_are_refused_at_creation(self):
        for address in ("https://169.254.169.254/v1", "http://0251.0376.0251.0376", "https://[64:ff9b::a9fe:a9fe]/", "http://127.evil.test", "https://169.254.7.7"):
            with self.subTest(address):
                status, answer = self.manage("POST", "/manage/projects", {"name": "a", "providers": [{"provider": "openai", "api_key": KEY, "base_url": address}]})
                self.assertEqual((status, answer["error"]["field"]), (400, "providers[0].base_url"), answer)

    def test_the_check_of_a_provider_judges_too(self):
        status, answer = self.manage("POST", "/manage/providers/check", {"provider": "openai", "api_key": KEY, "base_url": "https://metadata.test"})
        self.assertEqual((status, answer["reason"]), (200, "unreachable"))
        self.assertIn("metadata address", answer["message"])


class TooManyNames(Silent):
    def test_who_finds_the_queue_full_is_told_to_come_again(self):
        paths = {"openai": "/openai/v1/x", "anthropic": "/anthropic/v1/x", "gemini": "/gemini/v1/x", "ollama": "/ollama/v1/x"}
        clients = []
        for number in range((8 + 256) // len(paths)):
            project = self.new_project(providers=[{"provider": p, "api_key": KEY, "base_url": f"https://{p}-{number}.test"} for p in paths])["id"]
            token = self.new_token(project_id=project)["token"]
            for path in paths.values():
                clients.append(self.raw().send(request(path, body=CHAT, headers=[("Authorization", f"Bearer {token}")])))
        self.wait_running(8 + 256)
        request_id = fresh_id()
        answer = self.ask(body=CHAT, token=self.token_for("https://one-more.test"), headers=[("X-Request-ID", request_id)])
        self.assertEqual((answer.status, answer.header("x-llm-proxy-error"), answer.header("retry-after")), (503, "service_unavailable", "1"))
        event = self.event_of(request_id)
        self.assertEqual((event["result"], event["details"]["reason"], event["details"]["forwarded"]), ("error", "upstream_resolver_busy", False))
        for client in clients:
            client.reset()


class ResolvingTheProxy(Silent):
    """The same with the name of an HTTPS_PROXY; the provider's own is the proxy's to resolve."""
    settings = Silent.settings | {"HTTPS_PROXY": f"http://proxy-of-nobody.test:{free_port()}"}

    def test_many_requests_wait_for_the_proxys_name(self):
        self.many_wait_for_one_name("https://api.example.com")


if __name__ == "__main__":
    unittest.main()
