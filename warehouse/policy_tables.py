"""The policies that decide the layers, in their order, and as tables: what they say and from when on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pandas as pd

from transforms.layers import Layer
from transforms.policy.identity import policy_hash
from transforms.policy.model import GUARDS, Policy
from warehouse.expressions import preset
from warehouse.stored_tables import create_from_frame

DEFAULT_PRESET = "article"

_TYPES = {"value": "double", "effective_from": "date"}


@dataclass(frozen=True)
class PolicyInForce:
    """A policy and the first session it decides; None for all of the past."""

    effective_from: date | None
    policy: Policy
    policy_hash: str


def policies_or_default(policies: Sequence[PolicyInForce]) -> tuple[PolicyInForce, ...]:
    """Return the policies in the order of their first sessions; the default preset where there is none."""
    if not policies:
        default = preset(DEFAULT_PRESET)
        return (PolicyInForce(None, default, policy_hash(default)),)
    return tuple(sorted(policies, key=lambda entry: entry.effective_from or date.min))


def write_policy_tables(connection: duckdb.DuckDBPyConnection, in_force: Sequence[PolicyInForce]) -> None:
    """Write ``ref.policies``, ``ref.policy_rules`` and ``ref.policy_parameters``.

    Parameters
    ----------
    in_force
        In the order of their first sessions. A policy that comes back is listed once, with its first start.
    """
    once = list({entry.policy_hash: entry for entry in reversed(in_force)}.values())[::-1]
    _write(
        connection,
        "ref.policies",
        ("policy_hash", "policy_name", "effective_from"),
        [(entry.policy_hash, entry.policy.name, entry.effective_from) for entry in once],
    )
    _write(
        connection,
        "ref.policy_rules",
        ("policy_hash", "layer", "rule", "expression", "provenance", "meaning"),
        [
            (entry.policy_hash, layer, rule.role, rule.expression, rule.provenance, rule.meaning)
            for entry in once
            for layer in (*Layer, GUARDS)
            for rule in entry.policy.rules_of(layer)
        ],
    )
    _write(
        connection,
        "ref.policy_parameters",
        ("policy_hash", "parameter", "value", "unit", "provenance", "meaning"),
        [
            (entry.policy_hash, one.name, one.value, one.unit, one.provenance, one.meaning)
            for entry in once
            for one in entry.policy.parameters
        ],
    )


def _write(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> None:
    frame = pd.DataFrame([[_plain(cell) for cell in row] for row in rows], columns=list(columns), dtype=object)
    listed = ", ".join(f"{name}::{_TYPES.get(name, 'varchar')} as {name}" for name in columns)
    create_from_frame(connection, table, frame, listed)


def _plain(cell: object) -> object:
    return str(cell) if isinstance(cell, Layer) else cell
