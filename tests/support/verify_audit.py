#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Verifies an audit log without anything of the program's: verify_audit.py FILE… [--public-key PEM].
Each line's hash is the SHA-256 of its bytes before ,"hash":, its prev the hash before, its seq one more; a checkpoint signs
"llm-proxy audit checkpoint 1", to_seq and to_hash, a line each. Prints the first thing that is wrong and exits with 1."""
import base64
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zlib

LINE = re.compile(rb'^(\{.*,"seq":(\d+),"prev":"([0-9a-f]{64})"),"hash":"([0-9a-f]{64})"\}$', re.S)


def signed(event, pem):
    details = event["details"]
    message = f"llm-proxy audit {details.get('purpose', 'checkpoint')} 1\n{details['to_seq']}\n{details['to_hash']}\n".encode()
    with tempfile.NamedTemporaryFile() as text, tempfile.NamedTemporaryFile() as signature:
        text.write(message), text.flush()
        signature.write(base64.b64decode(details["signature"])), signature.flush()
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", pem, "-rawin", "-in", text.name, "-sigfile", signature.name],
                              capture_output=True).returncode == 0


def lines_of(path):
    """Each with its newline, if it has one; what cannot be read to its end, or has something behind it, raises."""
    with open(path, "rb") as file:
        data = file.read()
    text = b"" if data[:2] == b"\x1f\x8b" else data
    while data[:2] == b"\x1f\x8b":
        member = zlib.decompressobj(31)
        text += member.decompress(data)
        if not member.eof:
            raise EOFError("its end is missing")
        data = member.unused_data
        if data and data[:2] != b"\x1f\x8b":
            raise ValueError("something is behind its end")
    yield from text.splitlines(keepends=True)


def seqs_of(path):
    """Of its first and of its last event; 0: it has none, or cannot be read."""
    found = [0]
    try:
        found += [int(match.group(2)) for match in (LINE.match(raw.rstrip(b"\n")) for raw in lines_of(path)) if match]
    except (OSError, EOFError, ValueError, zlib.error):
        pass
    return found[min(1, len(found) - 1)], found[-1]


def problem(files, pem=None):
    """None, or (seq, what) of the first problem."""
    files = sorted(files, key=seqs_of)
    again = [path for path in files if path.endswith(".gz") and path[:-3] in files]
    if again:
        return 1, f"{again[0]} is there uncompressed, too"
    seq, last, recent, hashes, checkpoints = None, None, set(), {}, 0
    for place, path in enumerate(files):
        begins, repeated, fresh = True, None, 0
        try:
            for raw in lines_of(path):
                found = LINE.match(raw.rstrip(b"\n"))
                if not found or not raw.endswith(b"\n"):
                    return (seq or 0) + 1, "no event"
                covered, number, prev, digest = found.group(1), int(found.group(2)), found.group(3), found.group(4)
                if hashlib.sha256(covered).hexdigest().encode() != digest:
                    return number, "changed"
                # A copied and truncated file begins with the end of its copy, and nothing else of it.
                if begins and raw in recent and (repeated is None or number == repeated + 1):
                    repeated = number
                    continue
                if begins and repeated is not None and repeated != seq:
                    return repeated + 1, "half a repeat"
                begins, fresh = False, fresh + 1
                event = json.loads(raw) if b'"action":"audit.checkpoint"' in covered else None
                if event and pem and not signed(event, pem):
                    return number, "signature"
                checkpoints += bool(event)
                about = event["details"]["to_seq"] if event and not event["details"].get("purpose") else 0
                if seq is not None and about in hashes and hashes[about] != event["details"]["to_hash"].encode():
                    return number, "a checkpoint of another place"
                starts = number == 1 and prev == b"0" * 64 or event and event["details"]["to_seq"] == number - 1 and event["details"]["to_hash"].encode() == prev
                if not starts if seq is None else (number, prev) != (seq + 1, last):
                    return (seq or 0) + 1, "not the next one"
                seq, last = number, digest
                recent.add(raw)
                hashes[number] = digest
        except (OSError, EOFError, ValueError, zlib.error) as error:
            return (seq or 0) + 1, f"{path}: {error}"
        if repeated is not None and not fresh and place + 1 < len(files):
            return (seq or 0) + 1, f"{path} is there twice"
    if seq and pem and not checkpoints:
        return 1, "nothing is signed"
    return None if seq else (1, "no event at all")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    key = arguments.pop(arguments.index("--public-key") + 1) if "--public-key" in arguments else None
    bad = problem([a for a in arguments if a != "--public-key"], key)
    print(f"first bad seq: {bad[0]}, {bad[1]}" if bad else "good")
    sys.exit(1 if bad else 0)
