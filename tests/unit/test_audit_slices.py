"""Slices of the history: who belongs where, by what was known, and when there is too little."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tests.support.audit_history import NAV_USD, draw_vix, list_sessions, make_history
from transforms.audit import SLICE_COLUMNS, AuditRules, Crisis, Resampling, build_slices, list_crises
from transforms.audit.crises import parse_crises

RULES = AuditRules(resampling=Resampling(seed=1, reps=400))
CRISIS = Crisis("c", "Made up", date(2007, 1, 5), date(2007, 1, 31), 0.1, "made up")


def build(
    vix: list[float] | np.ndarray, pnl: list[float] | np.ndarray, sessions: dict[str, object] | None = None
) -> pd.DataFrame:
    history = make_history(np.asarray(vix, float), {"portfolio": {"pnl_usd": np.asarray(pnl, float)}}, sessions)
    return build_slices(history, rules=RULES, crises=[CRISIS]).set_index(["slice_group", "slice"])


def test_vix_bucket_is_that_of_the_close_before() -> None:
    slices = build([14, 25, 30, float("nan"), 15, 20], [1, 2, 4, 8, 16, 32])
    group = "VIX at the close before"
    pnl = slices.loc[group]["pnl_usd"]
    assert pnl.drop("unknown").to_dict() == pytest.approx(
        {"<15": 2, "15-20": 32, "20-25": np.nan, "25-30": 4, ">=30": 8}, nan_ok=True
    )
    assert slices.loc[(group, "unknown"), "sessions"] == 2  # the first, and the one after the unknown close
    assert slices.loc[group]["sessions"].sum() == 6
    assert slices.loc[(group, "20-25"), "note"] == "no session"


def test_curve_edges_belong_to_the_state_above() -> None:
    slices = build([20] * 5, [0] * 5, {"contango_frac": [-0.01, 0.0, 0.03, 0.08, 0.5]})
    group = slices.loc["curve at the close before"]["sessions"]
    assert group.to_dict() == {"backwardation": 1, "flat": 1, "contango": 1, "steep": 1, "unknown": 1}


def test_every_group_covers_every_session_once() -> None:
    count = 600
    random = np.random.default_rng(0)
    flags = {
        "gdp_cycle": random.choice(["expansion", "contraction", None], count),
        "is_pe_compressing": random.choice(np.array([True, False, None]), count),
        "is_fomc_window": random.random(count) < 0.1,
    }
    slices = build(draw_vix(0, count), random.normal(size=count), flags)
    for group in ("output cycle", "P/E compression", "FOMC window", "settlement time", "curve at the close before"):
        assert slices.loc[group]["sessions"].sum() == count, group
    assert set(slices.loc["output cycle"].index) == {"expansion", "contraction", "unknown"}
    assert set(slices.loc["P/E compression"].index) == {"inside", "outside", "unknown"}


def test_cycle_is_that_of_the_close_before_and_a_release_window_that_of_its_session() -> None:
    pnl = [1.0, 2.0, 4.0, 8.0]
    flags = {"gdp_cycle": ["a", "b", "b", "a"], "is_cpi_window": [True, False, False, True]}
    slices = build([20] * 4, pnl, flags)
    assert slices.loc[("output cycle", "a"), "pnl_usd"] == 2.0
    assert slices.loc[("output cycle", "b"), "pnl_usd"] == 12.0
    assert slices.loc[("CPI window", "inside"), "pnl_usd"] == 9.0


def test_column_that_was_not_given_is_said() -> None:
    slices = build([20] * 4, [1] * 4)
    row = slices.loc[("PPI window", "any")]
    assert row["note"] == "is_ppi_window was not given"
    assert not row["is_enough"]


def test_crisis_with_and_without_make_the_whole() -> None:
    count = 600
    slices = build(draw_vix(1, count), np.random.default_rng(1).normal(size=count))
    inside, outside = slices.loc[("crisis", "Made up")], slices.loc[("without crisis", "Made up")]
    days = list_sessions(count)
    assert inside["sessions"] == ((days > "2007-01-05") & (days <= "2007-01-31")).sum()
    assert inside["sessions"] + outside["sessions"] == count
    assert inside["pnl_usd"] + outside["pnl_usd"] == pytest.approx(slices.loc[("all", "all sessions"), "pnl_usd"])
    assert inside["note"] == "too few: 1 months, 10 are needed"
    assert np.isnan(inside["interval_low"])
    assert not inside["is_enough"]
    assert outside["is_enough"]


def test_settlement_time_changes_on_2020_10_26() -> None:
    history = make_history(np.full(40, 20.0), first="2020-10-01")
    slices = build_slices(history, rules=RULES, crises=[CRISIS]).set_index(["slice_group", "slice"])["sessions"]
    assert slices["settlement time"].to_dict() == {"before 2020-10-26": 17, "from 2020-10-26": 23}


def test_mean_is_a_year_of_such_sessions_with_an_interval() -> None:
    pnl = np.random.default_rng(4).normal(100.0, 300.0, 2_000)
    history = make_history(np.full(2_000, 18.0), {"portfolio": {"pnl_usd": pnl}})
    table = build_slices(history, rules=RULES, crises=[CRISIS])
    assert list(table.columns) == list(SLICE_COLUMNS)
    row = table.iloc[0]
    assert row["mean_frac_year"] == pytest.approx(pnl.mean() / NAV_USD * 252)
    assert row["interval_low_95"] < row["interval_low"] < row["mean_frac_year"] < row["interval_high"]
    assert row["months"] == 92


def test_without_crises_the_rest_is_everything() -> None:
    history = make_history(np.full(100, 20.0))
    table = build_slices(history, rules=RULES, crises=[]).set_index(["slice_group", "slice"])
    assert table.loc[("without crisis", "any of them"), "sessions"] == 100


def test_sessions_that_are_not_counted_are_in_no_slice() -> None:
    history = make_history(np.full(400, 20.0), first="2006-10-02")
    table = build_slices(history.excluding([CRISIS]), rules=RULES, crises=[CRISIS])
    rows = table.set_index(["slice_group", "slice"])["sessions"]
    assert rows[("crisis", "Made up")] == 0
    assert rows[("all", "all sessions")] == 400 - 18


def test_crises_are_seven_in_order_with_a_source() -> None:
    crises = list_crises()
    assert [one.crisis for one in crises] == ["2008", "2011", "2015-08", "2018-02", "2020-03", "2022", "2024-08"]
    assert all(one.source for one in crises)
    assert all(before.low_date < after.high_date for before, after in pairwise(crises))


def test_crises_refuse_dates_out_of_order_and_unknown_keys() -> None:
    text = '[x]\nname = "x"\nhigh_date = 2020-03-23\nlow_date = 2020-02-19\nfall_frac = 0.3\nsource = "x"\n'
    with pytest.raises(ValueError, match="low_date is not after"):
        parse_crises(text)
    with pytest.raises(TypeError, match="other"):
        parse_crises(text + "other = 1\n")
    with pytest.raises(ValueError, match="fall_frac"):
        parse_crises(text.replace("0.3", "1.3").replace("2020-02-19", "2020-04-01"))
