"""The rules of a sweep's policies on one path: each condition evaluated once, however many policies have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.hedge.calendars import read_calendar_targets
from transforms.layers.decide import ROLES, build_layer_inputs, build_layer_settings
from transforms.layers.records import LayerInputs
from transforms.layers.run import ALWAYS_GIVEN
from transforms.policy.model import Policy, Rule
from transforms.sweep import SweepMarket
from transforms.sweep.paths import join_permissions
from transforms.sweep.states import TRUTHS, Deciders, TruthTable, build_deciders
from warehouse.expressions import evaluate_conditions, join_guards, rule_sql
from warehouse.home import Home
from warehouse.query import open_published

_CONSTRUCTIBLE = list(ROLES).index("constructible")


@dataclass(frozen=True)
class Conditions:
    """What decides a policy, as SQL: a condition by role, None where it has none, and its guards."""

    by_role: tuple[str | None, ...]
    guards: tuple[str, ...]


class RuleBook:
    """Conditions of policies that share their rules and differ in numbers; written out once for equal numbers."""

    def __init__(self) -> None:
        # The rules are kept beside what is known of them: their identity is the key.
        self._of_rules: dict[int, tuple[tuple[Rule, ...], tuple[str, ...], dict[tuple[float, ...], Conditions]]] = {}

    def find(self, policy: Policy) -> Conditions:
        """Return the conditions of a policy."""
        known = self._of_rules.get(id(policy.rules))
        if known is None:
            names = tuple(sorted({name for rule in policy.rules for name in rule.parameters}))
            known = self._of_rules[id(policy.rules)] = (policy.rules, names, {})
        _, names, found = known
        values = policy.values
        key = tuple([values[name] for name in names])
        if key not in found:
            rules = [policy.rule(layer, role) for layer, role in ROLES.values()]
            found[key] = Conditions(
                by_role=tuple(None if rule is None else rule_sql(policy, rule) for rule in rules),
                guards=tuple(rule_sql(policy, rule) for rule in policy.guards),
            )
        return found[key]


@dataclass(frozen=True, eq=False)
class PathRules:
    """What is known of the rules on one path; it grows as policies ask, and threads may share it.

    Parameters
    ----------
    folder
        Of the path: its warehouse evaluates the conditions.
    signals
        Of the same warehouse, one row a session.
    """

    folder: Path
    signals: pd.DataFrame
    _book: RuleBook = field(default_factory=RuleBook, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)
    _known: list[tuple[LayerInputs, TruthTable]] = field(default_factory=list, init=False, repr=False)

    def build_deciders(
        self, policies: Sequence[Policy], machines: Sequence[Mapping[str, Any]], market: SweepMarket | None = None
    ) -> Deciders:
        """Lay out what decides some policies.

        Parameters
        ----------
        policies, machines
            The policies, and what they state (:meth:`Policy.machine`).
        market
            Where their calendars are listed; None: everywhere.
        """
        with self._lock:
            if not self._known:
                unruled = build_layer_inputs(self.signals, dict.fromkeys(TRUTHS))
                self._known.append((unruled, TruthTable(len(self.signals))))
            unruled, table = self._known[0]
            conditions = [self._book.find(policy) for policy in policies]
            self._evaluate(table, conditions)
            rows_of: dict[tuple[Conditions, int | None], list[int]] = {}
            rows = []
            for one, machine in zip(conditions, machines, strict=True):
                key = (one, None if market is None else market.calendar_sets.get(read_calendar_targets(machine)))
                if key not in rows_of:
                    rows_of[key] = _find_rows(table, one, None if market is None else market.is_constructible(machine))
                rows.append(rows_of[key])
            return build_deciders(unruled, table, rows, [build_layer_settings(machine) for machine in machines])

    def _evaluate(self, table: TruthTable, conditions: Sequence[Conditions]) -> None:
        asked = dict.fromkeys(
            sql for one in dict.fromkeys(conditions) for sql in (*one.by_role, *one.guards) if sql is not None
        )
        missing = [sql for sql in asked if sql not in table]
        if missing:
            with open_published(Home(self.folder)) as connection:
                found = evaluate_conditions(connection, missing).by_sql
            for sql, truth in found.items():
                table.put(sql, truth)


def _find_rows(table: TruthTable, conditions: Conditions, fits: npt.NDArray[np.int8] | None) -> list[int]:
    """Rows of a policy in the order of `TRUTHS`."""
    rows = [
        table.find(sql) if sql is not None else table.ALWAYS if name in ALWAYS_GIVEN else table.NEVER
        for name, sql in zip(ROLES, conditions.by_role, strict=True)
    ]
    if fits is not None:
        row = rows[_CONSTRUCTIBLE]
        rows[_CONSTRUCTIBLE] = table.put(("fits", row, fits.tobytes()), join_permissions(table[row], fits))
    guards = [table[table.find(sql)] for sql in conditions.guards]
    return [*rows, table.put(("guards", conditions.guards), join_guards(guards)) if guards else table.NEVER]
