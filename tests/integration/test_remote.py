#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What a management credential cannot do, whatever the way in: send a stored key or what a reference names elsewhere, loosen the
settings of the machine, remove the young past. The machine's own user can, over the control socket."""
import json
import sqlite3
import unittest

from proxy_case import CHAT, KEY, MANAGEMENT, Proxy, until
from upstream import Upstream

OTHER = "the-secret-of-another-program"


class Keys(Proxy):
    providers = ("openai",)
    settings = {"OTHER_SECRET": OTHER, "AUDIT_RETENTION": "30d"}

    @classmethod
    def setUpClass(cls):
        cls.thief = cls.enterClassContext(Upstream())
        super().setUpClass()

    def restart(self, change=None):
        type(self).end()
        if change:
            database = sqlite3.connect(self.data / "llm-proxy.db")
            with database:
                change(database)
            database.close()
        type(self).start()

    def stolen(self):
        return list(self.thief.requests)

    def project(self, **fields):
        project = self.new_project(**fields)
        return project["id"], self.new_token(project_id=project["id"])["token"]

    def own(self, **more):
        return self.project(providers=[{"provider": "openai", "api_key": KEY, "base_url": self.upstream.url + "/v1"} | more])

    def test_another_base_url_needs_the_key_again(self):
        project, token = self.own()
        status, answer = self.manage("PATCH", f"/manage/projects/{project}", {"base_url": self.thief.url + "/v1"})
        self.assertEqual((status, answer["error"]["field"]), (400, "api_key"), answer)
        self.assertEqual(self.ask(body=CHAT, token=token).status, 200)
        self.assertEqual(self.stolen(), [])
        status, _ = self.manage("PATCH", f"/manage/projects/{project}", {"base_url": self.thief.url + "/v1"}, local=True)
        self.assertEqual(status, 200)
        self.assertEqual(self.ask(body=CHAT, token=token).status, 200)
        self.assertEqual(len(self.thief.requests), 1)
        self.thief.requests.clear()

    def test_the_command_line_says_which_option(self):
        project, _ = self.own()
        server = ("--url", f"http://127.0.0.1:{self.port}")
        env = {"MANAGEMENT_TOKEN": MANAGEMENT}
        refused = self.cli("project", "update", project, "--base-url", self.thief.url, *server, env=env, code=2)
        self.assertIn("--key-stdin", refused.stderr)
        self.assertIn("given for", refused.stderr)
        self.cli("project", "update", project, "--base-url", self.upstream.url + "/v2", "--key-stdin", *server, env=env, stdin=KEY)
        self.local("project", "update", project, "--base-url", self.thief.url)  # on the machine itself

    def test_no_reference_is_sent_to_a_strangers_address(self):
        for body in ({"api_key": "env:OTHER_SECRET", "base_url": self.thief.url},
                     {"providers": [{"provider": "openai", "api_key": "env:OTHER_SECRET", "base_url": self.thief.url}]}):
            status, answer = self.manage("POST", "/manage/projects", {"name": "x"} | body)
            self.assertEqual((status, answer["error"]["code"]), (400, "invalid_field"), answer)
            self.assertTrue(answer["error"]["field"].endswith("api_key"))
            self.assertIn("REFERENCE_ORIGINS", answer["error"]["message"])
        status, answer = self.manage("POST", "/manage/providers/check", {"provider": "openai", "api_key": "env:OTHER_SECRET", "base_url": self.thief.url})
        self.assertEqual((status, answer["error"]["field"]), (400, "api_key"))
        self.assertEqual(self.stolen(), [])

    def test_a_row_that_was_edited_sends_no_key(self):
        project, token = self.own()
        local = {"name": "by reference", "providers": [{"provider": "openai", "api_key": "env:OTHER_SECRET", "base_url": self.upstream.url + "/v1"}]}
        _, referring = self.manage("POST", "/manage/projects", local, local=True)
        second = self.new_token(project_id=referring["id"])["token"]
        self.assertEqual([self.ask(body=CHAT, token=t).status for t in (token, second)], [200, 200])
        before = dict(sqlite3.connect(self.data / "llm-proxy.db").execute("SELECT project_id, base_url FROM project_providers"))
        self.restart(lambda db: db.execute("UPDATE project_providers SET base_url = ?", (self.thief.url + "/v1",)))
        for one in (token, second):
            refused = self.ask(body=CHAT, token=one)
            self.assertEqual((refused.status, json.loads(refused.body)["error"]["code"]), (503, "service_unavailable"))
        self.assertEqual(self.stolen(), [])
        self.assertEqual(self.events()[-1]["details"]["reason"], "provider_key_unusable")
        _, shown = self.manage("GET", f"/manage/projects/{project}")
        self.assertTrue(shown["providers"][0]["needs_key"])
        self.restart(lambda db: [db.execute("UPDATE project_providers SET base_url = ? WHERE project_id = ?", (u, p)) for p, u in before.items()])
        self.assertEqual([self.ask(body=CHAT, token=t).status for t in (token, second)], [200, 200])
        # A binding that is missing is none of before.
        self.restart(lambda db: db.execute("UPDATE project_providers SET sealed_url = ''"))
        self.assertEqual([self.ask(body=CHAT, token=t).status for t in (token, second)], [503, 503])
        self.assertEqual(self.stolen(), [])
        self.restart(lambda db: db.execute("DELETE FROM project_providers WHERE project_id = ?", (referring["id"],)))
        self.assertEqual(self.manage("PATCH", f"/manage/projects/{self.project_id}", {"base_url": self.upstream.url + "/v1", "api_key": KEY})[0], 200)

    def test_the_past_stays(self):
        since = self.last_seq()
        status, answer = self.manage("POST", "/manage/audit/cleanup", {"older_than": "1ms"})
        self.assertEqual((status, answer["error"]["code"], answer["error"]["field"]), (403, "local_only", "older_than"))
        self.assertEqual(self.events("audit.cleanup", since)[-1]["result"], "failure")
        self.assertEqual(self.manage("POST", "/manage/audit/cleanup", {"older_than": "30d"})[1]["rows"], 0)
        status, cleaned = self.manage("POST", "/manage/audit/cleanup", {"older_than": "1ms"}, local=True)
        self.assertEqual(status, 200)
        self.assertGreater(cleaned["to_seq"], 1)
        status, report = self.manage("POST", "/manage/audit/verify", {})
        self.assertTrue(report["valid"], report)

    def test_what_opens_the_machine_is_not_changed_from_afar(self):
        shell = self.cwd / "profile"
        shell.write_text("# mine\n")
        for name, value in (("AUDIT_LOG_FILE", str(shell)), ("LOG_FILE", str(shell)), ("AUDIT_RETENTION", "1ms"), ("TRUSTED_PROXIES", "0.0.0.0/0"),
                            ("ALLOWED_HOSTS", "*"), ("AUDIT_ON_ERROR", "log"), ("REFERENCE_ORIGINS", self.thief.url), ("API_CONFIG_PATH", str(shell))):
            with self.subTest(name):
                status, answer = self.manage("PATCH", "/manage/settings", {"changes": [{"name": name, "value": value}]})
                self.assertEqual((status, answer["error"]["code"], answer["error"]["field"]), (403, "local_only", name), answer)
                self.assertIn("on the machine itself", answer["error"]["message"])
        self.assertFalse((self.data / "settings.env").exists())
        _, answer = self.manage("GET", "/manage/settings")
        self.assertEqual({i["name"]: i["may_change"] for i in answer["items"] if i["name"] in ("ALLOWED_HOSTS", "LOG_LEVEL", "MAX_CONNECTIONS", "AUDIT_RETENTION")},
                         {"ALLOWED_HOSTS": "no", "LOG_LEVEL": "yes", "MAX_CONNECTIONS": "lower", "AUDIT_RETENTION": "raise"})
        _, answer = self.manage("GET", "/manage/settings", local=True)
        self.assertEqual(next(i for i in answer["items"] if i["name"] == "ALLOWED_HOSTS")["may_change"], "yes")


class Gateway(Proxy):
    providers = ("openai",)

    @classmethod
    def setUpClass(cls):
        cls.gateway = cls.enterClassContext(Upstream())
        cls.settings = {"OTHER_SECRET": OTHER, "REFERENCE_ORIGINS": f"https://llm.example, {cls.gateway.url}"}
        super().setUpClass()

    def test_a_reference_goes_where_the_setting_says(self):
        status, project = self.manage("POST", "/manage/projects", {"name": "x", "api_key": "env:OTHER_SECRET", "base_url": self.gateway.url + "/v1"})
        self.assertEqual(status, 201, project)
        self.assertEqual(self.ask(body=CHAT, token=self.new_token(project_id=project["id"])["token"]).status, 200)
        self.assertEqual(dict(self.gateway.requests[-1].headers)["Authorization"], f"Bearer {OTHER}")


class Hidden(Proxy):
    """A saved setting that is invalid, and hidden by the environment."""
    settings = {"MAX_HEADER_COUNT": "90"}

    def test_is_not_saved_and_is_told(self):
        status, answer = self.manage("PATCH", "/manage/settings", {"changes": [{"name": "MAX_HEADER_COUNT", "value": "many"}]}, local=True)
        self.assertEqual((status, answer["error"]["field"]), (400, "MAX_HEADER_COUNT"))
        status, answer = self.manage("PATCH", "/manage/settings", {"changes": [{"name": "TLS_CERT_FILE", "value": "/none"}]}, local=True)
        self.assertEqual(status, 400)
        type(self).end()
        (self.data / "settings.env").write_text("MAX_HEADER_COUNT=many\n")
        (self.data / "settings.env").chmod(0o600)
        type(self).start()  # it starts
        lines = [json.loads(line) for line in (self.cwd / "log").read_text().splitlines() if line.startswith("{")]
        self.assertEqual([line["setting"] for line in lines if "only hidden" in line.get("msg", line.get("message", ""))], ["MAX_HEADER_COUNT"])
        self.assertEqual(self.manage("PATCH", "/manage/settings", {"changes": [{"name": "LOG_LEVEL", "value": "debug"}]})[0], 200)


class Short(Proxy):
    settings = {"AUDIT_RETENTION": "2s"}

    def test_a_short_retention_is_kept(self):
        """Not an hour later."""
        first = self.events(None)[0]["seq"]

        def gone():
            self.ask(body=CHAT)
            database = sqlite3.connect(f"file:{self.data / 'llm-proxy.db'}?mode=ro", uri=True)
            try:
                return database.execute("SELECT min(seq) FROM audit_events").fetchone()[0] > first
            finally:
                database.close()
        until(gone, "old rows go", pause=0.1)
        self.assertTrue(self.manage("POST", "/manage/audit/verify", {})[1]["valid"])


if __name__ == "__main__":
    unittest.main()
