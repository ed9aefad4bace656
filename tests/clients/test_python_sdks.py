#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Clients for Python, from PyPI by the lock file: openai, anthropic, google-genai, ollama, litellm and langchain-openai against the running
program. What they must see stands in python_sdks.py, which their own interpreter runs; what the upstream must see, here."""
import subprocess
import unittest
from pathlib import Path

from azure_case import AzureCase
from cli_case import KEY
from proxy_case import Proxy, until
from python_packages import bin_of

HERE = Path(__file__).resolve().parent


class Python:
    def python(self, tests, **variables):
        """Runs these tests with the clients' interpreter."""
        environment = self.env | {"PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "*"} | variables
        ran = subprocess.run([bin_of("clients") / "python", "-m", "unittest", tests], cwd=HERE, env=environment, capture_output=True, text=True,
                             timeout=200)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertNotIn("Ran 0 tests", ran.stderr)


class PythonSdks(Python, Proxy):
    def client(self, name):
        """Runs one class of python_sdks.py; the requests that the upstream saw meanwhile."""
        since, seq = self.upstream.count(), self.last_seq()
        self.python(f"python_sdks.{name}", PROXY=f"http://127.0.0.1:{self.port}", PROXY_TOKEN=self.token, LITELLM_LOCAL_MODEL_COST_MAP="True")
        seen = self.upstream.requests[since:]
        self.assertTrue(seen)
        self.assertNotIn(self.token, str([(r.headers, r.target) for r in seen]))
        recorded = until(lambda: (e := [e for e in self.events(since=seq) if e["details"]["forwarded"]]) and len(e) >= len(seen) and e, "events")
        self.assertEqual(len(recorded), len(seen))
        return seen

    def keyed(self, seen, header, value=KEY):
        self.assertEqual({r.header(header) for r in seen}, {value})

    def test_openai(self):
        self.keyed(self.client("OpenAi"), "authorization", f"Bearer {KEY}")

    def test_anthropic(self):
        seen = self.client("Anthropic")
        self.keyed(seen, "x-api-key")
        self.assertTrue(all(r.header("anthropic-version") for r in seen))

    def test_google(self):
        self.keyed(self.client("Google"), "x-goog-api-key")

    def test_ollama(self):
        self.keyed(self.client("Ollama"), "authorization", f"Bearer {KEY}")

    def test_litellm(self):
        self.client("LiteLlm")

    def test_langchain(self):
        self.keyed(self.client("LangChain"), "authorization", f"Bearer {KEY}")


class AzurePythonSdk(Python, AzureCase):
    def test_azure(self):
        self.python("python_azure", **self.variables())
        self.is_azure_as_it_should_be()


if __name__ == "__main__":
    unittest.main()
