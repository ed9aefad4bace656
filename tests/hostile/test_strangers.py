#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Requests without a token of ours fill neither the log nor the database, and hide nobody's token (tests/support/stranger_flood.py)."""
import unittest

from stranger_flood import StrangerFlood


class Strangers(StrangerFlood):
    pass


del StrangerFlood  # of this module: it would be run, too

if __name__ == "__main__":
    unittest.main()
