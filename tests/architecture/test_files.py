#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Files of ours are opened in one place, base/owned_file.h, which follows no link and uses no file that others can have placed.
Everything else that opens a file is listed here, with the reason why it does it by itself."""
import unittest

from source_tree import ROOT, files, shown, tokens

CALLS = {"open", "openat", "creat", "fopen", "freopen", "gzopen", "mkstemp", "mkostemp"}
TYPES = {"QFile", "QSaveFile", "QTemporaryFile", "ifstream", "ofstream", "fstream"}

REASONS = {
    "proxycore/base/owned_file.cpp": "the one place",
    "proxycore/base/log_output.cpp": "/dev/null",
    "proxycore/base/write_all.cpp": "a folder, to sync it",
    "proxycore/engine/data_lock.cpp": "root asks who runs another user's engine",
    "proxycore/front/virtual_socket.cpp": "a QIODevice, no file",
    "proxycore/exchange/json_members.cpp": "brackets of JSON, no file",
    "proxycore/front/plain_handlers.cpp": "ACME challenges, which another program writes",
    "proxycore/secrets/master_key.cpp": "ENCRYPTION_KEY_FILE, which the operator names: secrets of Kubernetes are links",
    "proxycore/secrets/file_source.cpp": "file: references, likewise",
    "proxycore/config/secret_file.cpp": "MANAGEMENT_TOKEN_FILE and the like, which the operator names: secrets of Kubernetes are links",
    "proxycore/config/setting_sources.cpp": ".env, after a look at its owner and mode",
    "proxycore/upstream/profile.cpp": "API_CONFIG_PATH, which the operator names; our own resources",
    "proxycore/storage/migrations.cpp": "our own resources",
    "proxycore/manage/doctor_files.cpp": "the index of a git repository, read only",
    "proxycore/manage/doctor_agents.cpp": "settings of the kernel in /proc/sys",
    "proxycore/manage/doctor_libraries.cpp": "os-release(5), the system's",
    "proxycore/storage/audit_check.cpp": "anchors, wherever a person put them; read only",
    "proxycore/audit/export_proof.cpp": "exports and their proofs, wherever a person put them; read only",
    "proxycore/audit/file_reader.cpp": "copies of the log, wherever a person put them; read only",
    "proxycore/audit/log_set.cpp": "likewise",
    "proxycore/audit/log_stream.cpp": "likewise",
    "proxycore/audit/rotation.cpp": "reads the log that was rotated, to compress it",
    "app/audit_verify.cpp": "files that the person who calls the command names",
    "app/audit_export.cpp": "likewise",
    "app/env_writer.cpp": ".env of setup, after a look at its owner and mode",
    "app/end_guard.cpp": "/dev/null",
    "app/bubblewrap.cpp": "/proc/self/exe, to start it again",
    "app/isolation_plan.cpp": ".env files of whoever, to see whether they have to be hidden; read only",
    "app/hidden_watch.cpp": "/proc, for bubblewrap's child",
    "app/mount_aliases.cpp": "/proc/self/mountinfo",
    "app/mount_inside.cpp": "/proc, for a namespace",
    "app/sandbox.cpp": "/dev/tty, and settings of the kernel in /proc/sys",
    "app/sandbox_inside.cpp": "/dev/tty",
    "app/sandbox_limits.cpp": "/, for a rule of Landlock",
}


def opened(source):
    """(name, line) of each call and declaration that opens a file."""
    found = tokens(source)
    for at, (kind, text, line) in enumerate(found):
        if kind != "id" or at + 1 >= len(found):
            continue
        before = found[at - 1] if at else ("op", ";", 0)
        if text in TYPES and (found[at + 1][0] == "id" or found[at + 1][1] == "("):
            yield text, line
        if text not in CALLS or found[at + 1][1] != "(" or found[at + 2][1] == ")":
            continue
        is_member = before[1] in (".", "->") or (before[1] == "::" and found[at - 2][0] == "id" and found[at - 2][1] not in ("std", "return"))
        is_declaration = (before[0] == "id" and before[1] != "return") or before[1] in (">", ">>", "&", "*")
        if not is_member and not is_declaration:
            yield text, line


class Files(unittest.TestCase):
    def test_the_rule_finds_what_it_is_to_find(self):
        for code in ("int fd = open(path, O_RDONLY);", "return ::open(a, b);", "FILE *f = fopen(a, b);", "std::ofstream out(path);",
                     "QSaveFile file(path);", "if ((fd = openat(dir, name, O_CREAT)) < 0) {}"):
            self.assertEqual(len(list(opened(code))), 1, code)
        for code in ("bool open(const std::string &path);", "auto k = KeyRing::open(a, b);", "file.open(x);", "database->open(x);",
                     "// open(path)", "openOwned(path, O_RDONLY, 0, &problem);", "Outcome AuditLogFile::open(bool createDir)", "class QFile;"):
            self.assertEqual(list(opened(code)), [], code)

    def test_files_are_opened_in_one_place(self):
        wrong, unused = [], set(REASONS)
        for folder in ("proxycore", "app"):
            for path in files(".cpp", ".h", under=folder):
                found = list(opened(path.read_text()))
                unused -= {shown(path)} if found else set()
                if shown(path) not in REASONS:
                    wrong += [f"{shown(path)}:{line}: {name}" for name, line in found]
        self.assertEqual(wrong, [], "open files of ours with openOwned(), or give the reason in this file")
        self.assertEqual(sorted(unused), [], "these open no file any more")

    def test_those_listed_write_nothing_of_ours(self):
        """A reason is for what is read, or is no file of ours: flags that create or write are not among them."""
        writers = {"proxycore/base/owned_file.cpp", "proxycore/base/log_output.cpp", "app/audit_verify.cpp", "app/audit_export.cpp",
                   "app/env_writer.cpp", "app/end_guard.cpp"}
        for name in sorted(set(REASONS) - writers):
            found = tokens((ROOT / name).read_text())
            for at, (kind, text, line) in enumerate(found):
                if kind == "id" and text in ("open", "openat") and found[at + 1][1] == "(":
                    call = [t for _, t, _ in found[at:at + 24]]
                    call = call[:call.index(";")] if ";" in call else call
                    self.assertFalse({"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"} & set(call), f"{name}:{line}")


if __name__ == "__main__":
    unittest.main()
