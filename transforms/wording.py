"""Words for people: what they may have meant."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def nearest(name: str, known: Collection[str], otherwise: str) -> str:
    """Return the known names that look most like ``name``, or what to say when none does."""
    found = get_close_matches(name.lower(), sorted(known), n=3, cutoff=0.6)
    return " or ".join(found) if found else otherwise
