#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""testssl.sh against the TLS listener: nothing of MEDIUM or above. What it says of a throw-away authority (no revocation
list) is none of the server's."""
import json
import subprocess
import unittest
from pathlib import Path

from certificates import Authority
from proxy_case import Proxy

OF_THE_AUTHORITY = {"cert_revocation", "cert_crlDistributionPoints", "cert_ocspURL", "OCSP_stapling", "DNS_CAArecord", "cert_notAfter",
                    "cert_validityPeriod", "cert_expirationStatus", "cert_extlifeSpan"}


class TestSsl(Proxy):
    @classmethod
    def setUpClass(cls):
        folder = cls.class_folder()
        cls.authority = Authority(folder)
        certificate, key = cls.authority.certificate("server", "DNS:proxy.example,DNS:localhost", 90)
        cls.settings = {"TLS_CERT_FILE": str(certificate), "TLS_KEY_FILE": str(key)}
        super().setUpClass()

    @classmethod
    def new_project(cls, **fields):
        return {"id": ""}

    @classmethod
    def new_token(cls, **fields):
        return {"token": ""}

    def test_nothing_of_medium_or_above(self):
        report = Path(self.cwd) / "report.json"
        done = subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1", "--add-ca",
                               str(self.authority.file), "--jsonfile", str(report), "-p", "-s", "-P", "-S", "-h", "-U",
                               f"proxy.example:{self.port}"], capture_output=True, text=True, timeout=280, env=self.env | {"TERM": "dumb"})
        found = json.loads(report.read_text())
        self.assertGreater(len(found), 50, done.stdout + done.stderr)
        self.assertIn("TLS1_3", {f["id"] for f in found})
        self.assertIn("HSTS_time", {f["id"] for f in found})
        bad = [f for f in found if f["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL") and f["id"].split(" ")[0] not in OF_THE_AUTHORITY]
        self.assertEqual(bad, [])


if __name__ == "__main__":
    unittest.main()
