# SPDX-License-Identifier: GPL-3.0-only
"""Debian's nginx with the configuration that it is installed with, but for where its files are, in front of something."""
import os
import re
import socket
import subprocess
from pathlib import Path

from cli_case import free_port
from proxy_case import until

INSTALLED = Path("/etc/nginx/nginx.conf")


def _answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Nginx:
    def __init__(self, folder, port, more=""):
        """location / { proxy_pass to the port; more }"""
        self.folder, self.port = Path(folder), free_port()
        self.folder.mkdir()
        self.folder.chmod(0o755)
        text = INSTALLED.read_text()
        for name, value in (("pid", self.folder / "pid"), ("error_log", self.folder / "error.log"), ("access_log", self.folder / "access.log")):
            text = re.sub(rf"^(\s*){name} [^;]*;", rf"\g<1>{name} {value};", text, flags=re.MULTILINE)
        # Debian's are www-data's and root's.
        places = "".join(f"{kind}_temp_path {self.folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")) if os.geteuid() else ""
        site = f"{places}server {{ listen 127.0.0.1:{self.port}; location / {{ proxy_pass http://127.0.0.1:{port}; {more} }} }}"
        text, count = re.subn(r"include /etc/nginx/sites-enabled/\*;", site, text)
        assert count == 1, text
        (self.folder / "nginx.conf").write_text(text)
        self.process = subprocess.Popen(["nginx", "-c", str(self.folder / "nginx.conf"), "-g", "daemon off;"])
        until(lambda: _answers(self.port), "nginx answers")

    def end(self):
        self.process.terminate()
        self.process.wait(20)
