"""Paths of many policies: the state machine, compiled, on truths that were evaluated once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.hedge.run import Stretch
from transforms.layers.decide import ROLES, build_layer_inputs, build_layer_settings
from transforms.layers.records import LayerInputs, LayerSettings, Truths
from transforms.layers.run import run_many_layers
from transforms.sweep.market import SweepMarket


@dataclass(frozen=True, kw_only=True, eq=False)
class SweepCase:
    """A policy before it is decided.

    Parameters
    ----------
    machine
        What the policy states (:meth:`Policy.machine`).
    truths
        Of its rules over the sessions, by role as `build_layer_inputs` takes them.
    values
        Every number of the policy by its own name.
    reading
        Another reading of the temporal layer than the policy's own.
    """

    machine: Mapping[str, Any]
    truths: Mapping[str, Truths | None]
    values: Mapping[str, float]
    reading: str | None = None


def decide_stretches(market: SweepMarket, signals: pd.DataFrame, cases: Iterable[SweepCase]) -> Iterator[Stretch]:
    """Run the state machine on many policies, one after the other as they are asked for.

    Parameters
    ----------
    market
        Where calendars are listed.
    signals
        One row a session, as `build_layer_inputs` takes it.
    cases
        The policies.

    Yields
    ------
    Stretch
        Each over all sessions, for `run_policies` and `run_hedge`. States, steps and rolls are those of
        ``warehouse.policy_paths.run_policy``; reasons may name what is not constructible where that names something
        else that is not known, because the second engine is asked about every session at once.
    """
    unruled = build_layer_inputs(signals, dict.fromkeys((*ROLES, "signal_guards")))
    told: list[SweepCase] = []

    def prepare() -> Iterator[tuple[LayerInputs, LayerSettings]]:
        for case in cases:
            told.append(case)
            truths: dict[str, Any] = dict(case.truths)
            truths["constructible"] = join_permissions(truths["constructible"], market.is_constructible(case.machine))
            yield replace(unruled, **truths), build_layer_settings(case.machine, reading=case.reading)

    for path in run_many_layers(prepare()):
        case = told.pop()
        yield Stretch(
            machine=case.machine,
            values=case.values,
            path=path,
            span=slice(0, len(path)),
            open_shorts=case.truths["open_shorts"],
            reading=case.reading,
        )


def join_permissions(rule: Truths | None, fits: npt.NDArray[np.int8]) -> Truths:
    """Three-valued AND: false where either is, else not evaluable where either is."""
    return fits if rule is None else np.where((rule == 0) | (fits == 0), 0, np.minimum(rule, fits)).astype(np.int8)
