"""A policy as data: parameters, layers, rules and guards, all frozen.

The file format is read by ``loader``; the expressions are trees of ``expression.Node``. Nothing here
knows a session or a price.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from transforms.errors import PolicyError
from transforms.policy.expression import Node, render_text
from transforms.policy.machine import MACHINE, check_machine, machine_parameters
from transforms.wording import nearest

SCHEMA_VERSION = 1
PROVENANCES = ("article", "canon", "literature", "ours")
GUARDS = "guards"
"""The name under which the governor's guards stand beside the layers."""

Role = Literal["required", "optional"]

ROLES: Mapping[str, Mapping[str, Role]] = {
    "base": {"listed": "required", "roll_early": "optional", "roll_forced": "optional"},
    "temporal_vega": {"arm": "required", "full": "optional", "leave": "required", "converge": "optional"},
    "second_engine": {"open": "required", "close_shorts": "required", "constructible": "optional"},
}
"""The rules each layer knows. An optional role that is left out is no gate at all."""

LAYERS = tuple(ROLES)
"""The layers in the order of the methodology."""

POLICY_CHANGE = "another policy is in force from this session on"
"""The reason of a transition that the change of policy made, and no rule."""

SETTINGS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "base": ("sizing", ("condor_band", "fixed_notional", "calls", "vxth", "vpd", "veqtor")),
    "temporal_vega": ("reading", ("equal_vega", "contracts", "base_matched", "short_front")),
}
"""The one setting of a layer beside ``is_enabled``: its key and its values."""


@dataclass(frozen=True)
class Parameter:
    """One number that a rule or the state machine uses.

    Attributes
    ----------
    value, lowest, highest
        In ``unit``; ``lowest <= value <= highest``.
    provenance
        Whose word it is: one of ``PROVENANCES``.
    """

    name: str
    value: float
    unit: str
    lowest: float
    highest: float
    provenance: str
    meaning: str


@dataclass(frozen=True)
class Rule:
    """One condition of a layer, or one guard of the governor.

    Attributes
    ----------
    layer
        A layer, or ``guards``.
    role
        What the condition decides (``ROLES``), or the guard's name.
    expression
        As written, spaces evened out.
    condition
        The parsed, checked expression.
    may_never_hold, may_always_hold
        A rule that never, or always, holds on the data is refused unless it says that it may.
    """

    layer: str
    role: str
    expression: str
    condition: Node
    provenance: str
    meaning: str
    may_never_hold: bool = False
    may_always_hold: bool = False

    @property
    def name(self) -> str:
        """``layer.role``, as in the file."""
        return f"{self.layer}.{self.role}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of ``mart.daily_signals`` the rule looks at, in order of appearance."""
        return self.condition.columns

    @property
    def parameters(self) -> tuple[str, ...]:
        """Parameters the rule refers to, in order of appearance."""
        return self.condition.parameters

    @property
    def canonical_expression(self) -> str:
        """The expression in one spelling: the same for every way of writing the same condition."""
        return render_text(self.condition)


@dataclass(frozen=True)
class Layer:
    """One layer: on or off, and its setting (sizing of the base, reading of the temporal layer)."""

    name: str
    is_enabled: bool
    setting: str | None = None


@dataclass(frozen=True)
class Policy:
    """A whole policy. Parameters and rules are in the order of their names, so equal policies are equal."""

    schema_version: int
    name: str
    description: str
    parameters: tuple[Parameter, ...]
    layers: tuple[Layer, ...]
    rules: tuple[Rule, ...]

    @property
    def values(self) -> dict[str, float]:
        """Value of every parameter by name."""
        return {parameter.name: parameter.value for parameter in self.parameters}

    @property
    def guards(self) -> tuple[Rule, ...]:
        """The governor's guards."""
        return self.rules_of(GUARDS)

    def layer(self, name: str) -> Layer:
        """Return a layer by name."""
        return next(layer for layer in self.layers if layer.name == name)

    def rules_of(self, layer: str) -> tuple[Rule, ...]:
        """Return the rules of a layer (or ``guards``), in the order of the roles."""
        order = tuple(ROLES.get(layer, ()))
        found = [rule for rule in self.rules if rule.layer == layer]
        return tuple(sorted(found, key=lambda rule: (order.index(rule.role) if rule.role in order else 0, rule.role)))

    def rule(self, layer: str, role: str) -> Rule | None:
        """Return one rule, or None where the policy has no such gate."""
        return next((rule for rule in self.rules if (rule.layer, rule.role) == (layer, role)), None)

    def machine(self) -> dict[str, float | int | bool | str]:
        """Return what the state machine needs beside the truths of the rules.

        Returns
        -------
        dict
            ``is_<layer>_enabled``, ``sizing``, ``reading``, and every machine parameter; one that the
            policy does not need and does not state has its neutral value (``machine.MACHINE``). Whole
            numbers are ``int``.
        """
        layers = {layer.name: layer for layer in self.layers}
        return {
            **{f"is_{name}_enabled": layer.is_enabled for name, layer in layers.items()},
            **{key: layers[name].setting or choices[0] for name, (key, choices) in SETTINGS.items()},
            **machine_parameters(self.values),
        }

    def with_values(self, values: Mapping[str, float], *, name: str | None = None) -> Policy:
        """Return the policy with other values of some parameters, for sweeps.

        Raises
        ------
        PolicyError
            If a parameter is not there, or a value lies outside of its range or the machine's.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for parameter, value in values.items():
            if parameter not in known:
                raise PolicyError(
                    "the policy has no such parameter",
                    where=self.name,
                    found=parameter,
                    expected=nearest(parameter, known, "a parameter of the policy"),
                )
            entry = known[parameter]
            # written so that a value that is not a number fails too
            if not entry.lowest <= value <= entry.highest:
                raise PolicyError(
                    f"the parameter {parameter} is outside of its range",
                    where=self.name,
                    found=f"{value} {entry.unit}",
                    expected=f"{entry.lowest} to {entry.highest}",
                )
            if parameter in MACHINE:
                MACHINE[parameter].check(parameter, float(value))
        changed = tuple(
            replace(parameter, value=float(values[parameter.name])) if parameter.name in values else parameter
            for parameter in self.parameters
        )
        policy = replace(self, parameters=changed, name=name or self.name)
        check_machine(policy.values)
        return policy
