"""Random markets and policies for the compiled walk, walked plainly and compiled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tests.support.ledger_market import Scene, draw_scene
from transforms.hedge.calendars import CalendarListing, _Calendar
from transforms.hedge.market import build_option_market
from transforms.layers import Reading
from transforms.layers.decide import ROLES
from transforms.ledger import CostRules, build_ledger
from transforms.policy.model import Policy
from transforms.positions import (
    SizingRules,
    VixOption,
    build_base_targets,
    build_book,
    build_second_engine_targets,
    build_temporal_targets,
)
from transforms.registry import parameters
from transforms.sweep import AMOUNT_NAMES, LAYER_NAMES, SweepCase, SweepPolicy
from transforms.sweep.arrays import Market
from transforms.sweep.market import Calendar, lay_out_market
from transforms.sweep.run import walk_policies
from warehouse.expressions import Truths

PARAMETERS = {entry.parameter: float(entry.value) for entry in parameters().values()}
TARGETS = {
    "short_call_delta": 0.25,
    "short_wing_delta": 0.1,
    "long_call_delta": 0.2,
    "long_call_least_days": 90.0,
    "long_call_highest_days": 120.0,
}


class MadeCalendars(CalendarListing):
    """Calendars drawn beforehand, in place of those that listed options allow."""

    def put(self, found: dict[int, Calendar | None]) -> MadeCalendars:
        made = {
            session: _Calendar("not constructible: nothing fits", (), float("nan"))
            if one is None
            else _Calendar("ok", one.legs, one.short_loss_bound_usd)
            for session, one in found.items()
        }
        object.__setattr__(self, "made", made)
        return self

    def _find(self, targets: Any, sessions: list[int]) -> dict[int, _Calendar]:
        made: dict[int, _Calendar] = self.made  # type: ignore[attr-defined]
        return made


@dataclass(frozen=True)
class Case:
    """A market, its calendars and a policy."""

    scene: Scene
    calendars: dict[int, Calendar | None]
    policy: SweepPolicy
    nav_usd: float

    def lay_out(self) -> Market:
        return lay_out_market(self.scene.market, self.scene.condor_vega_usd, [self.calendars], self.scene.marks)


def draw_calendars(scene: Scene, rng: np.random.Generator) -> dict[int, Calendar | None]:
    """Call spreads of the second month against the fourth; on some sessions none."""
    market = scene.market
    found: dict[int, Calendar | None] = {}
    for session in range(len(market)):
        near, far = market.expiry_at(session, 2), market.expiry_at(session, 4)
        ticks = market.settled_ticks(session, near) if near is not None else None
        found[session] = None
        if near is None or far is None or not ticks or rng.random() < 0.2:
            continue
        strike, width = float(round(ticks / 10_000 * 1.1) + 1), float(rng.choice([1.0, 2.5, 5.0, 10.0]))
        legs = (
            (VixOption(near, strike), -1),
            (VixOption(near, strike + width), 1),
            (VixOption(far, strike + 2), 1),
        )
        found[session] = Calendar(legs, width * 100)
    return found


def draw_policy(scene: Scene, rng: np.random.Generator) -> SweepPolicy:
    """Numbers of every kind, edges included."""
    sessions = len(scene.market)
    lowest = float(rng.choice([0.0, 0.005, 0.01, 0.02]))
    sizes = SizingRules(
        base_notional_frac=lowest,
        base_notional_highest_frac=lowest * float(rng.choice([1.0, 2.0, 3.5])),
        hedge_ratio=float(rng.choice([0.0, 0.5, 1.5])),
        band_slack_frac=float(rng.choice([0.0, 0.1, 0.3])),
        vxm_below_vx_contracts=float(rng.choice([0.0, 3.0, 10.0, 1000.0])),
        reading=Reading(int(rng.integers(0, 4))),
        short_loss_frac=float(rng.choice([0.0, 0.0005, 0.005, 0.02])),
    )
    shares = sorted(rng.uniform(0, 1, 3).tolist())
    costs = CostRules(
        vx_half_spread_pts=float(rng.choice([0.0, 0.06, 0.05123])),
        vx_fee_usd=float(rng.choice([0.0, 2.5, 1.2345])),
        option_mid_share=shares[0],
        option_part_share=shares[1],
        option_full_share=shares[2],
        futures_margin_frac=float(rng.choice([0.4, 0.25, 0.335])),
    )
    mode = (rng.random(sessions) < rng.choice([0.0, 0.2])).astype(np.int8)
    return SweepPolicy(
        path=replace(scene.path, mode=mode),
        sizes=sizes,
        costs=costs,
        gain_roll_frac=float(rng.choice([0.0, 0.5, 1.0])),
        calendar_set=0,
        open_shorts=rng.choice([1, 1, 1, 0, -1], sessions).astype(np.int8) if rng.random() < 0.5 else None,
    )


def draw_case(seed: int, sessions: int = 90, first: date = date(2020, 6, 1)) -> Case:
    scene, rng = draw_scene(seed, sessions, first), np.random.default_rng([seed, 1])
    nav_usd = float(rng.choice([300_000.0, 1_000_000.0, 37_123_456.78, 1e9]))
    return Case(scene, draw_calendars(scene, rng), draw_policy(scene, rng), nav_usd)


def compile_walk(_: Path) -> None:
    """Walk a case, so that the compiled form lies where every process finds it."""
    case = draw_case(0)
    walk_policies(case.lay_out(), [case.policy], case.nav_usd)


def walk_plainly(case: Case) -> npt.NDArray[np.int64]:
    """Amounts in cents, shape (n, 4, amounts): layers and portfolio, in the order of the sweep."""
    scene, policy = case.scene, case.policy
    listing = MadeCalendars(list(scene.market.days), build_option_market(pd.DataFrame(), None, None, PARAMETERS)).put(
        case.calendars
    )
    machine = TARGETS | {"short_loss_frac": policy.sizes.short_loss_frac}
    common = (scene.market, policy.path, policy.sizes, case.nav_usd)
    base = build_base_targets(*common, scene.condor_vega_usd)
    construct = listing.constructor(machine, policy.path)
    targets = [
        base,
        build_temporal_targets(*common, base),
        build_second_engine_targets(*common, construct, policy.open_shorts),
    ]
    marks = scene.marks
    books = [build_book(one, marks) for one in targets]
    gains = policy.path.gains_rolled_frac.tolist()
    ledger = build_ledger(books, marks, policy.costs, gains, policy.gain_roll_frac)
    return read_cents(ledger.days)


def read_cents(days: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Amounts of a ledger in cents, shape (n, 4, amounts)."""
    parts = []
    for layer in LAYER_NAMES:
        rows = days[days["layer"] == layer]
        columns = [
            rows["unmarked_count"].to_numpy(float)
            if name == "unmarked"
            else (~rows["is_interest_known"].to_numpy(bool)).astype(float)
            if name == "interest_unknown"
            else rows[f"{name}_usd"].to_numpy(float) * 100
            for name in AMOUNT_NAMES
        ]
        parts.append(np.rint(np.stack(columns, axis=1)).astype(np.int64))
    return np.stack(parts, axis=1)


def stack_daily(daily: Any, policy: int = 0, names: Sequence[str] = AMOUNT_NAMES) -> npt.NDArray[np.int64]:
    """Daily amounts of a sweep as `read_cents` gives them; unknown interest is a flag there."""
    stacked = np.stack([daily[name][policy] for name in names], axis=-1)
    place = names.index("interest_unknown")
    stacked[..., place] = np.minimum(stacked[..., place], 1)
    return stacked


def list_cases(policies: Iterable[tuple[Policy, str | None]], truths: Truths) -> Iterator[SweepCase]:
    """Policies and their readings, with the truths that a warehouse evaluated."""
    for policy, reading in policies:
        roles = {name: truths.of(policy, layer, role) for name, (layer, role) in ROLES.items()}
        roles["signal_guards"] = truths.guards(policy)
        yield SweepCase(machine=policy.machine(), truths=roles, values=policy.values, reading=reading)
