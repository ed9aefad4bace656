# SPDX-License-Identifier: GPL-3.0-only
"""Where a text stands in the memory of a running process: all its readable maps, and its environment. Needs CAP_SYS_PTRACE, for
the server is not dumpable."""
import re
from collections import Counter
from pathlib import Path

BLOCK = 16 << 20


def _maps(pid):
    """(begin, end, kind) of each readable map; kind: stack, heap, locked, anonymous or file."""
    found, begin, end, name = [], 0, 0, ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)", line)
        if head:
            begin, end, rights, name = int(head[1], 16), int(head[2], 16), head[3], head[4]
        elif line.startswith("VmFlags:") and rights.startswith("r") and name not in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
            flags = line.split()[1:]
            kind = {"[heap]": "heap", "[stack]": "stack"}.get(name, "file" if name.startswith("/") else "anonymous")
            found.append((begin, end, "locked" if "lo" in flags and "dd" in flags else kind))
    return found


def _count(memory, begin, end, needle):
    count, at, tail = 0, begin, b""
    while at < end:
        try:
            memory.seek(at)
            block = memory.read(min(BLOCK, end - at))
        except OSError:  # unmapped meanwhile, or not readable after all
            break
        if not block:
            break
        text = tail + block
        count += text.count(needle)
        at += len(block)
        tail = text[-(len(needle) - 1):]
    return count


def copies(pid, needles):
    """{name: Counter of the kinds of memory} for needles {name: bytes}; the environment counts as "environ"."""
    found = {name: Counter() for name in needles}
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    for name, needle in needles.items():
        if count := environment.count(needle):
            found[name]["environ"] = count
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for begin, end, kind in _maps(pid):
                if count := _count(memory, begin, end, needle):
                    found[name][kind] += count
    return found


def shown(counts):
    """"3: 2 heap, 1 stack"; what was looked for is never shown."""
    return f"{sum(counts.values())}" + (": " + ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items())) if counts else "")
