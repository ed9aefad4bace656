# SPDX-License-Identifier: GPL-3.0-only
"""Made-up secrets and personal data, each for one place, and the search for them in any encoding."""
import base64
import gzip
import re
import secrets
import string
from urllib.parse import unquote_to_bytes

PREFIXED = ("sk-", "sk-ant-api03-", "AIza", "api_", "ghp_", "tok-", "gsk_", "xai-", "hf_", "github_pat_")
KEYS = (*PREFIXED, "no prefix")
KINDS = (*KEYS, "e-mail", "phone")


def letters(count, of=string.ascii_letters + string.digits):
    return "".join(secrets.choice(of) for _ in range(count))


def encodings(needle):
    """What to look for, in lower case, by the name of the encoding. Base64 has three forms: up to two bytes before the needle
    share a character with its beginning."""
    forms = {"raw": needle, "hex": needle.hex().encode(), "UTF-16": needle.decode("latin-1").encode("utf-16-le")[:-1]}
    for before in range(3):
        begin, end = (before * 8 + 5) // 6, (before + len(needle)) * 8 // 6
        forms[f"base64, {before} before"] = base64.b64encode(bytes(before) + needle)[begin:end]
        forms[f"base64url, {before} before"] = base64.urlsafe_b64encode(bytes(before) + needle)[begin:end]
    return {name: form.lower() for name, form in forms.items()}


def contents(path):
    data = path.read_bytes()
    return gzip.decompress(data) if path.name.endswith(".gz") else data


class Canaries:
    """All that was planted. Places and encodings are told of what is found, never a value."""
    HEAD = 10  # bytes that are looked up at each place of what is searched

    def __init__(self):
        self.planted, self.heads = [], {}

    def know(self, place, needle, allowed=frozenset()):
        """The needle is what no mask shows of the secret: one that is cut, or masked too little, is found too."""
        self.planted.append(place)
        for encoding, form in encodings(needle if isinstance(needle, bytes) else needle.encode()).items():
            self.heads.setdefault(form[:self.HEAD], []).append((place, encoding, form, allowed))

    def new(self, kind, place, allowed=frozenset()):
        """A new canary's value; it may be found on the allowed surfaces."""
        if kind == "e-mail":
            needle = letters(16) + ".jane"
            value = needle + "@mail.example"
        elif kind == "phone":
            needle = letters(12, string.digits)
            value = f"+49{needle}0"
        else:
            value = letters(38)
            needle, value = value[8:-8], value if kind == "no prefix" else kind + value
        self.know(f"{kind} in {place}", needle, allowed)
        return value

    def search(self, surface, data):
        """What was planted where, and the encoding, of each canary that must not be on that surface."""
        found = {}
        plain = data.lower()
        decoded = re.sub(rb"\\u00([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), plain).replace(b"\\/", b"/")
        decoded = unquote_to_bytes(decoded).lower()
        for text, how in ((plain, ""), (decoded, " behind escapes of URLs or JSON")):
            if how and text == plain:
                continue
            for at in [at for at in range(len(text)) if text[at:at + self.HEAD] in self.heads]:
                for place, encoding, form, allowed in self.heads[text[at:at + self.HEAD]]:
                    if surface not in allowed and text.startswith(form, at):
                        found.setdefault(place, encoding + how)
        return sorted(found.items())
