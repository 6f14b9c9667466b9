"""The worked example of docs/ledger.md: three sessions after one decision, worked by hand, to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from tests.support.ledger_market import NAV_USD, UNKNOWN, make_market, make_path
from transforms.layers import LayerState, Roll
from transforms.ledger import CostRules, Ledger, build_ledger
from transforms.positions import (
    Leg,
    Marks,
    OptionQuote,
    OptionStructure,
    SizingRules,
    VixOption,
    build_base_targets,
    build_book,
    build_positions,
    build_second_engine_targets,
    build_temporal_targets,
)

DOC = Path(__file__).parents[2] / "docs" / "ledger.md"
FRIDAY, MONDAY, TUESDAY, WEDNESDAY = (date(2024, 9, day) for day in (13, 16, 17, 18))
SEP, OCT, NOV = date(2024, 9, 18), date(2024, 10, 16), date(2024, 11, 20)
SHORT, WING, LONG = VixOption(SEP, 20), VixOption(SEP, 25), VixOption(NOV, 30)

MARKET = make_market(
    [FRIDAY, MONDAY, TUESDAY, WEDNESDAY],
    {SEP: [20.0, 20.5, 20.0, 18.5], OCT: [21.0, 21.2, 21.0, 20.0], NOV: [21.5, 21.6, 21.4, 20.8]},
    vix=[19.0, 20.0, 19.0, 18.2],
    bill=0.05,
)
PATH = make_path(
    4,
    held_rank=[1, 2, 2, 1],
    base_roll=[Roll.NONE, Roll.FORCED, Roll.NONE, Roll.NONE],
    temporal_state=[LayerState.ACTIVE] * 4,
    temporal_steps=[1] * 4,
    second_state=[LayerState.ACTIVE] * 4,
    gains_rolled_frac=[0.0, 0.0, 0.0, 0.003],
)
MIDS = {SHORT: [UNKNOWN, 0.90, 0.60], WING: [UNKNOWN, 0.20, 0.05], LONG: [UNKNOWN, 1.20, 1.10, 0.95]}
HALF_SPREADS = {SHORT: 0.06, WING: 0.03, LONG: 0.06}
AGED = {SHORT: [0.80, 0.00], WING: [0.12, 0.00], LONG: [1.18, 1.08]}

# (roll, curve, theta, option_move, cost, interest, pnl) by session and layer
WORKED = {
    (MONDAY, "base"): (0, 0, 0, 0, -35.00, 0, -35.00),
    (MONDAY, "temporal_vega"): (0, 0, 0, 0, -91.00, 0, -91.00),
    (MONDAY, "second_engine"): (0, 0, 0, 0, -19.00, 0, -19.00),
    (MONDAY, "portfolio"): (0, 0, 0, 0, -145.00, 0, -145.00),
    (TUESDAY, "base"): (-125.00, -125.00, 0, 0, -70.00, 0.57, -319.43),
    (TUESDAY, "temporal_vega"): (-105.00, 15.00, 0, 0, -168.00, 1.52, -256.48),
    (TUESDAY, "second_engine"): (0, 0, 0.00, 10.00, 0, 0.14, 10.14),
    (TUESDAY, "portfolio"): (-230.00, -110.00, 0.00, 10.00, -238.00, 2.23, -565.77),
    (WEDNESDAY, "base"): (-17.85, -482.15, 0, 0, 0, 0.59, -499.41),
    (WEDNESDAY, "temporal_vega"): (-11.01, -128.99, 0, 0, 0, 1.31, -138.69),
    (WEDNESDAY, "second_engine"): (0, 0, 106.00, -26.00, 0, 0.14, 80.14),
    (WEDNESDAY, "portfolio"): (-28.86, -611.14, 106.00, -26.00, 0, 2.04, -557.96),
}
# (credit received, credit kept, protection cost)
CREDITS = {
    (MONDAY, "base"): (0, 0, 35.00),
    (MONDAY, "temporal_vega"): (0, -56.00, 35.00),
    (MONDAY, "second_engine"): (176.00, -7.00, 12.00),
    (MONDAY, "portfolio"): (176.00, -63.00, 82.00),
    (TUESDAY, "base"): (0, 0, 320.00),
    (TUESDAY, "temporal_vega"): (20.00, 62.00, 320.00),
    (TUESDAY, "second_engine"): (0, 0, 50.00),
    (TUESDAY, "portfolio"): (20.00, 62.00, 690.00),
    (WEDNESDAY, "base"): (0, 0, 500.00),
    (WEDNESDAY, "temporal_vega"): (6.84, 0, 500.00),
    (WEDNESDAY, "second_engine"): (0, 180.00, 40.00),
    (WEDNESDAY, "portfolio"): (6.84, 180.00, 1040.00),
}
PIECES = ("roll_usd", "curve_usd", "theta_usd", "option_move_usd", "cost_usd", "interest_usd", "pnl_usd")


@dataclass(frozen=True)
class PrintedQuotes:
    def quote(self, session: int, option: VixOption) -> OptionQuote | None:
        return OptionQuote(MIDS[option][session], HALF_SPREADS[option], 0.3, False)

    def pass_time(self, since: int, session: int, option: VixOption) -> float:
        assert session == since + 1
        return AGED[option][since - 1]


def construct(session: int, nav_usd: float) -> OptionStructure | str:
    if session > 0:
        return "no listed call fits"
    return OptionStructure((Leg(SHORT, -2), Leg(WING, 2), Leg(LONG, 2)), "calendar")


MARKS = Marks(MARKET, PrintedQuotes())
RULES = SizingRules()
BASE = build_base_targets(MARKET, PATH, RULES, NAV_USD)
BOOKS = [
    build_book(targets, MARKS)
    for targets in (
        BASE,
        build_temporal_targets(MARKET, PATH, RULES, NAV_USD, BASE),
        build_second_engine_targets(MARKET, PATH, RULES, NAV_USD, construct),
    )
]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return build_ledger(BOOKS, MARKS, CostRules(), PATH.gains_rolled_frac.tolist(), 0.5)


def row_of(ledger: Ledger, day: date, layer: str) -> dict[str, float]:
    days = ledger.days
    (row,) = days[(days["trade_date"] == str(day)) & (days["layer"] == layer)].to_dict("records")
    return row


@pytest.mark.parametrize(("day", "layer"), WORKED)
def test_worked_example_gives_the_pieces_by_hand(ledger: Ledger, day: date, layer: str) -> None:
    row = row_of(ledger, day, layer)
    assert tuple(row[name] for name in PIECES) == WORKED[day, layer]


@pytest.mark.parametrize(("day", "layer"), CREDITS)
def test_worked_example_gives_the_credits_by_hand(ledger: Ledger, day: date, layer: str) -> None:
    row = row_of(ledger, day, layer)
    found = tuple(row[name] for name in ("credit_received_usd", "credit_kept_usd", "protection_cost_usd"))
    assert found == CREDITS[day, layer]


def test_worked_example_trades_nothing_on_the_day_of_the_decision(ledger: Ledger) -> None:
    assert (ledger.days.loc[ledger.days["trade_date"] == str(FRIDAY), "pnl_usd"] == 0).all()


def test_worked_example_ends_with_the_ratio_by_hand(ledger: Ledger) -> None:
    # kept -63 + 62 + 180 = 179, cost 82 + 690 + 1040 = 1812
    row = row_of(ledger, WEDNESDAY, "portfolio")
    assert (row["credit_kept_cum_usd"], row["protection_cost_cum_usd"]) == (179.00, 1812.00)
    assert row["self_funding_ratio_all"] == pytest.approx(179 / 1812)


def test_worked_example_costs_what_other_fills_cost(ledger: Ledger) -> None:
    row = row_of(ledger, MONDAY, "second_engine")
    assert (row["cost_at_mid_usd"], row["cost_usd"], row["cost_at_full_usd"]) == (-9.00, -19.00, -39.00)


def test_worked_example_shifts_no_gain_that_is_not_there(ledger: Ledger) -> None:
    (shift,) = ledger.time_shifts.to_dict("records")
    assert shift["instrument"] == "VXM 2024-10-16"
    assert (shift["gain_usd"], shift["rolled_usd"], shift["estimated_frac"]) == (0.00, 0.00, 0.003)
    assert shift["roll_yield_frac"] == pytest.approx(20.0 / 20.8 - 1)


def test_worked_example_rolls_and_settles() -> None:
    table = build_positions(BOOKS, MARKS)
    base = table[table["layer"] == "base"]
    seen = list(zip(base["trade_date"].dt.day, base["instrument"], base["held_contracts"], base["order_contracts"]))  # noqa: B905
    assert seen == [
        (13, "VXM 2024-09-18", 0, 5),
        (16, "VXM 2024-09-18", 5, -5),
        (16, "VXM 2024-10-16", 0, 5),
        (17, "VXM 2024-09-18", 0, 0),
        (17, "VXM 2024-10-16", 5, 0),
        (18, "VXM 2024-10-16", 5, 0),
    ]
    settled = table[table["reason"].str.startswith("settled")]
    assert settled["instrument"].tolist() == ["VIX 2024-09-18 C 20", "VIX 2024-09-18 C 25"]
    assert settled["reason"].tolist() == ["settled in cash at 0"] * 2
    rounding = table[(table["layer"] == "temporal_vega") & (table["instrument"] == "VXM 2024-10-16")].iloc[0]
    assert (rounding["target_contracts"], rounding["wanted_contracts"]) == (-8, pytest.approx(-7.5))


def test_worked_example_of_the_doc_is_the_ledger() -> None:
    text = DOC.read_text(encoding="utf-8")
    for (day, layer), pieces in WORKED.items():
        assert f"| {day} | {layer} | " + " | ".join(f"{amount:.2f}" for amount in pieces) + " |" in text
    for (day, layer), credits_of in CREDITS.items():
        assert f"| {day} | {layer} | " + " | ".join(f"{amount:.2f}" for amount in credits_of) + " |" in text
