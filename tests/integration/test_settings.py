#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Settings that are saved through the management API and used by the next start; and providers that are asked whether
they take a key, before it is saved."""
import http.client
import json
import socket
import stat
import threading
import time
import unittest

from audited_proxy import not_applied
from certificates import Authority
from cli_case import free_port
from disk_case import DiskCase
from proxy_case import KEY, MANAGEMENT, Proxy, until
from upstream import Upstream


class Saved(Proxy):
    settings = {"MAX_TARGET_SIZE": "4KiB"}

    @property
    def file(self):
        return self.data / "settings.env"

    def one(self, name, answer=None):
        if answer is None:
            status, answer = self.manage("GET", "/manage/settings")
            self.assertEqual(status, 200, answer)
        return next(item for item in answer["items"] if item["name"] == name)

    def save(self, check_only=False, **changes):
        body = {"changes": [{"name": name, "value": value} for name, value in changes.items()]}
        return self.manage("PATCH", "/manage/settings", body | ({"check_only": True} if check_only else {}), local=True)

    def restart(self):
        type(self).end()
        type(self).start()

    def test_a_saved_value_is_used_by_the_next_start(self):
        self.assertEqual(self.one("MAX_HEADER_COUNT")["value"], "100")
        since = self.last_seq()
        status, answer = self.save(MAX_HEADER_COUNT="30", NO_PROXY="a.example, \"b\" #c")
        self.assertEqual(status, 200, answer)
        one = self.one("MAX_HEADER_COUNT", answer)
        self.assertEqual((one["value"], one["saved"], one["origin"], one["needs_restart"], one["group"]), ("100", "30", "default", True, "Limits"))
        self.assertTrue(answer["restart_needed"])
        self.assertIsNone(one["why_not_saved"])
        self.assertIn("secrets", self.one("SECRETS_DIR", answer)["why_not_saved"])
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertFalse((self.data / "settings.env.new").exists())
        event = self.events("config.update", since)[-1]
        self.assertEqual((event["result"], event["details"]["changed"]), ("success", "MAX_HEADER_COUNT,NO_PROXY"))
        self.assertNotIn("a.example", json.dumps(event))
        headers = [(f"X-A{i}", "1") for i in range(40)]
        self.assertEqual(self.manage("GET", "/manage/overview", headers=headers)[0], 200)
        self.restart()
        self.assertEqual(self.manage("GET", "/manage/overview", headers=headers)[0], 431)
        _, answer = self.manage("GET", "/manage/settings")
        one = self.one("MAX_HEADER_COUNT", answer)
        self.assertEqual((one["value"], one["origin"], one["is_set"], answer["restart_needed"]), ("30", "saved", True, False))
        self.assertEqual(self.one("NO_PROXY", answer)["value"], "a.example, \"b\" #c")
        self.assertEqual(self.save(MAX_HEADER_COUNT=None, NO_PROXY=None)[0], 200)
        self.restart()
        self.assertEqual(self.one("MAX_HEADER_COUNT")["origin"], "default")

    def test_commands_use_it_too(self):
        self.assertEqual(self.save(TOKEN_DEFAULT_LIFETIME="1h")[0], 200)
        self.addCleanup(self.save, TOKEN_DEFAULT_LIFETIME=None)
        with self.file.open("a") as file:
            file.write("TOKEN_MAX_LIFETIME=soon\nMANAGEMENT_TOKEN=" + "s" * 40 + "\n")
        errors = self.local("audit", "verify", code=2).stderr
        self.assertIn("TOKEN_MAX_LIFETIME=soon", errors)
        self.assertIn("MANAGEMENT_TOKEN", errors)
        self.assertNotIn("s" * 40, errors)
        status, answer = self.save(TOKEN_MAX_LIFETIME=None)  # the secret is still there
        self.assertEqual((status, answer["error"]["field"]), (400, "MANAGEMENT_TOKEN"))
        self.file.unlink()
        self.local("audit", "verify")

    def test_a_bad_value_is_named_and_nothing_is_saved(self):
        before = self.file.read_bytes() if self.file.exists() else None
        since = self.last_seq()
        for name, value, hint in (("MAX_HEADER_COUNT", "many", "1 to 10000"), ("TRUSTED_PROXIES", "10.0.0x", "10.0.0.0/8"),
                                  ("TLS_CERT_FILE", "/none", "does not exist"), ("MAX_TARGET_SIZE", "huge", "size"), ("DATA_DIR", "/tmp", "saved"),
                                  ("MANAGEMENT_TOKEN", "x" * 40, "secret"), ("ALERT_WEBHOOKS", "https://a.example/x", "secret")):
            with self.subTest(name):
                status, answer = self.save(LOG_MAX_BACKUPS="7", **{name: value})
                self.assertEqual((status, answer["error"]["code"]), (400, "invalid_field"), answer)
                self.assertIn(answer["error"]["field"], (name, "TLS_KEY_FILE"))
                self.assertIn(hint, answer["error"]["message"])
        status, answer = self.save(SURPRISE="1")
        self.assertEqual((status, answer["error"]["field"]), (400, "changes[0].name"))
        self.assertEqual(self.file.read_bytes() if self.file.exists() else None, before)
        self.assertEqual({e["result"] for e in self.events("config.update", since)}, {"failure"})

    def test_trying_writes_nothing(self):
        since = self.last_seq()
        status, answer = self.save(check_only=True, MAX_HEADER_COUNT="many", IP_RATE_LIMIT="5/h")
        self.assertEqual((status, [p["name"] for p in answer["problems"]]), (200, ["MAX_HEADER_COUNT", "IP_RATE_LIMIT"]))
        self.assertEqual(self.save(check_only=True, MAX_HEADER_COUNT="40"), (200, {"problems": []}))
        self.assertEqual(self.save(check_only=True, SURPRISE="1")[0], 400)
        self.assertIsNone(self.one("MAX_HEADER_COUNT")["saved"])
        self.assertEqual(self.events("config.update", since), [])

    def test_another_source_comes_before_it(self):
        status, answer = self.save(MAX_TARGET_SIZE="6KiB")
        self.addCleanup(self.save, MAX_TARGET_SIZE=None)
        one = self.one("MAX_TARGET_SIZE", answer)
        self.assertEqual((status, one["value"], one["saved"], one["origin"]), (200, "4KiB", "6KiB", "environment"))
        self.assertFalse(answer["restart_needed"])

    def test_the_log_level_changes_at_once(self):
        self.addCleanup(self.save, LOG_LEVEL=None)
        status, answer = self.save(LOG_LEVEL="debug")
        one = self.one("LOG_LEVEL", answer)
        self.assertEqual((status, one["value"], one["origin"], one["needs_restart"], answer["restart_needed"]), (200, "debug", "saved", False, False))
        _, doctor = self.manage("GET", "/manage/doctor")
        self.assertEqual(next(i["state"] for i in doctor["items"] if i["id"] == "log_level"), "warn")

    def test_many_at_once(self):
        """Each is saved whole or told to try again; none loses what another saved."""
        names = ("LOG_MAX_BACKUPS", "LOG_MAX_SIZE_MB", "MAX_CONNECTIONS", "ALERT_AUTH_FAILURES")
        self.addCleanup(lambda: self.save(**dict.fromkeys(names)))
        results = {}

        def change(name):
            results[name] = until(lambda: self.save(**{name: "9"})[0] == 200, name)
        threads = [threading.Thread(target=change, args=(name,)) for name in names]
        [t.start() for t in threads], [t.join() for t in threads]
        self.assertEqual(set(results), set(names))
        _, answer = self.manage("GET", "/manage/settings")
        self.assertEqual({self.one(name, answer)["saved"] for name in names}, {"9"})

    def test_secrets_are_not_shown(self):
        _, answer = self.manage("GET", "/manage/settings")
        one = self.one("MANAGEMENT_TOKEN", answer)
        self.assertEqual((one["secret"], one["is_set"], one["value"], one["origin"]), (True, True, None, "environment"))
        self.assertNotIn(MANAGEMENT, json.dumps(answer))
        self.assertFalse(self.one("ENCRYPTION_KEY", answer)["is_set"])
        self.assertEqual(self.one("DATA_DIR", answer)["origin"], "flag")
        self.assertEqual(self.save(HTTPS_PROXY="http://u:p4ssw0rd@127.0.0.1:1")[0], 200)
        self.addCleanup(self.save, HTTPS_PROXY=None)
        self.assertNotIn("p4ssw0rd", json.dumps(self.manage("GET", "/manage/settings")))


class NoEvent(DiskCase):
    """Where the event, or the file, cannot be written, nothing is saved; and no event says that it was."""

    def save(self):
        return self.manage("PATCH", "/manage/settings", {"changes": [{"name": "LOG_MAX_BACKUPS", "value": "7"}]}, local=True)

    def test_nothing_is_saved(self):
        for rule in ("write,sync EIO /audit.log", "sync EIO /llm-proxy.db-wal", "write ENOSPC /settings.env", "sync EIO /settings.env.new"):
            with self.subTest(rule):
                self.fresh()
                self.disk.fails(rule)
                status, answer = self.save()
                self.assertEqual((status, answer["error"]["code"]), (503, "service_unavailable"), answer)
                self.assertEqual(list(self.data.glob("settings.env*")), [])
                self.disk.well()
                until(lambda: self.save()[0] == 200, "settings are saved again")
                self.assertTrue((self.data / "settings.env").exists())

                def one():
                    """An event of a save that was refused is taken back by a later one."""
                    events = self.all_events()
                    lost = not_applied(events)
                    return sum(e["action"] == "config.update" and e["result"] == "success" and e["seq"] not in lost for e in events) == 1
                until(one, "one event says that something was saved")


class Check(Proxy):
    providers = ("openai", "anthropic", "gemini", "ollama")

    @classmethod
    def setUpClass(cls):
        cls.authority = Authority(cls.class_folder())
        cls.authority.certificate("good", "IP:127.0.0.1")
        cls.authority.self_signed("own", "IP:127.0.0.1")
        cls.settings = {"SSL_CERT_FILE": str(cls.authority.file), "DRAIN_TIMEOUT": "1s"}
        super().setUpClass()

    def check(self, provider="openai", url=None, key=KEY, **more):
        body = {"provider": provider, "base_url": url or self.upstream.url} | ({"api_key": key} if key else {}) | more
        status, answer = self.manage("POST", "/manage/providers/check", body)
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer["ok"], answer["reason"] == "ok")
        self.assertNotIn(KEY, json.dumps(answer))
        return answer

    def reason(self, *arguments, **more):
        answer = self.check(*arguments, **more)
        return answer["reason"], answer["status"]

    def last(self):
        return self.upstream.requests[-1]

    def test_a_good_key(self):
        for provider, url, target, name, value in (
                ("openai", "/v1", "/v1/models", "authorization", f"Bearer {KEY}"), ("openai", "", "/v1/models", "authorization", f"Bearer {KEY}"),
                ("anthropic", "", "/v1/models?limit=1000", "x-api-key", KEY), ("azure", "", "/openai/models?api-version=2024-10-21", "api-key", KEY),
                ("vllm", "/api/v4", "/api/v4/models", "authorization", f"Bearer {KEY}")):
            with self.subTest(provider + url):
                answer = self.check(provider, self.upstream.url + url) if provider != "azure" else self.check("azure")
                self.assertEqual((answer["reason"], answer["status"], answer["models"]), ("ok", 200, ["gpt-4o"]), answer)
                self.assertEqual((self.last().method, self.last().target, self.last().header(name)), ("GET", target, value))
        self.assertEqual(self.check("anthropic")["ok"], True)
        self.assertEqual(self.last().header("anthropic-version"), "2023-06-01")

    def test_gemini(self):
        with Answers(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"models":[{"name":"models/gemini-2.5"}]}') as server:
            answer = self.check("gemini", server.url)
            self.assertEqual((answer["reason"], answer["models"]), ("ok", ["gemini-2.5"]))
            self.assertIn(b"GET /v1beta/models?pageSize=1000 HTTP/1.1\r\n", server.seen[0])
            self.assertIn(b"x-goog-api-key: " + KEY.encode(), server.seen[0])
        with Answers(b'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{"error":{"details":[{"reason":"API_KEY_INVALID"}]}}') as server:
            self.assertEqual(self.reason("gemini", server.url), ("key_refused", 400))

    def test_what_else_may_be_answered(self):
        for status, reason in ((401, "key_refused"), (403, "key_refused"), (404, "unexpected_answer"), (429, "unexpected_answer"),
                               (500, "unexpected_answer"), (200, "unexpected_answer")):
            with self.subTest(status), Answers(b"HTTP/1.1 %d X\r\nConnection: close\r\n\r\n<html>%s" % (status, KEY.encode())) as server:
                self.assertEqual(self.reason(url=server.url), (reason, status))
        with Answers(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"[" * (5 << 20)) as server:
            self.assertEqual(self.reason(url=server.url), ("unexpected_answer", None))
        with Answers(b"SSH-2.0-OpenSSH\r\n") as server:
            self.assertIn(self.reason(url=server.url)[0], ("unexpected_answer", "unreachable"))

    def test_a_redirect_is_not_followed(self):
        with Answers(b"HTTP/1.1 307 X\r\nLocation: %s/v1/models\r\nContent-Length: 0\r\n\r\n" % self.upstream.url.encode()) as server:
            before = self.upstream.count()
            self.assertEqual(self.reason(url=server.url), ("unexpected_answer", 307))
            self.assertEqual(self.upstream.count(), before)

    def test_nobody_there(self):
        self.assertEqual(self.reason(url=f"http://127.0.0.1:{free_port()}"), ("unreachable", None))
        self.assertEqual(self.reason(url="https://name.invalid"), ("unreachable", None))

    def test_certificates(self):
        for name, reason in (("good", "ok"), ("own", "certificate")):
            with self.subTest(name), Upstream(self.authority.server_context(name)) as upstream:
                self.assertEqual(self.reason(url=upstream.url + "/v1")[0], reason)
                self.assertEqual(upstream.count(), 1 if reason == "ok" else 0)

    def test_whose_key(self):
        stored = {"provider": "openai", "project_id": self.project_id}
        status, answer = self.manage("POST", "/manage/providers/check", stored)
        self.assertEqual((status, answer["reason"]), (200, "ok"), answer)
        self.assertEqual(self.last().header("authorization"), f"Bearer {KEY}")
        with Answers(b"HTTP/1.1 200 OK\r\n\r\n") as thief:
            status, answer = self.manage("POST", "/manage/providers/check", stored | {"base_url": thief.url})
            self.assertEqual((status, answer["error"]["field"], thief.seen), (400, "base_url", []))
        self.assertEqual(self.reason(key=None), ("key_missing", None))
        self.assertEqual(self.reason("azure", key=None, project_id=self.project_id), ("key_missing", None))
        _, answer = self.manage("POST", "/manage/providers/check", {"provider": "openai", "api_key": "env:NOT_THERE"})
        self.assertEqual((answer["ok"], answer["reason"]), (False, "key_missing"))
        secrets = self.data / "secrets"
        secrets.mkdir(exist_ok=True)
        (secrets / "one").write_text(KEY + "\n")
        # What a reference names leaves for another address only when the machine's own user says so.
        entry = {"provider": "openai", "api_key": f"file:{secrets}/one"}
        with Answers(b"HTTP/1.1 200 OK\r\n\r\n") as thief:
            status, answer = self.manage("POST", "/manage/providers/check", entry | {"base_url": thief.url})
            self.assertEqual((status, answer["error"]["field"], thief.seen), (400, "api_key", []))
        status, made = self.manage("POST", "/manage/projects", entry | {"name": "By reference", "base_url": self.upstream.url}, local=True)
        self.assertEqual(status, 201, made)
        _, answer = self.manage("POST", "/manage/providers/check", {"provider": "openai", "project_id": made["id"]})
        self.assertEqual((answer["reason"], answer["status"]), ("ok", 200))
        self.assertEqual(self.last().header("authorization"), f"Bearer {KEY}")

    def test_the_rest_goes_on_meanwhile(self):
        with Answers(None) as server:
            answers = []
            asking = threading.Thread(target=lambda: answers.append(self.reason(url=server.url)))
            asking.start()
            until(lambda: server.seen, "the provider is asked")
            self.assertEqual(self.manage("GET", "/manage/overview")[0], 200)
            self.assertEqual(self.manage("POST", "/manage/audit/verify", {})[0], 200)
            status, answer = self.manage("POST", "/manage/providers/check", {"provider": "openai", "api_key": KEY})
            self.assertEqual((status, answer["error"]["code"]), (409, "job_running"))
        asking.join(30)
        self.assertEqual(answers[0][1], None)

    def test_an_end_does_not_wait_for_a_provider(self):
        with Answers(None) as server:
            def ask():
                try:
                    self.check(url=server.url)
                except (OSError, http.client.HTTPException):
                    pass  # the server may be gone before it says so
            asking = threading.Thread(target=ask)
            asking.start()
            until(lambda: server.seen, "the provider is asked")
            began = time.monotonic()
            type(self).end()
            self.assertLess(time.monotonic() - began, 10, "the provider would have had 20 seconds")
            asking.join(30)
        type(self).start()

    def test_zz_the_key_is_nowhere(self):
        text = (self.cwd / "log").read_text() + (self.cwd / "errors").read_text() + (self.data / "audit.log").read_text()
        self.assertNotIn(KEY, text)


class Answers:
    """One answer to whoever connects, as bytes; None: silence, until the end."""

    def __init__(self, answer):
        self.answer, self.seen = answer, []

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def serve(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            with link:
                self.seen.append(link.recv(65536))
                try:
                    link.sendall(self.answer) if self.answer is not None else self.ending.wait(25)
                except OSError:
                    pass

    def __exit__(self, *_):
        self.ending.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


if __name__ == "__main__":
    unittest.main()
