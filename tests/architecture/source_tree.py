# SPDX-License-Identifier: GPL-3.0-only
"""What the architecture tests share: the files of the repository and a small reader of C++ tokens."""
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED_FOLDERS = {".git", "build", "node_modules", "data", "__pycache__", ".cache"}


def files(*suffixes, under="."):
    """Paths of all our files with one of these name endings, sorted; build trees are left out."""
    found = []
    for folder, folders, names in os.walk(ROOT / under):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS and not f.startswith("build-"))
        found += [Path(folder) / name for name in names if not suffixes or name.endswith(suffixes)]
    return sorted(found)


def shown(path):
    return str(path.relative_to(ROOT))


TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<raw>(?:u8|u|U|L)?R"(?P<mark>[^\s()\\]{0,16})\((?P<rawtext>.*?)\)(?P=mark)")
  | (?P<string>(?:u8|u|U|L)?"(?P<text>(?:\\.|[^"\\\n])*)")
  | (?P<char>(?:u8|u|U|L)?'(?:\\.|[^'\\\n])+')
  | (?P<include>^[ \t]*\#[ \t]*include[^\n]*)
  | (?P<number>\.?\d(?:'?[\w.])*)
  | (?P<id>[A-Za-z_]\w*)
  | (?P<op>\+=|\+\+|<<=?|>>=?|->|::|[^\s\w])
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


def tokens(source):
    """(kind, text, line) of a C++ source without comments and includes; kind: string, id, number, char, op."""
    result = []
    line, seen = 1, 0
    for match in TOKEN.finditer(source):
        line += source.count("\n", seen, match.start())
        seen = match.start()
        if match.group("raw"):
            result.append(("string", match.group("rawtext"), line))
        elif match.group("string"):
            result.append(("string", match.group("text"), line))
        elif match.group("comment") is None and match.group("include") is None:
            kind = next(k for k in ("char", "number", "id", "op") if match.group(k) is not None)
            result.append((kind, match.group(kind), line))
    return result
