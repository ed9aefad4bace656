#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Where requests go: Azure, Gemini's uploads, Bedrock and Vertex byte for byte, and servers whose paths have no version."""
import json
import sqlite3
import subprocess
import unittest

from cli_case import BIN
from proxy_case import CHAT, KEY, Proxy
from upstream import Upstream

ARN = "/model/arn:aws:bedrock:us-east-1:123:inference-profile%2Fus.anthropic.claude/invoke"
CODED_ARN = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123%3Ainference-profile%2Fus.anthropic.claude/invoke"
SONNET = "/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse-stream"
CONVERSE = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
VERTEX = "/v1/projects/P/locations/L/publishers/google/models/gemini-2.5-pro:streamGenerateContent"


class PathCase(Proxy):
    def token_for(self, *providers, **limits):
        """A token of a project with these (provider, base URL behind the upstream's address) pairs."""
        entries = [{"provider": p, "api_key": KEY, "base_url": self.upstream.url + rest} for p, rest in providers]
        return self.new_token(project_id=self.new_project(providers=entries)["id"], **limits)["token"]

    def seen(self, path, token, body=CHAT, method=None, headers=()):
        """The request as the provider saw it; else our error code."""
        before = self.upstream.count()
        answer = self.ask(path, body, method, token=token, headers=headers)
        if answer.header("x-llm-proxy-error"):
            self.assertEqual(self.upstream.count(), before, path)
            return answer.header("x-llm-proxy-error")
        self.assertEqual(answer.status, 200, (path, answer.body))
        return self.upstream.requests[before]

    def target(self, *arguments, **more):
        seen = self.seen(*arguments, **more)
        return seen if isinstance(seen, str) else seen.target


class Azure(PathCase):
    def test_all_of_openai_is_azures(self):
        token = self.token_for(("azure", ""), ("anthropic", ""))
        for path in ("/openai/deployments/d/chat/completions?api-version=1", "/openai/v1/chat/completions", "/openai/v1/responses", "/openai/responses?api-version=preview",
                     "/openai/models?api-version=1", "/openai/files?api-version=1", "/openai/batches?api-version=1", "/openai/assistants?api-version=1", "/openai/threads/t1/runs?a=%20",
                     "/openai/deployments/my%20one/embeddings", "/openai/fine_tuning/jobs"):
            seen = self.seen(path, token)
            self.assertEqual((seen.target, seen.header("api-key"), seen.header("authorization")), (path, KEY, None))
        for path, target in (("/azure/openai/v1/responses", "/openai/v1/responses"), ("/azure/v1/chat/completions", "/openai/v1/chat/completions"),
                             ("/azure/deployments/d/chat/completions", "/openai/deployments/d/chat/completions")):
            self.assertEqual(self.target(path, token), target)
        self.assertEqual(self.target("/v1/messages", token), "/v1/messages") # Anthropic's

    def test_with_openai_only_deployments_are(self):
        token = self.token_for(("openai", "/v1"), ("azure", ""))
        self.assertEqual(self.seen("/openai/deployments/d/chat/completions", token).header("api-key"), KEY)
        seen = self.seen("/openai/v1/chat/completions", token)
        self.assertEqual((seen.target, seen.header("api-key")), ("/v1/chat/completions", None))
        self.assertEqual(self.seen("/azure/openai/v1/chat/completions", token).header("api-key"), KEY)

    def test_without_azure_nobody_serves_them(self):
        token = self.token_for(("anthropic", ""))
        for path in ("/openai/deployments/d/chat/completions", "/openai/v1/models", "/openai/responses"):
            self.assertEqual(self.target(path, token), "endpoint_not_found")

    def test_of_one_provider_everything(self):
        token = self.token_for(("azure", ""))
        self.assertEqual(self.target("/v1/chat/completions", token), "/openai/v1/chat/completions")

    def test_the_query_of_the_base_url(self):
        for base in ("/?api-version=2024-10-21", "/openai/deployments/NAME/chat/completions?api-version=2024-10-21", "/openai/v1?api-version=2024-10-21"):
            token = self.token_for(("azure", base))
            for path, target in (("/openai/deployments/d/chat/completions", "?api-version=2024-10-21"),
                                 ("/openai/deployments/d/chat/completions?api-version=2025-01-01", "?api-version=2025-01-01"),
                                 ("/openai/deployments/d/chat/completions?Api-Version=x", "?Api-Version=x"),
                                 ("/openai/deployments/d/chat/completions?a=%2f+b&&c;d", "?a=%2f+b&&c;d&api-version=2024-10-21")):
                self.assertEqual(self.target(path, token), "/openai/deployments/d/chat/completions" + target)
            self.assertEqual(self.target(f"/openai/models?key={token}", token, body=b""), "/openai/models?api-version=2024-10-21")

    def test_models_are_judged(self):
        token = self.token_for(("azure", ""), allowed_models=["good"])
        self.assertEqual(self.target("/openai/deployments/good/chat/completions", token), "/openai/deployments/good/chat/completions")
        for path, body in (("/openai/deployments/bad/chat/completions", CHAT), ("/openai/v1/chat/completions", CHAT), ("/openai/deployments/good%2f..%2fbad/chat/completions", CHAT)):
            self.assertIn(self.target(path, token, body=body), ("model_not_allowed", "bad_request"))
        self.assertEqual(self.target("/openai/v1/chat/completions", token, body=CHAT | {"model": "good"}), "/openai/v1/chat/completions")
        self.assertEqual(self.target("/openai/batches", token, body={"model": "good"}), "model_not_allowed")


class Google(PathCase):
    def test_uploads(self):
        for base in ("", "/v1beta"):
            token = self.token_for(("openai", "/v1"), ("gemini", base))
            for path, target in (("/upload/v1beta/files?uploadType=resumable", "/upload/v1beta/files?uploadType=resumable"), ("/gemini/upload/v1beta/files", "/upload/v1beta/files"),
                                 ("/upload/v1beta/fileSearchStores/s:uploadToFileSearchStore", "/upload/v1beta/fileSearchStores/s:uploadToFileSearchStore")):
                seen = self.seen(path, token)
                self.assertEqual((seen.target, seen.header("x-goog-api-key")), (target, KEY))
        refused = self.ask("/upload/v1beta/files", CHAT, token=self.token_for(("openai", "/v1")))
        self.assertEqual((refused.status, json.loads(refused.body)["error"]["status"]), (404, "NOT_FOUND"))
        self.assertEqual(self.target("/upload/v2/files", self.token_for(("gemini", ""))), "endpoint_not_found")

    def test_vertex(self):
        token = self.token_for(("gemini", ""))
        for path in (VERTEX, VERTEX + "?alt=sse", "/v1/projects/P/locations/L/endpoints/openapi/chat/completions", "/v1/projects/P%3A1/locations/L/publishers/google/models/a%40b:predict",
                     "/v1/projects/P/locations/L/publishers/anthropic/models/claude-sonnet-4%40x:rawPredict"):
            self.assertEqual(self.target(path, token), path)
            self.assertEqual(self.target("/gemini" + path, token), path)

    def test_vertex_with_rules(self):
        token = self.token_for(("gemini", ""), allowed_models=["gemini-2.5-*"])
        for path in (VERTEX, VERTEX.replace("2.5", "2%2E5")):
            self.assertEqual(self.target(path, token), path)
        for model in ("gemini-1", "gemini-2.5-pro%2F..%2Fgemini-1", "%67emini-1", "x%2Fgemini-2.5-pro", "x%252Fgemini-2.5-pro", "x%c0%afgemini-2.5-pro", "gemini-2.5-pro%2f%2e%2e%2fx"):
            path = VERTEX.replace("gemini-2.5-pro", model)
            self.assertIn(self.target(path, token), ("model_not_allowed", "bad_request"), path)
        self.assertEqual(self.target("/v1/projects/P/locations/L/endpoints/openapi/chat/completions", token), "model_not_allowed")
        self.assertEqual(self.target("/v1/projects/P/locations/L/endpoints/openapi/chat/completions", token, body=CHAT | {"model": "gemini-2.5-pro"}),
                         "/v1/projects/P/locations/L/endpoints/openapi/chat/completions")


class Bedrock(PathCase):
    def test_byte_for_byte(self):
        for providers in ((("bedrock", ""),), (("openai", "/v1"), ("bedrock", ""))):
            token = self.token_for(*providers)
            for path in (ARN, CODED_ARN, SONNET, "/model/a%2fB%2F%3a%3A/invoke-with-response-stream", "/model/a.b-v1:0/converse?x=%2F", "/model/%C3%A4/invoke", "/model/x%252Fy/invoke"):
                seen = self.seen(path, token, CONVERSE)
                self.assertEqual((seen.target, seen.header("authorization")), (path, "Bearer " + KEY))
                self.assertEqual(self.target("/bedrock" + path, token, CONVERSE), path)
        self.assertEqual(self.target(ARN, self.token_for(("openai", "/v1")), CONVERSE), "endpoint_not_found")

    def test_dots_are_always_refused(self):
        token = self.token_for(("bedrock", ""))
        for model in ("..", ".", "%2e%2e", "a%2F..%2Fb", "a%2f%2e%2e%2fb", "a%252F..%252Fb", "%252e%252e", "%c0%ae%c0%ae", "a%5c..%5cb", "a%00b"):
            self.assertEqual(self.target(f"/model/{model}/invoke", token, CONVERSE), "bad_request", model)

    def test_models_are_judged_as_every_server_reads_them(self):
        token = self.token_for(("bedrock", ""), allowed_models=["anthropic.claude-3-5-sonnet-20241022-v2:0", "arn:aws:bedrock:us-east-1:123:inference-profile/us.anthropic.claude"])
        for path in (ARN, CODED_ARN, SONNET, SONNET.replace("%3A", ":")):
            self.assertEqual(self.target(path, token, CONVERSE), path)
        good = "anthropic.claude-3-5-sonnet-20241022-v2:0"
        for model in ("anthropic.other", good + "0", good.replace(":", "%253A"), good + "%2Finvoke%3Fx", "anthropic.other%2Finvoke%3F", "%61nthropic.other", good + "%2F..", good + "%c0%afx",
                      f"anthropic.other%2Finvoke%23%2F{good}", good + "%2f"):
            self.assertIn(self.target(f"/model/{model}/invoke", token, CONVERSE), ("model_not_allowed", "bad_request"), model)
        # A model in the path allows nothing elsewhere.
        self.assertEqual(self.target("/openai/v1/chat/completions", self.token_for(("bedrock", "/openai/v1"), allowed_models=["x"])), "endpoint_not_found")
        self.assertEqual(self.target("/v1/chat/completions", token), "model_not_allowed")
        self.assertEqual(self.target(f"/v1/chat/completions/model/{good}/invoke", token), "model_not_allowed")

    def test_endpoints_are_judged_as_every_server_reads_them(self):
        token = self.token_for(("bedrock", ""), allowed_endpoints=["/model/*/converse"])
        self.assertEqual(self.target("/model/a%3A0/converse", token, CONVERSE), "/model/a%3A0/converse")
        self.assertEqual(self.target("/model/arn:x%2Fy/converse", token, CONVERSE), "/model/arn:x%2Fy/converse")
        for path in ("/model/a/invoke", "/model/a%2Finvoke%3F/converse", "/model/a%252Finvoke%253F/converse", "/model/a/%63onverse2", "/model/a%2Finvoke%23/converse"):
            self.assertEqual(self.target(path, token, CONVERSE), "endpoint_not_allowed", path)


class WithoutVersion(PathCase):
    """Servers whose paths have no version segment, each with the paths that it serves."""
    shapes = {"/v1/ACC/GW/compat": ("chat/completions", "models"), "/inference": ("chat/completions",), "": ("chat/completions",), "/serving-endpoints": ("chat/completions",),
              "/v1/projects/P/locations/L/endpoints/openapi": ("chat/completions",)}

    settings = {"API_CONFIG_PATH": "profiles.yaml"}

    @classmethod
    def start(cls):
        (cls.cwd / "profiles.yaml").write_text("hosts_without_version: ['127.0.0.1/known/*']\nproviders:\n  bare: {base_url: '', version_segment: false}\n")
        super().start()

    def stand_in(self, base, served):
        server = Upstream()
        server.__enter__()
        self.addCleanup(server.__exit__)
        server.serves = {f"{base}/{path}" for path in served}
        return server

    def create(self, server, base, provider="compatible", **more):
        status, project = self.manage("POST", "/manage/projects", {"name": "x", "provider": provider, "api_key": KEY, "base_url": server.url + base} | more)
        self.assertEqual(status, 201, project)
        return project

    def chat(self, project, path="/v1/chat/completions"):
        return self.ask(path, CHAT, token=self.new_token(project_id=project["id"])["token"])

    def test_each_shape(self):
        for base, served in self.shapes.items():
            with self.subTest(base):
                server = self.stand_in(base, served)
                said = self.create(server, base, version_segment=False)
                pasted = self.create(server, base + "/chat/completions")
                self.assertEqual((said["base_url"], said["version_segment"], "notes" in said), (server.url + base, False, False))
                self.assertEqual((pasted["base_url"], pasted["version_segment"]), (server.url + base, False))
                self.assertIn(f"'base_url' was shortened to {server.url}{base}", pasted["notes"][0])
                for project in (said, pasted, self.create(server, base, "bare")):
                    answer = self.chat(project)
                    self.assertEqual((answer.status, server.requests[-1].target), (200, base + "/chat/completions"), answer.body)
                self.assertEqual(self.chat(self.create(server, base)).status, 404)

    def test_a_known_host(self):
        server = self.stand_in("/known/x", ("chat/completions",))
        self.assertEqual(self.chat(self.create(server, "/known/x")).status, 200)
        self.assertEqual(self.chat(self.create(server, "/known/x", version_segment=True)).status, 404)
        self.assertEqual(server.requests[-1].target, "/known/x/v1/chat/completions")

    def test_a_change_of_the_address(self):
        server = self.stand_in("/a", ("chat/completions",))
        project = self.create(server, "/a", version_segment=False)

        def change(**fields):
            status, answer = self.manage("PATCH", f"/manage/projects/{project['id']}", fields)
            self.assertEqual(status, 200, answer)
            return answer["base_url"].removeprefix(server.url), answer["version_segment"], answer["providers"][0]["version_segment"], len(answer.get("notes", []))
        self.assertEqual(change(base_url=server.url + "/a"), ("/a", False, False, 0)) # the same address: what is known of it stays
        self.assertEqual(change(base_url=server.url + "/a/chat/completions"), ("/a", False, False, 1))
        self.assertEqual(change(base_url=server.url + "/b"), ("/b", None, None, 0))
        self.assertEqual(change(version_segment=True), ("/b", True, True, 0))
        self.assertEqual(change(version_segment=None), ("/b", None, None, 0))
        self.assertEqual(change(base_url=server.url + "/v1/chat/completions"), ("/v1", None, None, 1))
        self.assertEqual(change(version_segment=False), ("/v1", False, False, 0))
        type(self).end()
        type(self).start() # it is stored
        self.assertEqual(self.manage("GET", f"/manage/projects/{project['id']}")[1]["version_segment"], False)

    def check(self, server, base, **more):
        status, answer = self.manage("POST", "/manage/providers/check", {"provider": "compatible", "api_key": KEY, "base_url": server.url + base} | more)
        self.assertEqual(status, 200, answer)
        return answer

    def test_a_check_finds_the_form(self):
        for base, served in self.shapes.items():
            with self.subTest(base):
                server = self.stand_in(base, served)
                answer = self.check(server, base)
                self.assertEqual((answer["ok"], answer.get("proposal")), (False, {"base_url": server.url + base, "version_segment": False}), answer)
                self.assertIn(server.url + base, answer["message"])
                again = self.check(server, **{"base": answer["proposal"]["base_url"].removeprefix(server.url), "version_segment": answer["proposal"]["version_segment"]})
                self.assertEqual((again["ok"], again["reason"], again.get("proposal")), (True, "ok", None), again)
                self.assertEqual(again["models"], ["gpt-4o"] if "models" in served else [])

    def test_a_check_finds_other_forms(self):
        for base, served, proposed in (("", "/v1", None), ("/v1", "/v1", None), ("", "/api/v1", "/api/v1"), ("", "/openai/v1", "/openai/v1"), ("/gw/openai", "/gw/openai/v1", "/gw/openai/v1")):
            with self.subTest(base + " " + served):
                server = self.stand_in(served, ("models", "chat/completions"))
                answer = self.check(server, base)
                self.assertEqual(answer["ok"], proposed is None, answer)
                if proposed:
                    self.assertEqual(answer["proposal"], {"base_url": server.url + proposed, "version_segment": None})
                    self.assertTrue(self.check(server, proposed)["ok"])

    def test_a_check_says_what_was_shortened(self):
        server = self.stand_in("/inference", ("chat/completions",))
        answer = self.check(server, "/inference/chat/completions")
        self.assertEqual((answer["ok"], answer["models"], len(answer["notes"])), (True, [], 1), answer)
        self.assertEqual([r.header("authorization") for r in server.requests][-1], None) # whether the key was looked at at all

    def test_a_check_does_not_take_a_wrong_address_for_a_good_one(self):
        server = self.stand_in("/elsewhere", ("chat/completions",))
        answer = self.check(server, "/inference")
        self.assertEqual((answer["ok"], answer["reason"], answer["status"], answer.get("proposal")), (False, "unexpected_answer", 404, None))


class BaseUrls(PathCase):
    """What is accepted when it is stored works when it is used, and what is not is refused alike everywhere."""
    def places(self, url, provider="openai"):
        project = self.new_project(providers=[{"provider": provider, "api_key": KEY, "base_url": self.upstream.url}])["id"]
        body = {"provider": provider, "api_key": KEY, "base_url": url}
        yield "base_url", self.manage("POST", "/manage/projects", {"name": "x"} | body)
        yield "providers[0].base_url", self.manage("POST", "/manage/projects", {"name": "x", "providers": [body]})
        yield "base_url", self.manage("PATCH", f"/manage/projects/{project}", body)
        yield "base_url", self.manage("POST", "/manage/providers/check", body)

    def test_refused_alike(self):
        for url in ("ftp://a.example", "a.example/v1", "https://u:p@127.0.0.1", "https://127.0.0.1/#x", "https://127.0.0.1/a b", "https://127.0.0.1/\u00a0 ", "https:///v1", "https://127.0.0.1:0",
                    "https://127.0.0.1:70000", "https://127.0.0.1/../v1", "https://127.0.0.1/%2e%2e/v1", "https://127.0.0.1?x=1", "https://[::1/v1", "http://a.example/v1", "https://169.254.169.254",
                    "https://%31%32%37.0.0.1", "https://127.0.0.1/%"):
            for field, (status, answer) in self.places(url):
                self.assertEqual((status, answer["error"].get("field")), (400, field), (url, answer))
                self.assertTrue(answer["error"]["message"].startswith(f"'{field}' m") or " spaces" in answer["error"]["message"], answer)

    def test_accepted_and_used(self):
        port = self.upstream.port
        for url, text, target in ((f"HTTP://LOCALHOST:{port}/V1x", f"http://localhost:{port}/V1x", "/V1x/v1/chat/completions"), (f"Http://127.0.0.1:{port}/v1//", f"http://127.0.0.1:{port}/v1", "/v1/chat/completions"),
                                  (f"http://0x7f.1:{port}/v1/chat/completions", f"http://127.0.0.1:{port}/v1", "/v1/chat/completions"),
                                  (f"http://[::ffff:127.0.0.1]:{port}/straße/v1/models", f"http://127.0.0.1:{port}/stra%C3%9Fe/v1", "/stra%C3%9Fe/v1/chat/completions"),
                                  (f"http://127.0.0.1:{port}/org%2Fname/v1/embeddings", f"http://127.0.0.1:{port}/org%2Fname/v1", "/org%2Fname/v1/chat/completions")):
            for number, (_, (status, answer)) in enumerate(self.places(url)):
                self.assertIn(status, (200, 201), (url, answer))
                if number < 3:
                    self.assertEqual(answer["base_url"], text)
                    self.assertEqual(self.target("/v1/chat/completions", self.new_token(project_id=answer["id"])["token"]), target)

    def test_what_older_versions_stored_is_used_too(self):
        token = self.token_for(("openai", "/v1"))
        type(self).end()
        with sqlite3.connect(self.data / "llm-proxy.db") as database:
            database.execute("UPDATE project_providers SET base_url = ? WHERE base_url = ?", (f"HTTP://127.0.0.1:{self.upstream.port}/v1/chat/completions", self.upstream.url + "/v1"))
        database.close()
        type(self).start()
        self.assertEqual(self.target("/v1/chat/completions", token), "/v1/chat/completions")

    def test_the_command_line_says_what_was_shortened(self):
        def run(*arguments):
            return subprocess.run([BIN, "--data-dir", str(self.data), "project", *arguments], env=self.env, cwd=self.cwd, input=KEY, capture_output=True, text=True, timeout=60)
        made = run("create", "--name", "A", "--key-stdin", "--provider", "compatible", "--base-url", self.upstream.url + "/inference/chat/completions", "--json")
        project = json.loads(made.stdout)
        self.assertEqual((project["base_url"], project["version_segment"]), (self.upstream.url + "/inference", False))
        self.assertIn(f"--base-url was shortened to {self.upstream.url}/inference,", made.stderr)
        shown = run("update", project["id"], "--version-segment", "yes")
        self.assertRegex(shown.stdout, r"(?m)^version_segment +(yes|true)$")
        self.assertEqual(run("update", project["id"], "--version-segment", "maybe").returncode, 2)
        self.assertRegex(run("update", project["id"], "--version-segment", "auto").stdout, r"(?m)^version_segment +-$")
        self.assertNotIn("notes", run("update", project["id"], "--base-url", self.upstream.url + "/v1/models").stdout)


if __name__ == "__main__":
    unittest.main()
