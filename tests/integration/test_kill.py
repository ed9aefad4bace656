#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""kill -9 under load, in short; tests/bench/kill_loop.py does it as often as asked. KILL_SEED repeats a run's choices."""
import unittest

import kill_loop
from kill_loop import FileAndTable, FileOnly, Rotating, RotatingFileOnly, TableOnly

__all__ = ["FileAndTable", "FileOnly", "Rotating", "RotatingFileOnly", "TableOnly"]

if __name__ == "__main__":
    print(f"KILL_SEED={kill_loop.SEED}", flush=True)
    unittest.main()
