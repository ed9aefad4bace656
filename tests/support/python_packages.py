# SPDX-License-Identifier: GPL-3.0-only
"""Packages from PyPI in an environment of their own, beside the builds, by the lock files in tests/requirements."""
import fcntl
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(os.environ["LLM_PROXY_SOURCE_DIR"])


def bin_of(name):
    """The folder with the programs of tests/requirements/NAME.txt, installed once per lock file."""
    lock = HERE / "tests/requirements" / f"{name}.txt"
    place = HERE / "build/python" / name
    done = place / "installed.txt"
    place.mkdir(parents=True, exist_ok=True)
    with open(place.parent / f"{name}.lock", "w") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)  # another test run may want the same
        if not done.exists() or done.read_bytes() != lock.read_bytes():
            run(sys.executable, "-m", "venv", "--clear", place)
            run(place / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:", "-r", lock)
            done.write_bytes(lock.read_bytes())
    return place / "bin"


def run(*command):
    ran = subprocess.run(command, capture_output=True, text=True, timeout=280)
    if ran.returncode:
        raise AssertionError(f"{command[0]} failed:\n{ran.stdout}{ran.stderr}")
