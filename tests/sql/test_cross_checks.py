"""The cross-checks measure what they say, on curves worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from tests.support.bench import ModelBench, sessions_from

SETTLED = (
    "trade_date date, expiry_date date, contract_code varchar, tenor_rank bigint, settle_pts double, high_pts double, "
    "low_pts double, close_pts double, volume_contracts bigint, open_interest_contracts bigint, "
    "calendar_days_to_expiry bigint, is_final_settlement boolean, is_doubtful boolean, settle_source varchar"
)
LEVELS = "trade_date date, index_code varchar, close_pts double"
FIRST, SECOND, THIRD = sessions_from(date(2025, 3, 3), 3)
EXPIRIES = [SECOND + timedelta(days=days) for days in (15, 43, 78, 106)]
CURVE = (18.0, 19.0, 20.0, 20.5)
VIX_WEIGHT = 0.5


class CrossBench(ModelBench):
    """Curves of four months by session; a line may be changed by its session and place."""

    def curves(self, curves: Mapping[date, tuple[float, ...]], **changed: Mapping[str, Any]) -> None:
        """Set the settlements; ``d2_m3={...}`` changes columns of the third month on the second session."""
        lines = []
        for number, (day, curve) in enumerate(curves.items(), start=1):
            for rank, (expiry, settle) in enumerate(zip(EXPIRIES, curve, strict=True), start=1):
                line = {
                    "trade_date": day,
                    "expiry_date": expiry,
                    "contract_code": f"VX{rank}",
                    "tenor_rank": rank,
                    "settle_pts": settle,
                    "high_pts": settle + 0.5,
                    "low_pts": settle - 0.5,
                    "close_pts": settle,
                    "volume_contracts": 100 + number,
                    "open_interest_contracts": 1000,
                    "calendar_days_to_expiry": (expiry - day).days,
                    "is_final_settlement": False,
                    "is_doubtful": False,
                    "settle_source": "contract_file",
                }
                lines.append(list((line | dict(changed.get(f"d{number}_m{rank}", {}))).values()))
        self.table("core.daily_vx_settlements", SETTLED, lines)

    def levels(self, levels: Mapping[str, tuple[float, ...]]) -> None:
        """Set index closes of the sessions in order; 0 leaves one out."""
        days = (FIRST, SECOND, THIRD)
        data = [(days[i], code, close) for code, closes in levels.items() for i, close in enumerate(closes) if close]
        self.table("core.daily_index_levels", LEVELS, data)

    def gaps(self, day: date = SECOND, what: str = "move_gap_log") -> dict[int, Any]:
        """A measure by place in the curve."""
        rows = self.run("core.settlement_cross_checks", f"tenor_rank, trade_date, {what}")
        return {rank: value for rank, found, value in rows if found == day}

    def indices(self, day: date = SECOND) -> dict[tuple[str, str], tuple[float, float]]:
        columns = "index_code, judged_by, trade_date, move_log, expected_move_log"
        self.connection.execute("create or replace table core.settlement_cross_checks as " + self.text())
        rows = self.run("core.index_cross_checks", columns)
        return {(code, by): (move, expected) for code, by, found, move, expected in rows if found == day}

    def text(self) -> str:
        from warehouse.models import load_models

        return load_models()["core.settlement_cross_checks"].sql


@pytest.fixture
def bench() -> Iterator[CrossBench]:
    made = CrossBench()
    made.levels({"VIX": (17.0, 17.0)})
    yield made
    made.close()


def moved(*factors: float) -> tuple[float, ...]:
    return tuple(settle * factor for settle, factor in zip(CURVE, factors, strict=True))


def test_error_in_one_month_is_its_gap_and_part_of_its_neighbours(bench: CrossBench) -> None:
    bench.curves({FIRST: CURVE, SECOND: moved(1, 1, 1.05, 1)})
    gaps, error = bench.gaps(), math.log(1.05)
    assert gaps[3] == pytest.approx(error)
    # the second lies 28 of 63 days on the way from the first to the third
    assert gaps[2] == pytest.approx(-error * 28 / 63)
    # the last is expected to move as the one before it
    assert gaps[4] == pytest.approx(-error)


def test_curve_that_moves_together_has_no_gap(bench: CrossBench) -> None:
    bench.levels({"VIX": (17.0, 17.0 * 1.1)})
    bench.curves({FIRST: CURVE, SECOND: moved(1.1, 1.1, 1.1, 1.1)})
    assert list(bench.gaps().values()) == [pytest.approx(0, abs=1e-12)] * 4
    assert bench.gaps(what="curve_move_log")[1] == pytest.approx(math.log(1.1))


def test_front_month_is_expected_between_the_vix_and_the_second(bench: CrossBench) -> None:
    bench.levels({"VIX": (17.0, 17.0 * math.exp(0.20))})
    bench.curves({FIRST: CURVE, SECOND: moved(1, math.exp(0.05), 1, 1)})
    share = VIX_WEIGHT * (43 - 15) / 43
    assert bench.gaps(what="expected_move_log")[1] == pytest.approx(0.05 + share * (0.20 - 0.05))


def test_front_month_is_not_compared_without_the_vix(bench: CrossBench) -> None:
    bench.levels({"VIX": (17.0, 0.0)})
    bench.curves({FIRST: CURVE, SECOND: CURVE})
    assert bench.gaps()[1] is None
    assert bench.gaps()[2] == pytest.approx(0)


def test_move_across_a_missing_session_of_the_contract_is_null(bench: CrossBench) -> None:
    bench.levels({"VIX": (17.0, 17.0, 17.0)})
    bench.curves({FIRST: CURVE, SECOND: CURVE, THIRD: CURVE}, d2_m3={"settle_pts": None, "tenor_rank": None})
    assert bench.gaps(THIRD, "move_log")[3] is None
    assert bench.gaps(THIRD)[3] is None


def test_doubtful_settlement_is_compared_with_nothing(bench: CrossBench) -> None:
    bench.curves({FIRST: CURVE, SECOND: moved(1, 1, 1.5, 1)}, d2_m3={"is_doubtful": True})
    assert set(bench.gaps()) == {1, 2, 4}
    assert bench.gaps()[2] == pytest.approx(0)


@pytest.mark.parametrize("change", [{"is_final_settlement": True}, {"tenor_rank": None}])
def test_final_settlements_and_weeklies_are_left_out(bench: CrossBench, change: dict[str, Any]) -> None:
    bench.curves({FIRST: CURVE, SECOND: CURVE}, d2_m1=change)
    assert set(bench.gaps()) == {2, 3, 4}


def test_places_in_the_curve(bench: CrossBench) -> None:
    bench.curves({FIRST: CURVE, SECOND: CURVE})
    assert bench.gaps(what="curve_place") == {1: "front", 2: "inner", 3: "inner", 4: "back"}


def test_settlement_outside_of_its_range_says_how_far(bench: CrossBench) -> None:
    outside = {"high_pts": 19.9, "low_pts": 19.0}
    bench.curves({FIRST: CURVE, SECOND: CURVE}, d2_m3=outside, d2_m2={"volume_contracts": 0})
    found = bench.gaps(what="outside_range_log")
    assert found[3] == pytest.approx(math.log(20 / 19.9))
    assert found[1] == 0
    assert found[2] is None


def test_gap_to_the_last_trade_leaves_out_what_the_curve_did(bench: CrossBench) -> None:
    # the whole curve settles 2% above its last trades, the third month 5%
    above = {f"d2_m{rank}": {"close_pts": CURVE[rank - 1] / 1.02} for rank in (1, 2, 4)}
    bench.curves({FIRST: CURVE, SECOND: CURVE}, **above, d2_m3={"close_pts": CURVE[2] / 1.05})
    found = bench.gaps(what="close_gap_log")
    assert found[3] == pytest.approx(math.log(1.05) - math.log(1.02), abs=1e-9)
    assert found[1] == pytest.approx(0, abs=1e-9)


def test_gap_to_the_last_trade_needs_three_months_that_traded(bench: CrossBench) -> None:
    bench.curves({FIRST: CURVE, SECOND: CURVE}, d2_m1={"volume_contracts": 0}, d2_m2={"volume_contracts": 0})
    assert list(bench.gaps(what="close_gap_log").values()) == [None] * 4


@pytest.mark.parametrize(
    ("change", "is_repeated"),
    [
        ({"volume_contracts": 101}, True),
        ({}, False),
        ({"volume_contracts": 101, "open_interest_contracts": 1001}, False),
        ({"volume_contracts": 101, "high_pts": 20.6}, False),
        ({"volume_contracts": None}, None),
    ],
)
def test_line_that_repeats_the_one_before_is_known(
    bench: CrossBench, change: dict[str, Any], is_repeated: bool | None
) -> None:
    # the volume of the first session is 101, of the second 102
    bench.curves({FIRST: CURVE, SECOND: CURVE}, d2_m3=change)
    assert bench.gaps(what="is_line_repeated")[3] is is_repeated


def test_line_without_trades_may_repeat(bench: CrossBench) -> None:
    bench.curves({FIRST: CURVE, SECOND: CURVE}, d1_m3={"volume_contracts": 0}, d2_m3={"volume_contracts": 0})
    assert bench.gaps(what="is_line_repeated")[3] is False


def test_index_is_expected_to_move_with_its_companions(bench: CrossBench) -> None:
    up = math.exp(0.1)
    bench.levels({"VIX": (17.0, 17 * up), "VIX9D": (16.0, 16 * up), "VIX3M": (19.0, 19 * up), "SPX": (5900.0, 5900.0)})
    bench.curves({FIRST: CURVE, SECOND: moved(up, up, 1, 1)})
    found = bench.indices()
    assert found["VIX", "VIX9D and VIX3M"] == (pytest.approx(0.1), pytest.approx(0.25 * 0.1 + 1.0 * 0.1))
    assert found["VIX", "VX1 and VX2"] == (pytest.approx(0.52 * 0.1), pytest.approx(0.1))
    assert found["VIX9D", "VIX"] == (pytest.approx(0.1), pytest.approx(0.15))
    assert found["SPX", "VIX"] == (pytest.approx(0), pytest.approx(-0.0106))
    # VIX6M and VVIX are not there, and so is what they would be compared with
    assert not [key for key in found if key[0] in ("VIX3M", "VIX6M", "VVIX")]


def test_index_is_not_compared_across_a_missing_session(bench: CrossBench) -> None:
    bench.levels({"VIX": (17.0, 17.0, 17.0), "VIX9D": (16.0, 0.0, 20.0), "SPX": (5900.0, 5900.0, 5900.0)})
    bench.curves({FIRST: CURVE, SECOND: CURVE, THIRD: CURVE})
    assert ("VIX9D", "VIX") not in bench.indices(THIRD)
    assert ("SPX", "VIX") in bench.indices(THIRD)


def test_later_sessions_change_no_earlier_comparison(bench: CrossBench) -> None:
    bench.levels({"VIX": (17.0, 18.0, 30.0), "VIX9D": (16.0, 17.0, 40.0)})
    columns = ", ".join(("move_gap_log", "curve_move_log", "close_gap_log", "is_line_repeated"))
    curves = {FIRST: CURVE, SECOND: moved(1.04, 1.03, 1.02, 1.01), THIRD: moved(2, 1.5, 1.2, 1.1)}
    bench.curves(curves)
    whole, whole_indices = bench.gaps(SECOND, f"({columns})"), bench.indices(SECOND)
    bench.curves({day: curves[day] for day in (FIRST, SECOND)})
    bench.levels({"VIX": (17.0, 18.0), "VIX9D": (16.0, 17.0)})
    assert bench.gaps(SECOND, f"({columns})") == whole
    assert bench.indices(SECOND) == whole_indices
    assert whole_indices
