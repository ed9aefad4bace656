#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Credentials as people and tools hand them over: in quotation marks, with a line end, as a whole line of a .env file. They are
understood or refused by the name of their field or variable, and never repeated."""
import json
import unittest

from cli_case import KEY, Cli
from proxy_case import CHAT, MANAGEMENT, Proxy

UNDERSTOOD = ('"{}"', "'{}'", "{}\n", "{}\r\n", " {} ", '"{}"\n', "\ufeff{}\n")
REFUSED = ("OPENAI_API_KEY={}", "export OPENAI_API_KEY={}", "OPENAI_API_KEY=\"{}\"\n", "Bearer {}", '"{}', "{}'", "{}\nx")


class ManagementToken(Cli):
    def refused(self, name, **env):
        done = self.cli("--serve", "--data-dir", "refused", "--listen-addr", "127.0.0.1:0", env=env, code=2)
        self.assertIn(name + "=", done.stderr)
        self.assertNotIn(MANAGEMENT, done.stderr)
        self.assertFalse((self.cwd / "refused").exists())

    def served(self, **env):
        process, said = self.serve("--data-dir", "data", "--listen-addr", "127.0.0.1:0", env=env)
        line = next(line for line in said.splitlines() if "listening" in line)
        url = "http://" + json.loads(line)["address"]
        self.cli("project", "list", "--url", url, env={"MANAGEMENT_TOKEN": MANAGEMENT})
        self.cli("project", "list", "--url", url, env=env)
        process.terminate()
        process.wait(30)

    def test_understood_or_refused_by_name(self):
        for form in UNDERSTOOD:
            with self.subTest(form=form):
                self.served(MANAGEMENT_TOKEN=form.format(MANAGEMENT))
        for form in ("MANAGEMENT_TOKEN={}", *REFUSED):
            with self.subTest(form=form):
                self.refused("MANAGEMENT_TOKEN", MANAGEMENT_TOKEN=form.format(MANAGEMENT))

    def test_from_a_file(self):
        file = self.cwd / "token"
        file.write_text(f'"{MANAGEMENT}"\n')
        self.served(MANAGEMENT_TOKEN_FILE=str(file))
        (self.cwd / ".env").write_text("MANAGEMENT_TOKEN_FILE=token\n")
        (self.cwd / ".env").chmod(0o600)
        self.served()
        added = json.loads(self.cli("setup", "--non-interactive", "--json").stdout)["added"]
        self.assertNotIn("MANAGEMENT_TOKEN", added)
        (self.cwd / ".env").unlink()
        file.write_text(f"MANAGEMENT_TOKEN={MANAGEMENT}\n")
        self.refused("MANAGEMENT_TOKEN_FILE", MANAGEMENT_TOKEN_FILE=str(file))
        file.write_text("")
        self.refused("MANAGEMENT_TOKEN_FILE", MANAGEMENT_TOKEN_FILE=str(file))
        self.refused("MANAGEMENT_TOKEN_FILE", MANAGEMENT_TOKEN_FILE=str(self.cwd / "none"))
        self.refused("MANAGEMENT_TOKEN_FILE", MANAGEMENT_TOKEN_FILE="/dev/tty")
        self.refused("MANAGEMENT_TOKEN_FILE", MANAGEMENT_TOKEN_FILE=str(file), MANAGEMENT_TOKEN=MANAGEMENT)
        file.write_text(MANAGEMENT)
        file.chmod(0o666)
        self.refused("MANAGEMENT_TOKEN_FILE", MANAGEMENT_TOKEN_FILE=str(file))


class ProviderKeys(Proxy):
    settings = {f"UNDERSTOOD_{n}": form.format(KEY) for n, form in enumerate(UNDERSTOOD)} | {f"REFUSED_{n}": form.format(KEY) for n, form in enumerate(REFUSED)}

    def body(self, key):
        return {"name": "A", "providers": [{"provider": "openai", "api_key": key, "base_url": self.upstream.url + "/v1"}]}

    def is_understood(self, key):
        status, project = self.manage("POST", "/manage/projects", self.body(key), local=True)
        self.assertEqual(status, 201, project)
        self.assertEqual(self.ask(body=CHAT, token=self.new_token(project_id=project["id"])["token"]).status, 200)
        self.assertEqual(self.upstream.requests[-1].header("authorization"), f"Bearer {KEY}")

    def is_refused(self, key, *named):
        status, answer = self.manage("POST", "/manage/projects", self.body(key), local=True)
        self.assertEqual((status, answer.get("error", {}).get("field")), (400, "providers[0].api_key"), answer)
        for name in named:
            self.assertIn(name, answer["error"]["message"])
        self.assertNotIn(KEY, str(answer))

    def test_given_to_the_api(self):
        for form in UNDERSTOOD:
            with self.subTest(form=form):
                self.is_understood(form.format(KEY))
        for form in REFUSED:
            with self.subTest(form=form):
                self.is_refused(form.format(KEY))

    def test_in_a_variable(self):
        for number, form in enumerate(UNDERSTOOD):
            with self.subTest(form=form):
                self.is_understood(f"env:UNDERSTOOD_{number}")
        for number, form in enumerate(REFUSED):
            with self.subTest(form=form):
                self.is_refused(f"env:REFUSED_{number}", f"env:REFUSED_{number}")

    def test_in_a_file(self):
        folder = self.data / "secrets"
        folder.mkdir(mode=0o700, exist_ok=True)
        for number, form in enumerate(UNDERSTOOD):
            with self.subTest(form=form):
                (folder / f"good-{number}").write_text(form.format(KEY), newline="")
                self.is_understood(f"file:{folder}/good-{number}")
        for number, form in enumerate(REFUSED):
            with self.subTest(form=form):
                (folder / f"bad-{number}").write_text(form.format(KEY), newline="")
                self.is_refused(f"file:{folder}/bad-{number}", f"bad-{number}")
                status, answer = self.manage("POST", "/manage/providers/check", {"provider": "openai", "api_key": f"file:{folder}/bad-{number}"}, local=True)
                self.assertEqual((status, answer["ok"], f"bad-{number}" in answer["message"]), (200, False, True), answer)
                (folder / f"bad-{number}").write_text(KEY)
                self.is_understood(f"file:{folder}/bad-{number}")  # fixed, at once


class StandardInput(Cli):
    def test_a_key_on_standard_input(self):
        plain = self.project(key=KEY)["providers"][0]["api_key_masked"]
        for form in UNDERSTOOD:
            with self.subTest(form=form):
                self.assertEqual(self.project(key=form.format(KEY))["providers"][0]["api_key_masked"], plain)
        for form in REFUSED:
            with self.subTest(form=form):
                done = self.local("project", "create", "--name", "A", "--key-stdin", stdin=form.format(KEY), code=2)
                self.assertIn("provider key", done.stderr)
                self.assertNotIn(KEY, done.stderr)


if __name__ == "__main__":
    unittest.main()
