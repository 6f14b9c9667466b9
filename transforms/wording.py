"""Words for people: what they may have meant, and nothing that acts on their terminal."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

# Control characters but tab and line end, those of Unicode that turn the direction of a text or take no room, and
# its own line ends. A terminal acts on the first; the others make a text read other than it is.
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def make_harmless(text: str) -> str:
    """Return a text as it can be shown on a terminal: what would act on it is written as ``\\x1b`` or ``\\u202e``."""
    return _ACTING.sub(lambda sign: _escape(ord(sign[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def escape_json(text: str) -> str:
    """Return JSON text with the same characters as escapes of JSON: another spelling of the same document."""
    return _ACTING.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def nearest(name: str, known: Collection[str], otherwise: str) -> str:
    """Return the known names that look most like ``name``, or what to say when none does."""
    found = get_close_matches(name.lower(), sorted(known), n=3, cutoff=0.6)
    return " or ".join(found) if found else otherwise
