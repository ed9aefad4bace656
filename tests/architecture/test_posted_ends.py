#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Nothing ends inside a call that it made itself. What runs on an engine thread and may be on the stack when it is let go of
is Deletable, and who owns one owns it as Posted: letting go posts its end. So nobody has to know which flush() may be a
last one."""
import re
import unittest

from source_tree import files, shown

# The folders that run on a poller's thread.
ON_POLLERS = ("front", "exchange", "upstream", "engine")
CLASS = re.compile(r"^(?:class|struct) (?:\w+::)?(\w+)(?: final)?\s*:\s*([^{;]*?)\s*\{", re.MULTILINE)
MEMBER = re.compile(r"(?:std::(?:unique|shared)_ptr)<(?:const )?(?:\w+::)?(\w+)>>?\s+(?:m_\w+|\w+;)")


def sources():
    return {shown(p): p.read_text() for folder in ON_POLLERS for p in files(".h", ".cpp", under=f"proxycore/{folder}")}


def deletable(texts):
    """All classes that are Deletable, at whatever distance."""
    bases = {}
    for text in texts:
        for name, parents in CLASS.findall(text):
            bases[name] = set(re.findall(r"public (?:\w+::)?(\w+)", parents))
    found = {"Deletable"}
    while True:
        more = {name for name, parents in bases.items() if parents & found} | found
        if more == found:
            return found
        found = more


class PostedEnds(unittest.TestCase):
    def test_the_check_itself(self):
        text = "class Feed : public Deletable\n{\n};\nclass Live final : public Feed\n{\n};\nclass Other : public PollHandler\n{\n};\n"
        self.assertEqual(deletable([text]), {"Deletable", "Feed", "Live"})
        self.assertEqual(MEMBER.findall("    std::unique_ptr<Feed> m_feed;\n"), ["Feed"])
        self.assertEqual(MEMBER.findall("    std::unordered_map<int, std::unique_ptr<Feed>> m_feeds;\n"), ["Feed"])
        self.assertEqual(MEMBER.findall("    Posted<Feed> m_feed;\n"), [])
        self.assertEqual(MEMBER.findall("std::function<std::unique_ptr<Feed>(const Head &)> openFeed;\n"), [])

    def test_who_may_be_on_the_stack_is_owned_as_posted(self):
        texts = sources()
        ends = deletable(texts.values()) - {"Deletable"}  # that alone is the poller's
        self.assertLessEqual({"RequestHandler", "Exchange", "ManagementDoor", "ManagementFeed", "LiveFeed", "UpstreamCall", "CurlSocket"}, ends)
        found = [f"{name}: {owned}" for name, text in texts.items() for owned in MEMBER.findall(text) if owned in ends]
        self.assertEqual(found, [], "own it as Posted<>")

    def test_one_place_ends_what_was_posted(self):
        texts = sources()
        self.assertEqual([n for n, t in texts.items() if "m_doomed" in t], ["proxycore/front/poller.cpp", "proxycore/front/poller.h"])
        self.assertEqual([n for n, t in texts.items() if re.search(r"\bdelete this\b", t)], [])
        # A connection ends by its server alone, at the end of a turn; sockets of providers by their pool.
        self.assertEqual([n for n, t in texts.items() if "m_connections.erase" in t], ["proxycore/front/server.cpp"])
        forgets = [line.strip() for t in texts.values() for line in t.splitlines() if re.search(r"server->forget\(", line)]
        self.assertEqual(forgets, ["poller().defer([server = &m_server, this] { server->forget(this); });"])
        self.assertEqual([n for n, t in texts.items() if "m_socket.reset()" in t], [])


if __name__ == "__main__":
    unittest.main()
