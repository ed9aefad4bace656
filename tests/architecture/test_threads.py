#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Threads are made at start, at the places named here. One that is made when work comes in fails where the system has none left,
and an exception out of a handler is the process's end."""
import re
import unittest

from source_tree import files, shown

FACTORY = {"proxycore/base/threads.h", "proxycore/base/threads.cpp"}
RAW = re.compile(r"std::j?thread\s*[({]|std::j?thread \w+[({]|std::async\b|\bpthread_create\b|QThread::create|QtConcurrent|QThreadPool|\.detach\(\)")
# Who makes one, and when that is.
AT_START = {
    "proxycore/audit/audit_start.cpp": "AuditLog::start()",
    "proxycore/audit/rotation.cpp": "made by AuditLog::start()",
    "proxycore/delivery/outbox.cpp": "one a target, made by Engine::start()",
    "proxycore/engine/alert_watch.cpp": "made by Engine::start()",
    "proxycore/engine/engine_thread.cpp": "run(), of Engine::start()",
    "proxycore/manage/jobs.cpp": "made with the management API",
    "proxycore/secrets/file_source.cpp": "one a folder, made by Engine::start()",
    "proxycore/secrets/secret_cache.cpp": "start(), of Engine::start()",
    "proxycore/storage/writer.cpp": "made by Database::start()",
    "proxycore/upstream/resolver.cpp": "made by Engine::start()",
}
# Who may ask for one later and does without where none is left.
CAN_DO_WITHOUT = {
    "app/hidden_watch.cpp": "hides what is replaced",
    "app/private_listener.cpp": "says that the server has stopped",
    "app/process.cpp": "a second signal",
    "app/run_expiry.cpp": "revokes a token that has expired; the engine refuses it all the same",
    "app/side_thread.cpp": "lines on a terminal",
    "proxycore/base/log_sink.cpp": "without it callers write their lines themselves",
    "proxycore/secrets/file_source.cpp": "stands in for a reader that may hang",
}
MAY_HANG = {"proxycore/secrets/file_source.cpp", "proxycore/upstream/resolver.cpp"}  # in the kernel, or in getaddrinfo(): nobody waits for those
QT = {"proxycore/front/http_bridge.cpp": "the management thread: QHttpServer needs Qt's event loop"}


def code(path):
    return re.sub(r"//[^\n]*", "", path.read_text())


class Threads(unittest.TestCase):
    def sources(self):
        return {shown(p): code(p) for folder in ("proxycore", "app") for p in files(".h", ".cpp", under=folder) if shown(p) not in FACTORY}

    def test_the_check_itself(self):
        for bad in ("m_thread = std::thread([this] {", "std::thread reader(work);", "std::thread([root] {}).detach();", "std::async(work)"):
            self.assertTrue(RAW.search(bad), bad)
        for good in ("    std::thread m_thread;", "std::thread last;", "makeThread(name, work)", "std::thread::hardware_concurrency()"):
            self.assertFalse(RAW.search(good), good)

    def test_threads_are_made_at_start(self):
        found = [f"{name}: {raw}" for name, text in self.sources().items() for raw in RAW.findall(text)
                 if not (raw == ".detach()" and name in MAY_HANG)]
        self.assertEqual(found, [], "use makeThread() at start")
        self.assertEqual({n for n, t in self.sources().items() if "makeThread(" in t}, set(AT_START))
        self.assertEqual({n for n, t in self.sources().items() if re.search(r"\btry(?:Detached)?Thread\(", t)}, set(CAN_DO_WITHOUT))
        self.assertEqual({n for n, t in self.sources().items() if re.search(r"\bQThread thread;", t)}, set(QT))


if __name__ == "__main__":
    unittest.main()
