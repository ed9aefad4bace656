# SPDX-License-Identifier: GPL-3.0-only
"""A proxy on a disk that fails when told to; see failing_disk.c."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from audited_proxy import AuditedProxy
from proxy_case import SANITIZED


class Disk:
    def __init__(self, folder):
        self.library, self.control = Path(folder) / "failing_disk.so", Path(folder) / "disk"
        source = Path(__file__).with_name("failing_disk.c")
        subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", str(source), "-o", str(self.library), "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(self.library), "FAILING_DISK": str(self.control)}

    @property
    def hung(self):
        """Something has hung since fails()."""
        return Path(f"{self.control}.hung").exists()

    def fails(self, *rules):
        Path(f"{self.control}.hung").unlink(missing_ok=True)
        new = self.control.with_suffix(".new")
        new.write_text("".join(rule + "\n" for rule in rules))
        os.replace(new, self.control)

    def well(self):
        self.control.unlink(missing_ok=True)


@unittest.skipIf(SANITIZED, "a preloaded library and a sanitizer's runtime would both have to be the first one")
class DiskCase(AuditedProxy):
    @classmethod
    def setUpClass(cls):
        folder = cls.class_folder()
        cls.disk = Disk(folder)
        cls.settings = cls.settings | cls.disk.environment
        super().setUpClass()

    def setUp(self):
        self.addCleanup(self.disk.well)
        self.fresh()

    def fresh(self):
        """A server on a data directory of its own: what one test breaks is no other one's trouble."""
        cls = type(self)
        cls.disk.well()
        cls.end()
        cls.data = Path(tempfile.mkdtemp(dir=cls.cwd))
        cls.upstream.requests.clear()
        cls.start()
        cls.project_id = cls.new_project()["id"]
        cls.token = cls.new_token()["token"]
