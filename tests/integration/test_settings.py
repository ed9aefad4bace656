#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Settings that are saved through the management API and used by the next start."""
import json
import stat
import threading
import unittest

from audited_proxy import not_applied
from disk_case import DiskCase
from proxy_case import MANAGEMENT, Proxy, until


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
        return self.manage("PATCH", "/manage/settings", body | ({"check_only": True} if check_only else {}))

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
                                  ("TLS_CERT_FILE", "/none", "together"), ("MAX_TARGET_SIZE", "huge", "size"), ("DATA_DIR", "/tmp", "saved"),
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
        return self.manage("PATCH", "/manage/settings", {"changes": [{"name": "LOG_MAX_BACKUPS", "value": "7"}]})

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


if __name__ == "__main__":
    unittest.main()
