#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Schemathesis, all its phases: thousands of calls made from the served description, good and bad ones. No answer may be one that the
description does not declare, a failure of the server, or a yes to what the description forbids."""
import os
import subprocess
import unittest

from proxy_case import MANAGEMENT, Proxy
from python_packages import bin_of

# What only another field, the clock or the data decide cannot be said by a schema (from after to, a time that has passed, a cursor of
# another list, the name of a provider): such a call is valid by the description, and refused. Each refusal has its test elsewhere.
CONFIG = """
headers = { Authorization = "Bearer ${MANAGEMENT_TOKEN}" }
seed = 1
continue-on-failure = true
request-timeout = 60

[generation]
max-examples = 50

[checks]
positive_data_acceptance.enabled = false

[[operations]]
include-path = "/manage/events"
enabled = false
"""  # /manage/events has no end; test_openapi reads it


class Schemathesis(Proxy):
    def test_the_description_is_true(self):
        (self.cwd / "schemathesis.toml").write_text(CONFIG)
        environment = self.env | {"PATH": os.environ["PATH"], "MANAGEMENT_TOKEN": MANAGEMENT}
        ran = subprocess.run([bin_of("schemathesis") / "schemathesis", "run", f"http://127.0.0.1:{self.port}/manage/openapi.json"], cwd=self.cwd,
                             env=environment, capture_output=True, text=True, timeout=560)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        for phase in ("Coverage", "Fuzzing", "Stateful"):
            self.assertIn(f"✅ {phase}", ran.stdout.replace("✅  ", "✅ "))
        self.assertGreater(len(self.manage("GET", "/manage/projects?limit=200")[1]["items"]), 1, "it was let in, and made some")


if __name__ == "__main__":
    unittest.main()
