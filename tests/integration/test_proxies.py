#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The proxies of the environment, as curl takes them (ruling 61): what a company's proxy sees of our requests is what it sees of
curl's with the same variables. Loopback is the one difference: it never goes through a proxy. And curl reads no HTTP_PROXY in upper
case, which is for CGI programs only."""
import base64
import os
import subprocess
import unittest

from certificates import Authority
from corporate_proxy import CorporateProxy
from proxy_case import CHAT, KEY, Proxy
from upstream import Upstream

NAMES = ("api.corp.test", "deep.direct.test", "direct.test", "notdirect.test")
HOSTS = (*NAMES, "10.9.1.1", "10.10.1.1")


class ProxyCase(Proxy):
    variables = {}      # with {secure}, {plain}: the proxies' addresses
    proxy_tls = False
    settings = {"ALLOW_INSECURE_UPSTREAM": "true", "UPSTREAM_CONNECT_TIMEOUT": "300ms"}

    @classmethod
    def setUpClass(cls):
        if cls is ProxyCase:
            raise unittest.SkipTest("only what is derived from it")
        cls.authority = Authority(cls.class_folder())
        cls.authority.certificate("far", ",".join(f"DNS:{name}" for name in NAMES) + ",IP:10.9.1.1,IP:10.10.1.1,IP:127.0.0.1,DNS:localhost")
        cls.authority.certificate("near", "IP:127.0.0.1")
        cls.far_tls = cls.enterClassContext(Upstream(cls.authority.server_context("far")))
        cls.far_plain = cls.enterClassContext(Upstream())
        near = cls.authority.server_context("near") if cls.proxy_tls else None
        cls.secure, cls.plain = (cls.enterClassContext(CorporateProxy(cls.far_plain.port, cls.far_tls.port, near)) for _ in range(2))
        scheme = "https" if cls.proxy_tls else "http"
        places = {name: f"{scheme}://us%40er:secret@127.0.0.1:{proxy.port}" for name, proxy in (("secure", cls.secure), ("plain", cls.plain))}
        cls.variables = {name: value.format(**places) for name, value in cls.variables.items()}
        cls.settings = cls.settings | cls.variables | {"SSL_CERT_FILE": str(cls.authority.file)}
        super().setUpClass()

    def seen(self):
        """(which proxy, method, target, credential) of each request."""
        return [(name, method, target, headers.get("proxy-authorization")) for name, proxy in (("secure", self.secure), ("plain", self.plain))
                for method, target, headers in proxy.take()]

    def ours(self, base_url):
        project = self.new_project(providers=[{"provider": "openai", "api_key": KEY, "base_url": base_url}])["id"]
        self.seen()
        status = self.ask("/v1/models", token=self.new_token(project_id=project)["token"]).status
        return status, self.seen()

    def of_curl(self, url):
        environment = {"PATH": os.environ["PATH"]} | self.variables
        subprocess.run(["curl", "-s", "-o", "/dev/null", "--connect-timeout", "0.3", "--cacert", str(self.authority.file), "--proxy-cacert", str(self.authority.file), url],
                       env=environment, check=False)
        return self.seen()

    def as_curl(self):
        for scheme in ("https", "http"):
            for host in HOSTS:
                with self.subTest(scheme + "://" + host):
                    status, seen = self.ours(f"{scheme}://{host}/v1")
                    self.assertEqual(seen, self.of_curl(f"{scheme}://{host}/v1/models"))
                    self.assertTrue(status == 200 or not seen, status)

    def loopback_is_reached_directly(self):
        for base_url in (f"http://127.0.0.1:{self.far_plain.port}", f"http://localhost:{self.far_plain.port}", f"https://localhost:{self.far_tls.port}",
                         f"https://127.0.0.1:{self.far_tls.port}"):
            with self.subTest(base_url):
                self.assertEqual(self.ours(base_url), (200, []))


class OfTheScheme(ProxyCase):
    variables = {"HTTPS_PROXY": "{secure}", "http_proxy": "{plain}", "NO_PROXY": ".direct.test, 10.9.0.0/16"}

    def test_as_curl(self):
        self.as_curl()

    def test_loopback_is_reached_directly(self):
        self.loopback_is_reached_directly()

    def test_what_the_proxy_sees(self):
        """Of https:// the name alone; neither the key nor the prompt. Its own credential reaches it and nobody else."""
        basic = "Basic " + base64.b64encode(b"us@er:secret").decode()
        self.assertEqual(self.ours("https://api.corp.test:8443/v1")[1], [("secure", "CONNECT", "api.corp.test:8443", basic)])
        self.assertEqual(self.ours("http://api.corp.test:11434/v1")[1], [("plain", "GET", "http://api.corp.test:11434/v1/models", basic)])
        self.assertEqual(self.far_plain.requests[-1].header("host"), "api.corp.test:11434")
        for upstream in (self.far_plain, self.far_tls):
            self.assertIsNone(upstream.requests[-1].header("proxy-authorization"))
            self.assertEqual(upstream.requests[-1].header("authorization"), "Bearer " + KEY)

    def test_bodies_and_streams_go_through(self):
        for scheme in ("https", "http"):
            project = self.new_project(providers=[{"provider": "openai", "api_key": KEY, "base_url": f"{scheme}://api.corp.test/v1"}])["id"]
            token = self.new_token(project_id=project)["token"]
            for body in (CHAT, CHAT | {"stream": True}):
                for _ in range(2):  # on a kept connection, too
                    answer = self.ask(body=body, token=token)
                    self.assertEqual((answer.status, answer.whole), (200, True), scheme)

    def test_the_check_of_a_provider_goes_the_same_way(self):
        for scheme in ("https", "http"):
            self.seen()
            status, answer = self.manage("POST", "/manage/providers/check", {"provider": "openai", "api_key": KEY, "base_url": f"{scheme}://api.corp.test/v1"})
            self.assertEqual((status, answer["reason"]), (200, "ok"), answer)
            self.assertEqual(self.seen(), self.of_curl(f"{scheme}://api.corp.test/v1/models"))

    def test_the_proxys_password_is_not_shown(self):
        for path in ("/manage/settings", "/manage/doctor"):
            status, answer = self.manage("GET", path)
            self.assertEqual(status, 200)
            self.assertNotIn("secret@", str(answer))
        self.assertNotIn("secret@", (self.cwd / "log").read_text())


class InLowerCase(ProxyCase):
    """Lower case goes before upper case, which names the other proxy here."""
    variables = {"https_proxy": "{secure}", "http_proxy": "{plain}", "HTTPS_PROXY": "{plain}", "no_proxy": "direct.test,10.9.1.1", "NO_PROXY": "*"}

    def test_as_curl(self):
        self.as_curl()


class ForAll(ProxyCase):
    variables = {"ALL_PROXY": "{secure}", "NO_PROXY": "*.direct.test,direct.test.,10.10.1"}

    def test_as_curl(self):
        self.as_curl()

    def test_loopback_is_reached_directly(self):
        self.loopback_is_reached_directly()


class OfOneSchemeOnly(ProxyCase):
    """A proxy for https:// reads nothing of what goes to http://."""
    variables = {"HTTPS_PROXY": "{secure}", "NO_PROXY": ""}

    def test_as_curl(self):
        self.as_curl()


class OverTls(ProxyCase):
    """The way to the proxy is TLS, too: two certificates are verified."""
    proxy_tls = True
    variables = {"HTTPS_PROXY": "{secure}", "http_proxy": "{plain}", "NO_PROXY": "direct.test"}

    def test_as_curl(self):
        self.as_curl()


class InUpperCase(ProxyCase):
    variables = {"HTTPS_PROXY": "{secure}", "HTTP_PROXY": "{plain}"}

    def test_http_has_its_own(self):
        self.assertEqual([one[:3] for one in self.ours("http://api.corp.test/v1")[1]], [("plain", "GET", "http://api.corp.test/v1/models")])
        self.assertEqual([one[:3] for one in self.ours("https://api.corp.test/v1")[1]], [("secure", "CONNECT", "api.corp.test:443")])


if __name__ == "__main__":
    unittest.main()
