"""What `mart.daily_signals` adds to the marts it joins: convergence, Big Top, flags, statuses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from tests.support.bench import Bench, ModelBench, sessions_from
from warehouse.models import load_models

SIGNALS = load_models()["mart.daily_signals"]
DAYS = sessions_from(date(2024, 1, 2), 12)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A warehouse built from nothing: the shape of every table."""
    bench = Bench(tmp_path_factory.mktemp("empty") / "home")
    yield bench.build_file().path
    bench.close()


class SignalBench(ModelBench):
    """Every input of the model, empty; tests fill in what they are about."""

    def __init__(self, shapes: Path) -> None:
        super().__init__()
        self.connection.execute(f"attach '{shapes}' as shapes (read_only)")
        for table in SIGNALS.reads - {"ref.parameters"}:
            self.connection.execute(f"create table {table} as from shapes.{table} limit 0")

    def rows(self, table: str, days: Sequence[date], **columns: Sequence[object]) -> None:
        """Insert rows by column; all other columns stay NULL."""
        for number, day in enumerate(days):
            names = ["trade_date", *columns]
            values = [day, *(column[number] for column in columns.values())]
            marks = ", ".join("?" for _ in values)
            self.connection.execute(f"insert into {table} ({', '.join(names)}) values ({marks})", values)

    def column(self, name: str) -> list[object]:
        return [row[1] for row in self.run("mart.daily_signals", f"trade_date, {name}")]


@pytest.fixture
def bench(empty: Path) -> Iterator[SignalBench]:
    made = SignalBench(empty)
    yield made
    made.close()


def histograms(bench: SignalBench, *values: float | None) -> list[object]:
    days = DAYS[: len(values)]
    bench.rows("mart.daily_term_structure", days)
    bench.rows("mart.daily_momentum", days, ts_macd_histogram_log=values)
    return bench.column("is_ts_macd_converging")


def test_histogram_that_shrinks_two_sessions_running_converges(bench: SignalBench) -> None:
    assert histograms(bench, 0.4, 0.3, 0.2, 0.25, 0.2, 0.1) == [None, None, True, False, False, True]


def test_histogram_below_zero_converges_by_its_size(bench: SignalBench) -> None:
    assert histograms(bench, -0.4, -0.3, -0.2) == [None, None, True]


def test_cross_of_the_signal_line_converges_at_once(bench: SignalBench) -> None:
    assert histograms(bench, 0.1, -0.5) == [None, True]


def test_convergence_is_counted_over_the_sessions_that_have_a_histogram(bench: SignalBench) -> None:
    assert histograms(bench, 0.4, None, 0.3, None, None, 0.2) == [None, None, None, None, None, True]


def test_convergence_starts_anew_with_the_smoothing_after_a_long_gap(bench: SignalBench) -> None:
    gap: list[float | None] = [None] * 6
    assert histograms(bench, 0.4, 0.3, *gap, 0.2)[-1] is None


def big_top(bench: SignalBench, high: float | None, rsi: float | None, rich: float | None, slope: float | None) -> None:
    bench.rows("mart.daily_term_structure", DAYS[:1], contango_frac=[slope])
    bench.rows("mart.daily_momentum", DAYS[:1], spx_rsi14=[rsi])
    bench.rows("mart.daily_realised_volatility", DAYS[:1], spx_from_high_frac=[high], vix_over_rv21_frac=[rich])


ON_THE_EDGE = (-0.03, 68.0, 0.18, 0.08)


def test_big_top_holds_on_all_four_edges(bench: SignalBench) -> None:
    big_top(bench, *ON_THE_EDGE)
    assert bench.column("is_big_top") == [True]


@pytest.mark.parametrize(
    ("place", "value", "flag"),
    [
        (0, -0.0301, "is_spx_near_high"),
        (1, 67.9, "is_spx_overbought"),
        (2, 0.179, "is_vix_rich"),
        (3, 0.0799, "is_contango_rich"),
    ],
)
def test_big_top_fails_with_any_one_of_its_conditions(bench: SignalBench, place: int, value: float, flag: str) -> None:
    values = list(ON_THE_EDGE)
    values[place] = value
    big_top(bench, *values)
    assert bench.column(flag) == [False]
    assert bench.column("is_big_top") == [False]


def test_big_top_with_one_unknown_is_unknown_and_with_one_failed_is_settled(bench: SignalBench) -> None:
    big_top(bench, None, 68.0, 0.18, 0.08)
    assert bench.column("is_big_top") == [None]
    bench.connection.execute("update mart.daily_momentum set spx_rsi14 = 50")
    assert bench.column("is_big_top") == [False]


@pytest.mark.parametrize(
    ("rsi", "flags"),
    [(69.9, [False, False]), (70.0, [True, False]), (80.0, [True, True]), (None, [None, None])],
)
def test_vvix_flags_have_their_edges(bench: SignalBench, rsi: float | None, flags: list[bool | None]) -> None:
    bench.rows("mart.daily_term_structure", DAYS[:1])
    bench.rows("mart.daily_momentum", DAYS[:1], vvix_rsi14=[rsi])
    assert bench.column("is_vvix_overheated") + bench.column("is_vvix_extreme") == flags


@pytest.mark.parametrize(("z", "flag"), [(1.49, False), (1.5, True), (-1.5, True), (None, None)])
def test_divergence_is_meaningful_either_way(bench: SignalBench, z: float | None, flag: bool | None) -> None:
    bench.rows("mart.daily_term_structure", DAYS[:1])
    bench.rows("mart.daily_breadth_divergence", DAYS[:1], breadth_source=["nyse_counts"], ad_divergence_z=[z])
    assert bench.column("is_ad_divergence_meaningful") == [flag]
    assert bench.column("breadth_status") == ["ok" if z is not None else "warming_up"]


def test_session_without_any_input_is_absent_everywhere_and_breadth_is_none(bench: SignalBench) -> None:
    bench.rows("mart.daily_term_structure", DAYS[:1])
    assert bench.column("breadth_source") == ["none"]
    groups = ("vix", "curve", "ts_macd", "vvix", "spx", "breadth", "reit", "chain")
    assert {group: bench.column(f"{group}_status") for group in groups} == {group: ["absent"] for group in groups}


def test_status_tells_a_missing_input_from_a_short_history(bench: SignalBench) -> None:
    bench.rows("mart.daily_term_structure", DAYS[:1], cm_slope_log=[0.05])
    bench.rows("mart.daily_realised_volatility", DAYS[:1], spx_close_pts=[4700.0])
    bench.connection.execute(
        "insert into core.daily_index_levels (trade_date, index_code, close_pts) values (?, 'VVIX', 85)", [DAYS[0]]
    )
    for group in ("ts_macd", "vvix", "spx"):
        assert bench.column(f"{group}_status") == ["warming_up"], group


def test_percentile_of_vvix_counts_only_what_came_before(bench: SignalBench) -> None:
    bench.set_parameter("percentile_least_sessions", 3)
    bench.rows("mart.daily_term_structure", DAYS[:4])
    for day, close in zip(DAYS, (80.0, 100.0, 90.0, 120.0), strict=False):
        bench.connection.execute(
            "insert into core.daily_index_levels (trade_date, index_code, close_pts) values (?, 'VVIX', ?)",
            [day, close],
        )
    assert bench.column("vvix_pctile") == [None, None, pytest.approx(2 / 3), 1.0]
