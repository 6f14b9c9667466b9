"""Reading a policy file: TOML in, a checked ``Policy`` out, or an error that names the line.

Nothing is guessed and nothing is ignored: a key nobody reads, a parameter nothing uses and a rule that
could never hold are refused, because each of them is a policy other than the one its author meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any, ClassVar

from transforms.errors import PolicyError
from transforms.policy.expression import LARGEST_NUMBER, Node
from transforms.policy.machine import MACHINE, check_machine, is_of_use, needed
from transforms.policy.model import (
    GUARDS,
    PROVENANCES,
    ROLES,
    SCHEMA_VERSION,
    SETTINGS,
    Layer,
    Parameter,
    Policy,
    Rule,
)
from transforms.policy.source import PolicyFile
from transforms.policy.tokens import check_words, tokenise
from transforms.policy.types import check_condition
from transforms.registry import ColumnInfo
from transforms.toml_file import TomlReader, show_value
from transforms.wording import nearest

PRESETS = ("article", "canon", "static", "none", "vxth", "vpd", "veqtor")
"""The policies that are shipped, the default first."""

Parse = Callable[[str], Node]
"""Parses one expression: ``warehouse.expressions.parse_expression``."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_POLICY_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")

_TOP_KEYS = ("schema_version", "name", "description", "parameters", "layers", "rules", GUARDS)
_PARAMETER_KEYS = ("value", "unit", "lowest", "highest", "provenance", "meaning")
_RULE_KEYS = ("expression", "provenance", "meaning")
_RULE_FLAGS = ("may_never_hold", "may_always_hold")


def preset_text(name: str) -> str:
    """Return the TOML text of a shipped policy.

    Raises
    ------
    PolicyError
        If there is no such preset.
    """
    if name not in PRESETS:
        raise PolicyError(
            "there is no such preset",
            found=name,
            expected=nearest(name, PRESETS, ", ".join(PRESETS)),
            next_step=f"presets: {', '.join(PRESETS)}",
        )
    return files("transforms.policy").joinpath("presets", f"{name}.toml").read_text(encoding="utf-8")


def read_policy(text: str, *, columns: Mapping[str, ColumnInfo], where: str, parse: Parse) -> Policy:
    """Read and check a policy.

    Parameters
    ----------
    text
        The TOML file.
    columns
        The columns rules may use: those of ``mart.daily_signals``, from the registry.
    where
        Name of the file, for errors.
    parse
        Parses one expression.

    Raises
    ------
    PolicyError
        At the first thing that cannot be used; ``where`` is ``file:line``.
    """
    source = PolicyFile(text.removeprefix("\ufeff"), where)
    return _Reader(source, columns, parse).policy(source.tables())


@dataclass(frozen=True)
class _Reader(TomlReader):
    largest_number: ClassVar[float] = LARGEST_NUMBER

    columns: Mapping[str, ColumnInfo]
    parse: Parse

    def policy(self, tables: dict[str, Any]) -> Policy:
        """Read the whole file."""
        self.check_keys((), tables, _TOP_KEYS[:5], _TOP_KEYS[5:])
        if tables["schema_version"] != SCHEMA_VERSION or isinstance(tables["schema_version"], bool | float):
            self.fail(
                ("schema_version",),
                "the policy is written for another version of the format",
                found=show_value(tables["schema_version"]),
                expected=str(SCHEMA_VERSION),
            )
        name = self.text((), tables, "name")
        if not _POLICY_NAME.fullmatch(name):
            self.fail(("name",), "the name is not one", found=repr(name), expected="small letters, digits, - and _")
        parameters = tuple(
            self.parameter(("parameters", key), body)
            for key, body in sorted(self.table((), tables, "parameters").items())
        )
        layers = self.layers(self.table((), tables, "layers"))
        rules = self.rules(tables, parameters)
        policy = Policy(SCHEMA_VERSION, name, self.text((), tables, "description"), parameters, layers, rules)
        self.check_whole(policy)
        return policy

    def parameter(self, path: tuple[str, ...], body: Any) -> Parameter:
        """Read one parameter."""
        name = path[-1]
        self.check_name(path)
        self.check_keys(path, body, _PARAMETER_KEYS)
        entry = Parameter(
            name,
            self.number(path, body, "value"),
            self.text(path, body, "unit"),
            self.number(path, body, "lowest"),
            self.number(path, body, "highest"),
            self.provenance(path, body),
            self.text(path, body, "meaning"),
        )
        if not entry.lowest <= entry.value <= entry.highest:
            is_range = entry.lowest > entry.highest
            self.fail(
                (*path, "highest" if is_range else "value"),
                f"the range of {name} is empty" if is_range else f"the parameter {name} is outside of its range",
                found=f"{entry.lowest:g} to {entry.highest:g}" if is_range else f"{entry.value:g} {entry.unit}",
                expected="lowest below highest" if is_range else f"{entry.lowest:g} to {entry.highest:g}",
                next_step="mend the value; widening the range is a change of policy of its own",
            )
        machine = MACHINE.get(name)
        if machine is not None:
            if entry.unit != machine.unit:
                self.fail(
                    (*path, "unit"),
                    f"the machine reads {name} in another unit",
                    found=entry.unit,
                    expected=machine.unit,
                )
            for key, value in (("value", entry.value), ("lowest", entry.lowest), ("highest", entry.highest)):
                self.located((*path, key), partial(machine.check, name, value))
        return entry

    def layers(self, body: Mapping[str, Any]) -> tuple[Layer, ...]:
        """Read the switches of the layers."""
        self.check_keys(("layers",), body, tuple(ROLES))
        found = []
        for name in ROLES:
            path = ("layers", name)
            key, choices = SETTINGS.get(name, ("", ()))
            self.check_keys(path, body[name], ("is_enabled",), (key,) if key else ())
            is_enabled = self.flag(path, body[name], "is_enabled")
            setting = self.text(path, body[name], key) if key in body[name] else None
            if setting is not None and setting not in choices:
                self.fail(
                    (*path, key),
                    f"the layer {name} has no such {key}",
                    found=setting,
                    expected=nearest(setting, choices, ", ".join(choices)),
                )
            if setting is None and key and is_enabled:
                self.fail(path, f"the layer {name} is enabled without its {key}", expected=f"{key} = one of {choices}")
            found.append(Layer(name, is_enabled, setting))
        return tuple(found)

    def rules(self, tables: Mapping[str, Any], parameters: Collection[Parameter]) -> tuple[Rule, ...]:
        """Read the rules of every layer, and the guards."""
        found = []
        by_layer = self.table((), tables, "rules") if "rules" in tables else {}
        self.check_keys(("rules",), by_layer, (), tuple(ROLES))
        for layer in by_layer:
            roles = self.table(("rules",), by_layer, layer)
            self.check_keys(("rules", layer), roles, (), tuple(ROLES[layer]), what="role")
            found += [self.rule(("rules", layer, role), layer, roles[role], parameters) for role in roles]
        guards = self.table((), tables, GUARDS) if GUARDS in tables else {}
        for name in guards:
            self.check_name((GUARDS, name))
            found.append(self.rule((GUARDS, name), GUARDS, guards[name], parameters))
        return tuple(sorted(found, key=lambda rule: (rule.layer, rule.role)))

    def rule(self, path: tuple[str, ...], layer: str, body: Any, parameters: Collection[Parameter]) -> Rule:
        """Read one rule and check its expression."""
        self.check_keys(path, body, _RULE_KEYS, _RULE_FLAGS)
        expression = " ".join(self.text(path, body, "expression", longest=None).split())
        units = {parameter.name: parameter.unit for parameter in parameters}
        values = {parameter.name: parameter.value for parameter in parameters}

        def condition() -> Node:
            check_words(tokenise(expression), self.columns, values)
            return check_condition(self.parse(expression), self.columns, units, values)

        flags = {key: self.flag(path, body, key) for key in _RULE_FLAGS if key in body}
        return Rule(
            layer,
            path[-1],
            expression,
            self.located((*path, "expression"), condition),
            self.provenance(path, body),
            self.text(path, body, "meaning"),
            **flags,
        )

    def check_whole(self, policy: Policy) -> None:
        """Check what only the whole policy shows: required rules and parameters, and idle ones."""
        on = {layer.name: layer.setting for layer in policy.layers if layer.is_enabled}
        if "second_engine" in on and "temporal_vega" not in on:
            self.fail(
                ("layers", "second_engine", "is_enabled"),
                "the second engine opens only while temporal_vega is active, which is switched off",
                expected="both enabled, or second_engine switched off",
            )
        for layer in on:
            required = [role for role, need in ROLES[layer].items() if need == "required"]
            for role in required:
                if policy.rule(layer, role) is None:
                    self.fail(
                        ("layers", layer),
                        f"the layer {layer} is enabled without the rule it needs",
                        found=f"no [rules.{layer}.{role}]",
                        expected=f"the roles {', '.join(required)}",
                        next_step="add the rule, or switch the layer off",
                    )
        values = policy.values
        for name in needed(on):
            entry = MACHINE[name]
            if name not in values:
                self.fail(
                    ("parameters",),
                    "a number the state machine needs is missing",
                    found=f"no [parameters.{name}]",
                    expected=f"{name} in {entry.unit}, from {entry.lowest:g} to {entry.highest:g}",
                    next_step="add it: no number has a silent default",
                )
        used = {name for rule in policy.rules for name in rule.parameters}
        for parameter in policy.parameters:
            if parameter.name not in used and not is_of_use(parameter.name, policy.layer("base").setting):
                self.fail(
                    ("parameters", parameter.name),
                    "a parameter is used by no rule and by no layer",
                    found=parameter.name,
                    expected=nearest(parameter.name, set(MACHINE) - set(values), f"a rule with ${parameter.name}"),
                    next_step="use it or remove it: a number without effect misleads",
                )
        self.located(("parameters",), lambda: check_machine(values))

    # ---- single values ----

    def check_name(self, path: tuple[str, ...]) -> None:
        """Refuse a parameter's or guard's name that no expression could use."""
        if not _NAME.fullmatch(path[-1]):
            self.fail(path, "this is not a name", found=repr(path[-1]), expected="small letters, digits and _")

    def provenance(self, path: tuple[str, ...], body: Mapping[str, Any]) -> str:
        """Return whose word it is."""
        found = self.text(path, body, "provenance")
        if found not in PROVENANCES:
            self.fail(
                (*path, "provenance"),
                "unknown provenance",
                found=found,
                expected=nearest(found, PROVENANCES, ", ".join(PROVENANCES)),
                next_step="'ours' is the choice of whoever keeps the policy",
            )
        return found

    # ---- errors ----

    def located(self, path: tuple[str, ...], check: Callable[[], Any]) -> Any:
        """Run a check; an error it raises is given the line of ``path``."""
        try:
            return check()
        except PolicyError as error:
            error.where = self.source.place(path)
            raise
