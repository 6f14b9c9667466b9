"""A document that carries the hash of everything else in it, so that damage shows wherever it is.

The hash has no key: it shows that something changed, not who meant it. What shows more (the published warehouse, which
lists every raw file; the policy log, which names the warehouse) is built on top.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from transforms.hash_chain import sha256_hex

SEAL = "content_sha256"


def seal(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with its seal, the last of its entries; what JSON does not know is written as text."""
    plain = json.loads(json.dumps({key: value for key, value in document.items() if key != SEAL}, default=str))
    return {**plain, SEAL: _hash_of(plain)}


def find_damage(document: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what a sealed document was found to be and what its seal says; None where they agree."""
    actual = _hash_of({key: value for key, value in document.items() if key != SEAL})
    stated = document.get(SEAL)
    return None if actual == stated else (f"content of hash {actual}", f"the hash that it states, {stated}")


def _hash_of(document: Mapping[str, Any]) -> str:
    # Python writes a float in its shortest form that reads back as the same number: one spelling each.
    return sha256_hex(json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii"))
