# SPDX-License-Identifier: GPL-3.0-only
"""Damage to an audit log: each kind takes the files of a log, oldest first, as {name: bytes}, and gives what is left of them. What it
did is never what the program itself could have written."""
import bz2
import gzip
import hashlib
import random

LOG = "audit.log"


def lines_of(data):
    return data.splitlines(keepends=True)


def plain(files):
    """Those that can be edited line by line."""
    return [name for name, data in files.items() if not name.endswith(".gz") and data]


def edited(files, rng, change, names=None):
    name = rng.choice(names or plain(files))
    packed = name.endswith(".gz")
    data = gzip.decompress(files[name]) if packed else files[name]
    changed = change(data)
    return {**files, name: gzip.compress(changed) if packed else changed}


def flip(data, rng):
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1:]


def swapped(data, rng):
    lines = lines_of(data)
    first, second = rng.sample(range(len(lines)), 2)
    lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


def without(data, rng):
    lines = lines_of(data)
    del lines[rng.randrange(len(lines) - 1)]
    return b"".join(lines)


def twice(data, rng):
    """One line again, but not so that a new file may begin with it."""
    lines = lines_of(data)
    at = rng.randrange(len(lines) - 1)
    lines.insert(rng.randrange(at + 2, len(lines) + 1), lines[at])
    return b"".join(lines)


def cut(data, rng):
    """In the middle of a line."""
    lines = lines_of(data)
    at = rng.randrange(len(lines))
    return b"".join(lines[:at]) + lines[at][:rng.randrange(1, len(lines[at]))]


def everywhere(old, new):
    return lambda files, rng, other: edited(files, rng, lambda data: data.replace(old, new))


def recoded(coding):
    return lambda files, rng, other: edited(files, rng, lambda data: data.decode().encode(coding))


def mixed(files, rng, other):
    """A line of another log, which is a good line there."""
    def change(data):
        lines = lines_of(data)
        lines[rng.randrange(len(lines))] = rng.choice(lines_of(other))
        return b"".join(lines)
    return edited(files, rng, change)


def inserted(files, rng, other):
    def change(data):
        lines = lines_of(data)
        lines.insert(rng.randrange(len(lines)), rng.choice((b"\n", b"{}\n", b"\0" * 64 + b"\n", b"not a line\n", b'{"seq":3}\n', b"# comment\n", b" \n")))
        return b"".join(lines)
    return edited(files, rng, change)


def trailing(files, rng, other):
    return edited(files, rng, lambda data: data + rng.choice((b"x", b"\0" * 100, b"\n\n", b'{"timestamp":"2026', b"\xff\xfe")), [LOG])


def replaced(content):
    return lambda files, rng, other: {**files, rng.choice(list(files)): content(rng)}


def packed_wrongly(files, rng, other):
    names = [name for name in files if name.endswith(".gz")] or [LOG]
    name = rng.choice(names)
    data = gzip.decompress(files[name]) if name.endswith(".gz") else files[name]
    return {**files, name: bz2.compress(data)}


def packed_damaged(files, rng, other):
    """A byte of the compressed data, or its checksum."""
    names = [name for name in files if name.endswith(".gz")]
    if not names:
        return {**files, LOG: flip(files[LOG], rng)}
    name = rng.choice(names)
    data = files[name]
    at = rng.randrange(20, len(data))
    return {**files, name: data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1:]}


def packed_cut(files, rng, other):
    names = [name for name in files if name.endswith(".gz")]
    if not names:
        return {**files, LOG: cut(files[LOG], rng)}
    name = rng.choice(names)
    return {**files, name: files[name][:rng.randrange(1, len(files[name]))]}


def packed_and_more(files, rng, other):
    """Something behind the compressed data, or between its members."""
    names = [name for name in files if name.endswith(".gz")]
    name = names[0] if names else LOG
    lines = lines_of(gzip.decompress(files[name]) if names else files[name])
    half = len(lines) // 2
    first, second = gzip.compress(b"".join(lines[:half])), gzip.compress(b"".join(lines[half:]))
    return {**files, name: rng.choice((first + second + b"more\n", first + second + b"\0" * 512, first + b"x" + second[1:], first + b"".join(lines[half:])))}


def rechained(lines):
    """Every hash made again, as anybody can; signatures stay what they were."""
    last, chained = b"0" * 64, []
    for number, line in enumerate(lines):
        covered = line[:line.rindex(b',"seq":')] + b',"seq":%d,"prev":"%s"' % (number + 1, last)
        last = hashlib.sha256(covered).hexdigest().encode()
        chained.append(covered + b',"hash":"%s"}\n' % last)
    return b"".join(chained)


def is_checkpoint(line):
    return b'"action":"audit.checkpoint"' in line


def forged(files, rng, other):
    """One file, from its beginning: without a checkpoint, or with a genuine one at another place."""
    if len(files) > 1:
        return {**files, LOG: flip(files[LOG], rng)}
    lines = lines_of(files.get(LOG, b""))
    if not lines or b',"seq":' not in lines[0]:
        return files  # no log: a CSV
    plain_ones, signed = [one for one in lines if not is_checkpoint(one)], [one for one in lines if is_checkpoint(one)][:1]
    return {LOG: rechained([one.replace(b'"cli"', b'"client"') for one in plain_ones] + rng.choice(([], signed)))}


def dropped(files, rng, other):
    """One that others follow on and follow; where there is only one, its beginning, but not up to a checkpoint: retention does so."""
    names = list(files)
    if len(names) > 2:
        return {name: data for name, data in files.items() if name != rng.choice(names[1:-1])}
    return edited(files, rng, lambda data: b"".join(lines_of(data)[2:]), [LOG])


def doubled(files, rng, other):
    """A whole file again, under another name of the log."""
    names = list(files)
    name = rng.choice(names[:-1]) if len(names) > 1 else LOG
    data = gzip.decompress(files[name]) if name.endswith(".gz") else files[name]
    if len(names) == 1:
        return {LOG: data + data}
    return {**files, f"{LOG}.7": data}


def left_behind(files, rng, other):
    """Compressed, whole or in part, beside the file that it was made of."""
    name = rng.choice([name for name in files if not name.endswith(".gz")])
    packed = gzip.compress(files[name])
    return {**files, f"{name}.gz": packed[:rng.choice((len(packed), len(packed) // 2))]}


KINDS = {
    "a bit": lambda files, rng, other: edited(files, rng, lambda data: flip(data, rng)),
    "a bit of a packed line": lambda files, rng, other: edited(files, rng, lambda data: flip(data, rng), [n for n in files if n.endswith(".gz")] or None),
    "swapped": lambda files, rng, other: edited(files, rng, lambda data: swapped(data, rng)),
    "a line is missing": lambda files, rng, other: edited(files, rng, lambda data: without(data, rng)),
    "a line twice": lambda files, rng, other: edited(files, rng, lambda data: twice(data, rng)),
    "cut": lambda files, rng, other: edited(files, rng, lambda data: cut(data, rng), [LOG]),
    "every hash renamed": everywhere(b',"hash":"', b',"hasH":"'),
    "every prev renamed": everywhere(b',"prev":"', b',"prEv":"'),
    "every hash in capitals": lambda files, rng, other: edited(files, rng, lambda data: b"".join(line[:-67] + line[-67:].upper() for line in lines_of(data))),
    "blanks": everywhere(b'","', b'", "'),
    "DOS lines": everywhere(b"\n", b"\r\n"),
    "no line ends": everywhere(b"\n", b""),
    "UTF-16": recoded("utf-16"),
    "UTF-16 without mark": recoded("utf-16-le"),
    "a mark of order": lambda files, rng, other: edited(files, rng, lambda data: b"\xef\xbb\xbf" + data),
    "from another log": mixed,
    "something between": inserted,
    "something behind": trailing,
    "random bytes": replaced(lambda rng: rng.randbytes(5_000)),
    "zeros": replaced(lambda rng: b"\0" * 5_000),
    "another program's": replaced(lambda rng: b'{"level":"info","msg":"listening"}\n' * 20),
    "compressed otherwise": packed_wrongly,
    "packed and damaged": packed_damaged,
    "packed and cut": packed_cut,
    "packed and more": packed_and_more,
    "forged": forged,
    "a file is missing": dropped,
    "a file twice": doubled,
    "compressed and left": left_behind,
}


def corpus(files, other, number, seed=1, kinds=None):
    """So many (name, files), each damaged in some way."""
    rng = random.Random(seed)
    names = kinds or list(KINDS)
    for at in range(number):
        name = names[at % len(names)]
        for _ in range(20):
            damaged = KINDS[name](dict(files), rng, other)
            if damaged != files:
                yield f"{name} {at}", damaged
                break
        # Else it has nothing to change there: a CSV has no hashes.
