"""What one policy says that another does not, in words, for the person who signs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from transforms.policy.identity import canonical_form
from transforms.policy.model import Policy

Describe = Callable[[Mapping[str, Any]], str]

_WORDS = {
    "value": "value",
    "unit": "unit",
    "lowest": "lowest allowed value",
    "highest": "highest allowed value",
    "provenance": "provenance",
    "meaning": "meaning",
    "expression": "condition",
    "may_never_hold": "permission to never hold",
    "may_always_hold": "permission to always hold",
}


def describe_difference(before: Policy, after: Policy) -> list[str]:
    """Say what changes from one policy to another.

    Returns
    -------
    list of str
        One sentence a change: layers, then rules and guards, then numbers, then texts. Empty if and only
        if both have the same hash.
    """
    first, second = canonical_form(before), canonical_form(after)
    return [
        *_layers(first["layers"], second["layers"]),
        *_entries("rule", first["rules"], second["rules"], _added_rule),
        *_entries("parameter", first["parameters"], second["parameters"], _added_parameter),
        *(
            f"the policy's {key} changes from {first[key]!r} to {second[key]!r}"
            for key in ("name", "description", "schema_version")
            if first[key] != second[key]
        ),
    ]


def _layers(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[str]:
    for name, body in first.items():
        other = second[name]
        if body["is_enabled"] != other["is_enabled"]:
            yield f"the layer {name} is switched {'on' if other['is_enabled'] else 'off'}"
        if body["setting"] != other["setting"]:
            was, becomes = (found["setting"] or "no setting" for found in (body, other))
            yield f"the layer {name} changes from {was} to {becomes}"


def _entries(kind: str, first: Mapping[str, Any], second: Mapping[str, Any], describe: Describe) -> Iterator[str]:
    for name in sorted({*first, *second}):
        label = _label(kind, name)
        if name not in first:
            yield f"{label} is added: {describe(second[name])}"
        elif name not in second:
            yield f"{label} is removed; it was {describe(first[name])}"
        else:
            for key in first[name]:
                was, becomes = (_shown(key, body[name]) for body in (first, second))
                if first[name][key] != second[name][key]:
                    yield f"{label}: {_WORDS[key]} changes from {was} to {becomes}"


def _label(kind: str, name: str) -> str:
    return f"guard {name.removeprefix('guards.')}" if name.startswith("guards.") else f"{kind} {name}"


def _shown(key: str, body: Mapping[str, Any]) -> str:
    value = body[key]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value} {body['unit']}" if key in ("value", "lowest", "highest") else str(value)


def _added_rule(body: Mapping[str, Any]) -> str:
    return f"{body['expression']} ({body['provenance']})"


def _added_parameter(body: Mapping[str, Any]) -> str:
    return f"{body['value']} {body['unit']} ({body['provenance']})"
