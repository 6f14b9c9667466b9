"""The identity of a policy: one canonical form, and its hash.

The hash stands on every state row, report and signature. Two files have the same hash if and only if they
say the same: order of keys, comments, spaces, 25 or 25.0, and the spelling of an expression do not matter;
every number, name, unit, range, provenance, text and condition does.
"""

from __future__ import annotations

import json
import unicodedata
from hashlib import sha256
from typing import Any

from transforms.policy.expression import format_number
from transforms.policy.model import Policy


def canonical_form(policy: Policy) -> dict[str, Any]:
    """Return a policy as plain tables, every value in one spelling; numbers are texts."""
    return {
        "schema_version": policy.schema_version,
        "name": policy.name,
        "description": _even(policy.description),
        "parameters": {
            entry.name: {
                "value": format_number(entry.value),
                "unit": _even(entry.unit),
                "lowest": format_number(entry.lowest),
                "highest": format_number(entry.highest),
                "provenance": entry.provenance,
                "meaning": _even(entry.meaning),
            }
            for entry in policy.parameters
        },
        "layers": {layer.name: {"is_enabled": layer.is_enabled, "setting": layer.setting} for layer in policy.layers},
        "rules": {
            rule.name: {
                "expression": rule.canonical_expression,
                "provenance": rule.provenance,
                "meaning": _even(rule.meaning),
                "may_never_hold": rule.may_never_hold,
                "may_always_hold": rule.may_always_hold,
            }
            for rule in policy.rules
        },
    }


def canonical_text(policy: Policy) -> str:
    """Return the canonical form as JSON: sorted keys, no spaces, ASCII."""
    return json.dumps(canonical_form(policy), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def policy_hash(policy: Policy) -> str:
    """Return the SHA-256 of the canonical text, 64 hexadecimal digits."""
    return sha256(canonical_text(policy).encode("ascii")).hexdigest()


def _even(text: str) -> str:
    # one form for letters with accents, which keyboards write in two ways
    return " ".join(unicodedata.normalize("NFC", text).split())
