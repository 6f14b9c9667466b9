"""Positions and ledger on random markets: against a cash account, to the cent, cut short, and within the limits.

The markets miss prices, VIX closes, rates, sensitivities and option quotes; states are sticky and may do what the
state machine never would. That rolls, settlements, carried orders, refused structures and Time-Shifts all happen
is asserted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.ledger_market import NAV_USD, Scene, bend_after, construct_calendar, draw_scene
from tests.support.ledger_reference import ReferenceDay, age_future, run_reference, whole_cents
from transforms.layers import Reading
from transforms.ledger import CostRules, Ledger, build_ledger
from transforms.positions import (
    LayerBook,
    LayerTargets,
    Marks,
    SizingRules,
    VixOption,
    build_base_targets,
    build_book,
    build_positions,
    build_second_engine_targets,
    build_temporal_targets,
    parse_instrument,
)
from transforms.positions.sizing import compute_loss_bound
from transforms.positions.walk import FillKind

THOROUGH = examples(60)
QUICK = examples(25)
SEEDS = st.integers(0, 2**32 - 1)
READINGS = st.sampled_from(Reading)
PIECES = ("roll_usd", "curve_usd", "theta_usd", "option_move_usd", "cost_usd", "interest_usd")


@dataclass(frozen=True)
class Night:
    scene: Scene
    targets: list[LayerTargets]
    books: list[LayerBook]
    marks: Marks
    positions: pd.DataFrame
    ledger: Ledger


def run_night(scene: Scene, reading: Reading = Reading.EQUAL_VEGA, rules: CostRules | None = None) -> Night:
    sizes = SizingRules(reading=reading)
    common = (scene.market, scene.path, sizes, NAV_USD)
    base = build_base_targets(*common, scene.condor_vega_usd)
    targets = [
        base,
        build_temporal_targets(*common, base),
        build_second_engine_targets(*common, construct_calendar(scene.market)),
    ]
    marks = scene.marks
    books = [build_book(one, marks) for one in targets]
    gains = scene.path.gains_rolled_frac.tolist()
    ledger = build_ledger(books, marks, rules or CostRules(), gains, 0.5)
    return Night(scene, targets, books, marks, build_positions(books, marks), ledger)


def cents(values: pd.Series) -> npt.NDArray[np.int64]:
    whole = np.rint(values.to_numpy() * 100)
    assert np.allclose(values.to_numpy() * 100, whole, atol=1e-4)
    return whole.astype(np.int64)


def rows_of(ledger: Ledger, layer: str) -> pd.DataFrame:
    return ledger.days[ledger.days["layer"] == layer].reset_index(drop=True)


def retell(night: Night, number: int, rules: CostRules) -> list[ReferenceDay]:
    market, pricer = night.scene.market, night.scene.pricer

    def settled(now: int, expiry: date) -> Fraction | None:
        value = market.settle_pts[now, market.expiries.index(expiry)]
        return None if np.isnan(value) else Fraction(round(value * 10_000), 10_000)

    def split(code: str) -> tuple[date, Fraction, str]:
        _, expiry, right, strike = code.split()
        return date.fromisoformat(expiry), Fraction(strike), right

    def price(now: int, code: str) -> Fraction | None:
        if not code.startswith("VIX "):
            return settled(now, date.fromisoformat(code.split()[1]))
        expiry, strike, right = split(code)
        if expiry <= market.days[now]:
            final = settled(now, expiry)
            return None if final is None else max(final - strike if right == "C" else strike - final, Fraction(0))
        quote = pricer.quote(now, VixOption(expiry, float(strike), right == "C"))
        return None if quote is None else Fraction(round(quote.mid_pts * 10_000), 10_000)

    def aged(since: int, now: int, code: str) -> Fraction | None:
        if code.startswith("VIX "):
            expiry, strike, right = split(code)
            value = pricer.pass_time(since, now, VixOption(expiry, float(strike), right == "C"))
            return None if np.isnan(value) else Fraction(round(value * 10_000), 10_000)
        curve = {expiry: settled(since, expiry) for expiry in market.expiries}
        vix = market.vix_pts[since]
        known = None if np.isnan(vix) else Fraction(round(vix * 10_000), 10_000)
        return age_future(curve, known, market.days[since], market.days[now], date.fromisoformat(code.split()[1]))

    def cost_of(now: int, code: str, contracts: int) -> Fraction:
        if code.startswith("VIX "):
            spread = Fraction(pricer.half_spread_pts) * 100 * Fraction(rules.option_part_share)
            return whole_cents(contracts * (spread + Fraction(rules.option_fee_usd)))
        per_point, fee = (100, rules.vxm_fee_usd) if code.startswith("VXM ") else (1000, rules.vx_fee_usd)
        return whole_cents(contracts * (per_point * Fraction(str(rules.vx_half_spread_pts)) + Fraction(fee)))

    wants = [{leg.instrument.code: leg.contracts for leg in want.legs} for want in night.targets[number].wants]
    return run_reference(market.days, wants, price, aged, cost_of)


@THOROUGH
@given(seed=SEEDS, reading=READINGS)
def test_ledger_agrees_with_a_cash_account(seed: int, reading: Reading) -> None:
    rules = CostRules()
    night = run_night(draw_scene(seed, 60), reading, rules)
    for number, book in enumerate(night.books):
        told = retell(night, number, rules)
        rows = rows_of(night.ledger, book.layer.value)
        held = [{one.code: contracts for one, contracts in day.held.items()} for day in book.days]
        assert held == [record.held for record in told]

        def exactly(amounts: list[Fraction]) -> list[int]:
            # every amount of the account is whole cents by itself
            assert all((amount * 100).denominator == 1 for amount in amounts)
            return [int(amount * 100) for amount in amounts]

        assert (cents(rows["pnl_usd"]) - cents(rows["interest_usd"])).tolist() == exactly([one.pnl for one in told])
        assert cents(rows["roll_usd"]).tolist() == exactly([one.time["future"] for one in told])
        assert cents(rows["theta_usd"]).tolist() == exactly([one.time["option"] for one in told])
        assert cents(rows["curve_usd"]).tolist() == exactly([one.move["future"] for one in told])
        assert cents(rows["option_move_usd"]).tolist() == exactly([one.move["option"] for one in told])
        assert cents(rows["cost_usd"]).tolist() == exactly([one.cost for one in told])
        opened = np.diff(cents(rows["short_open_usd"]), prepend=0)
        rolled = cents(rows["gains_rolled_usd"])
        assert (cents(rows["credit_kept_usd"]) + opened - rolled).tolist() == exactly([one.kept for one in told])
        assert (cents(rows["protection_cost_usd"]) - rolled).tolist() == exactly([one.spent for one in told])


@THOROUGH
@given(seed=SEEDS, reading=READINGS)
def test_ledger_pieces_and_layers_add_up_to_the_cent(seed: int, reading: Reading) -> None:
    night = run_night(draw_scene(seed), reading)
    days = night.ledger.days
    assert (cents(days["pnl_usd"]) == sum(cents(days[name]) for name in PIECES)).all()
    layers = [rows_of(night.ledger, book.layer.value) for book in night.books]
    whole = rows_of(night.ledger, "portfolio")
    for name in [column for column in days if column.endswith("_usd")]:
        assert (sum(cents(rows[name]) for rows in layers) == cents(whole[name])).all(), name
    for rows in (*layers, whole):
        opened = np.diff(cents(rows["short_open_usd"]), prepend=0)
        earned = cents(rows["credit_kept_usd"]) - cents(rows["protection_cost_usd"]) + opened
        assert (cents(rows["pnl_usd"]) - cents(rows["interest_usd"]) == earned).all()
        assert (np.cumsum(cents(rows["pnl_usd"])) == cents(rows["pnl_cum_usd"])).all()
        assert (cents(rows["gains_rolled_usd"]) >= 0).all()
        # worse fills cost more, and only options differ
        assert (rows["cost_at_full_usd"] <= rows["cost_usd"]).all()
        assert (rows["cost_usd"] <= rows["cost_at_mid_usd"]).all()


@QUICK
@given(seed=SEEDS)
def test_positions_are_held_from_the_session_after_the_decision(seed: int) -> None:
    night = run_night(draw_scene(seed))
    for book in night.books:
        assert not book.days[0].held
        for before, today in zip(book.days, book.days[1:], strict=False):
            wanted = {leg.instrument: leg.contracts for leg in before.want.legs if leg.contracts}
            for instrument, contracts in today.held.items():
                assert contracts in (wanted.get(instrument), before.held.get(instrument))


@THOROUGH
@given(seed=SEEDS, cut=st.integers(0, 88), reading=READINGS)
def test_ledger_knows_no_future(seed: int, cut: int, reading: Reading) -> None:
    scene = draw_scene(seed)
    market, bent = scene.market, bend_after(scene, draw_scene(seed + 1), cut)
    first, second = run_night(scene, reading), run_night(bent, reading)
    last = pd.Timestamp(market.days[cut])
    for name in ("positions", "days", "time_shifts"):
        tables = [
            (night.positions if name == "positions" else getattr(night.ledger, name)) for night in (first, second)
        ]
        kept = [table[table["trade_date"] <= last].reset_index(drop=True) for table in tables]
        pd.testing.assert_frame_equal(*kept, check_exact=True, check_dtype=False)


@QUICK
@given(seed=SEEDS, reading=READINGS)
def test_positions_stay_within_the_policy(seed: int, reading: Reading) -> None:
    scene = draw_scene(seed)
    night, market = run_night(scene, reading), scene.market
    rules = SizingRules()
    base, temporal, second = (book.days for book in night.books)
    for session, day in enumerate(market.days):
        largest = 0.0
        for leg in base[session].want.legs:
            price = market.settled_ticks(session, leg.instrument.expiry)  # type: ignore[union-attr]
            assert leg.contracts >= 0
            largest += leg.wanted_contracts * leg.instrument.multiplier_usd
            if (
                price is not None
                and scene.path.base_state[session] == 2
                and "as before" not in base[session].want.reason
            ):
                notional = leg.contracts * leg.instrument.multiplier_usd * price / 10_000
                limit = rules.base_notional_highest_frac * NAV_USD
                is_new = not base[session].want.reason.startswith("held")
                assert notional <= limit * (1 + 1e-9 if is_new else 1 + rules.band_slack_frac + 1e-9)
        if "sized" in temporal[session].want.reason or "rolled" in temporal[session].want.reason:
            steps = int(scene.path.temporal_steps[session])
            front = [
                leg for leg in temporal[session].want.legs if (leg.contracts > 0) == (reading != Reading.SHORT_FRONT)
            ]
            for leg in front:
                multiplier = leg.instrument.multiplier_usd
                unit = largest or rules.base_notional_frac * NAV_USD / 5
                assert abs(leg.contracts) * multiplier <= (2**steps - 1) * unit + multiplier
        by_expiry: dict[date, list[tuple[VixOption, int]]] = {}
        for instrument, contracts in second[session].held.items():
            assert isinstance(instrument, VixOption)
            by_expiry.setdefault(instrument.expiry, []).append((instrument, contracts))
        for legs in by_expiry.values():
            assert compute_loss_bound(legs) <= rules.short_loss_frac * NAV_USD
        for book in (base, temporal, second):
            late = [one for one in book[session].held if one.expiry <= day]  # type: ignore[union-attr]
            assert all(market.settled_ticks(session, one.expiry) is None for one in late)  # type: ignore[union-attr]


@QUICK
@given(seed=SEEDS)
def test_ledger_gives_the_same_numbers_again(seed: int) -> None:
    first, second = (run_night(draw_scene(seed)) for _ in range(2))
    pd.testing.assert_frame_equal(first.ledger.days, second.ledger.days, check_exact=True)
    pd.testing.assert_frame_equal(first.positions, second.positions, check_exact=True)
    backwards = build_ledger(
        first.books[::-1], first.marks, CostRules(), first.scene.path.gains_rolled_frac.tolist(), 0.5
    )
    order = ["trade_date", "layer"]
    pd.testing.assert_frame_equal(
        backwards.days.sort_values(order, ignore_index=True),
        first.ledger.days.sort_values(order, ignore_index=True),
        check_exact=True,
    )


@QUICK
@given(seed=SEEDS)
def test_positions_table_has_its_grain_and_reads_back(seed: int) -> None:
    positions = run_night(draw_scene(seed)).positions
    assert not positions.duplicated(["trade_date", "layer", "instrument"]).any()
    for code in positions["instrument"].unique():
        assert parse_instrument(code).code == code
    is_known = positions["mark_pts"].notna()
    assert (positions.loc[~is_known & (positions["held_contracts"] != 0), "vega_usd"].isna()).all()
    assert (positions["is_model_priced"].isna() == ~is_known).all()
    live = positions[~positions["reason"].str.startswith(("expired", "settled"))]
    assert (live["target_contracts"] - live["held_contracts"] == live["order_contracts"]).all()


def test_random_markets_reach_what_is_to_be_tested() -> None:
    seen: Counter[str] = Counter()
    for seed in range(30):
        night = run_night(draw_scene(seed))
        for book in night.books:
            for day in book.days:
                seen["carried"] += bool(day.unpriced)
                seen["settled"] += any(fill.kind is FillKind.SETTLEMENT for fill in day.fills)
                seen[f"{book.layer.value} {day.want.reason.split(':')[0].split(',')[0]}"] += 1
                for instrument in day.held:
                    seen[instrument.code.split()[0]] += 1
        days = night.ledger.days
        seen["unmarked"] += int((days["unmarked_count"] > 0).sum())
        seen["unsplit"] += int((days["unsplit_usd"] != 0).sum())
        seen["interest unknown"] += int((~days["is_interest_known"]).sum())
        seen["shift"] += int((night.ledger.time_shifts["rolled_usd"] > 0).sum())
        seen["awaiting"] += int(night.positions["reason"].str.startswith("expired").sum())
        seen["cost but no credit"] += int((days["self_funding_ratio_all"] < 0).sum())
    wanted = (
        *("carried", "settled", "unmarked", "unsplit", "interest unknown", "shift", "awaiting", "VX", "VXM", "VIX"),
        *(
            "base entered",
            "base rolled",
            "base rolled early",
            "base blocked",
            "base trimmed to the upper end of the band",
        ),
        *("base topped up to the lower end of the band", "temporal_vega sized", "temporal_vega rolled"),
        *("second_engine constructed", "second_engine shorts closed", "second_engine held"),
        "second_engine not constructible",
    )
    assert [name for name in wanted if seen[name] == 0] == []
