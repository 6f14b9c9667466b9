"""Policies run over the signals of the warehouse: what each layer would do, and which sessions each one decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.hedge import CalendarListing
from transforms.layers import LayerPath, LayerState, Reason, describe_reason, run_layers
from transforms.layers.decide import ROLES, build_layer_inputs, build_layer_settings
from transforms.policy.identity import policy_hash
from transforms.policy.model import Policy
from warehouse.expressions import Truth, Truths
from warehouse.policy_tables import PolicyInForce

_MARKET = """
select
    signal.trade_date,
    curve.vx1_expiry_date,
    signal.vx1_settle_pts,
    sensitivity.vx1_held_change_pts,
    sensitivity.vx2_held_change_pts,
    signal.vx1_beta_ratio,
    signal.vx2_beta_ratio,
    signal.rv_excursions
from mart.daily_signals as signal
join mart.daily_term_structure as curve on curve.trade_date = signal.trade_date
left join mart.daily_sensitivities as sensitivity on sensitivity.trade_date = signal.trade_date
order by signal.trade_date
"""


@dataclass(frozen=True, eq=False)
class Reign:
    """A policy, what its layers would do on every session, and the sessions it decides (a slice of them)."""

    policy: Policy
    policy_hash: str
    path: LayerPath
    span: slice


def read_market(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return `transforms.layers.decide.MARKET_COLUMNS` by ``trade_date``, one row a session of the signals."""
    return connection.execute(_MARKET).df()


def run_policy(
    policy: Policy,
    truths: Truths,
    market: pd.DataFrame,
    reading: str | None = None,
    calendars: CalendarListing | None = None,
) -> LayerPath:
    """Run a policy over the whole history.

    Parameters
    ----------
    truths
        Of the policy's rules, over the sessions of `market`.
    reading
        Another reading of the temporal layer than the policy's own.
    calendars
        Where call calendars are listed: the second engine is then constructible where the policy's rule and the
        listing both say so. None: where the rule says so.
    """
    machine = policy.machine()
    settings = build_layer_settings(machine, reading=reading)
    roles = {name: truths.of(policy, layer, role) for name, (layer, role) in ROLES.items()}
    roles["signal_guards"] = truths.guards(policy)
    path = run_layers(build_layer_inputs(market, roles), settings)
    if calendars is None or not (path.second_state == LayerState.ACTIVE).any():
        return path
    # Nothing else depends on the second engine, so that it acts at most where it acted when nothing stood against it.
    fits = calendars.is_constructible(machine, path)
    if (fits == 1).all():
        return path
    roles["constructible"] = _both(roles["constructible"], fits)
    return run_layers(build_layer_inputs(market, roles), settings)


def _both(rule: Truth | None, fits: Truth) -> Truth:
    """Three-valued AND: false where either is, else not evaluable where either is."""
    return fits if rule is None else np.where((rule == 0) | (fits == 0), 0, np.minimum(rule, fits)).astype(np.int8)


@dataclass(frozen=True, eq=False)
class PolicyPaths:
    """What policies would do on one history, each run once: readings and comparisons ask for the same paths.

    Parameters
    ----------
    truths, market, calendars
        As in `run_policy`, of every policy that is asked for.
    """

    truths: Truths
    market: pd.DataFrame
    calendars: CalendarListing | None = None
    _run: dict[tuple[str, str], LayerPath] = field(default_factory=dict, init=False, repr=False)

    def of(self, policy: Policy, reading: str | None = None) -> LayerPath:
        """Return a policy's path, in another reading of the temporal layer than its own where one is named."""
        key = policy_hash(policy), reading or str(policy.machine()["reading"])
        if key not in self._run:
            self._run[key] = run_policy(policy, self.truths, self.market, key[1], self.calendars)
        return self._run[key]


def list_spans(in_force: Sequence[PolicyInForce], days: pd.Series) -> list[tuple[PolicyInForce, slice]]:
    """Return the policies that decide a session, each with its sessions; without any session, the first one.

    Parameters
    ----------
    in_force
        In the order of their first sessions; the first one decides everything before the second.
    days
        Sessions, ascending.
    """
    starts = [
        int(days.searchsorted(pd.Timestamp(entry.effective_from))) if number and entry.effective_from else 0
        for number, entry in enumerate(in_force)
    ]
    spans = [slice(start, end) for start, end in zip(starts, [*starts[1:], len(days)], strict=True)]
    deciding = [(entry, span) for entry, span in zip(in_force, spans, strict=True) if span.start < span.stop]
    return deciding or [(in_force[0], slice(0, 0))]


def name_codes(kind: type[IntEnum], codes: npt.NDArray[np.int8]) -> npt.NDArray[np.object_]:
    """Return the names of codes in lower case, shape (n,)."""
    names = np.full(max(kind) + 1, None, dtype=object)
    for member in kind:
        names[member] = member.name.lower()
    return names[codes]


def describe_codes(states: npt.NDArray[np.int8], reasons: npt.NDArray[np.int8]) -> npt.NDArray[np.object_]:
    """Return the sentence of each session's state and reason, shape (n,)."""
    pairs, places = np.unique(np.stack([states, reasons]), axis=1, return_inverse=True)
    said = [describe_reason(LayerState(int(state)), Reason(int(reason))) for state, reason in pairs.T]
    return np.array(said, dtype=object)[places.reshape(-1)]
