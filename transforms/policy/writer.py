"""Writing a policy as a file: TOML that reads back as the same policy, to the last bit of every number."""

from __future__ import annotations

import json
from collections.abc import Iterator

from transforms.policy.model import GUARDS, SETTINGS, Policy, Rule


def write_policy(policy: Policy) -> str:
    """Return a policy as the TOML text that `transforms.policy.loader.read_policy` reads.

    Comments of the file it came from are not kept: a policy does not hold them.
    """
    return "\n".join(_lines(policy)) + "\n"


def _lines(policy: Policy) -> Iterator[str]:
    yield f"schema_version = {policy.schema_version}"
    yield f"name = {_text(policy.name)}"
    yield f"description = {_text(policy.description)}"
    # A policy may have no parameter, and its file none the less says so.
    yield from ("", "[parameters]")
    for entry in policy.parameters:
        yield from ("", f"[parameters.{entry.name}]")
        # repr is the shortest text that reads back as the same float
        yield from (f"{name} = {getattr(entry, name)!r}" for name in ("value", "lowest", "highest"))
        yield from (f"{name} = {_text(getattr(entry, name))}" for name in ("unit", "provenance", "meaning"))
    for layer in policy.layers:
        yield from ("", f"[layers.{layer.name}]", f"is_enabled = {_flag(layer.is_enabled)}")
        if layer.setting is not None:
            yield f"{SETTINGS[layer.name][0]} = {_text(layer.setting)}"
    for rule in policy.rules:
        yield from _rule_lines(rule)


def _rule_lines(rule: Rule) -> Iterator[str]:
    yield from ("", f"[{GUARDS}.{rule.role}]" if rule.layer == GUARDS else f"[rules.{rule.name}]")
    yield from (f"{name} = {_text(getattr(rule, name))}" for name in ("expression", "provenance", "meaning"))
    yield from (f"{name} = true" for name in ("may_never_hold", "may_always_hold") if getattr(rule, name))


def _text(text: str) -> str:
    # A text of JSON is one of TOML too, but for DEL; letters stay as they are, because TOML knows no surrogates.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _flag(value: bool) -> str:
    return "true" if value else "false"
