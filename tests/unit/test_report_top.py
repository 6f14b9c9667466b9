"""What the top of the report says: changes since yesterday, next changes, the calendar, the band, the months."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.explain_fixtures import make_facts
from tests.support.report_fixtures import AS_OF, NOT_A_SESSION, make_inputs, make_revision, make_term_structure
from tests.support.statement_facts import make_statement_facts
from transforms.explain.build import build_explanation
from transforms.report.band import FEWEST_SESSIONS, compute_curve_band
from transforms.report.break_even import build_break_even_chart, draw_break_even_chart, say_break_evens
from transforms.report.changes import build_next_changes
from transforms.report.context import build_report_context
from transforms.report.funding_charts import (
    RATIO_SPAN,
    build_budget_chart,
    build_ratio_chart,
    draw_budget_chart,
    draw_ratio_chart,
)
from transforms.report.render import render_json, render_markdown
from transforms.statement.build import build_statement
from transforms.statement.months import build_ledger_months


def make_upcoming(days: int = 100) -> tuple[dict[str, Any], ...]:
    """Weekdays from the session on, 3 April 2026 (Good Friday) closed, each a regular session."""
    rows, count = [], 5_000
    for back in range(days):
        day = AS_OF + timedelta(days=back)
        if day.weekday() > 4 or day in NOT_A_SESSION or day == date(2026, 4, 3):
            continue
        rows.append(
            {
                "session_date": day,
                "is_futures_session": True,
                "is_equity_session": True,
                "futures_session_count": count,
            }
        )
        count += 1
    return tuple(rows)


def build(**changes: Any) -> dict[str, Any]:
    return build_report_context(make_inputs(**{"upcoming": make_upcoming(), **changes}))


def with_yesterday(**yesterday: Any) -> Any:
    """Return facts whose session before this one was otherwise than this one where it is said."""
    facts = make_facts()
    tonight = {**facts.timeline[-1], "base_rank": 1, "policy_hash": facts.policy_hash}
    before = {**tonight, "trade_date": date(2026, 2, 19), **yesterday}
    return replace(facts, timeline=(*facts.timeline[:-2], before, tonight))


def calm_statement() -> Any:
    facts = make_statement_facts(trades=())
    positions = tuple({**row, "order_contracts": 0} for row in facts.positions)
    return replace(facts, positions=positions)


# -- since yesterday


def test_nothing_but_prices_is_said_when_so() -> None:
    frame = make_term_structure()
    same = {name: frame[name].iloc[-2] for name in ("vol_level", "curve_state", "curve_regime")}
    rows = frame.to_dict("records")
    rows[-1] |= same
    context = build(
        term_structure=pd.DataFrame(rows, columns=frame.columns), hedge=with_yesterday(), statement=calm_statement()
    )
    since = context["state"]["since_yesterday"]
    assert (since["changes"], since["order_count"], since["traded_count"]) == ([], 0, 0)
    assert since["is_prices_only"]
    assert context["since"]["sentence"].startswith("Nothing but prices")


@pytest.mark.parametrize(
    ("yesterday", "said"),
    [
        ({"temporal_vega": "idle"}, "Temporal vega idle \N{RIGHTWARDS ARROW} armed"),
        ({"temporal_steps": 2}, "Steps of temporal vega 2 \N{RIGHTWARDS ARROW} 0"),
        ({"base_rank": 2}, "Month of the base VX2 \N{RIGHTWARDS ARROW} VX1"),
        ({"governor_mode": "promoter"}, "Governor promoter \N{RIGHTWARDS ARROW} steward"),
        ({"policy_hash": "cd" * 32}, "Policy cdcdcdcdcdcd \N{RIGHTWARDS ARROW} abababababab"),
    ],
)
def test_change_of_a_state_is_the_first_thing_said(yesterday: dict[str, Any], said: str) -> None:
    context = build(hedge=with_yesterday(**yesterday))
    assert context["since"]["sentence"].startswith(said)
    assert not context["state"]["since_yesterday"]["is_prices_only"]


def test_restated_values_are_counted() -> None:
    context = build(revisions=[make_revision(), make_revision(key="VXJ26")])
    assert context["state"]["since_yesterday"]["restated_count"] == 2
    assert "2 values published before restated" in context["since"]["sentence"]


def test_orders_are_counted_once() -> None:
    state = build()["state"]
    waiting = [one for one in state["positions"] if one["order_contracts"]]
    assert state["since_yesterday"]["order_count"] == len(waiting) > 0


def test_timeline_of_another_day_is_not_taken_for_yesterday() -> None:
    context = build(hedge=with_yesterday(trade_date=date(2026, 2, 18), temporal_vega="active"))
    assert not any(one["subject"] == "temporal vega" for one in context["state"]["since_yesterday"]["changes"])


def test_changes_of_prices_are_those_of_the_curve() -> None:
    state = build()["state"]
    since, curve = state["since_yesterday"], state["curve"]
    before = curve["comparisons"][0]
    assert since["vix_change_pts"] == pytest.approx(curve["vix_close_pts"] - before["vix_close_pts"])
    contango = curve["measures"]["contango_frac"] - before["measures"]["contango_frac"]
    assert since["contango_change_frac"] == pytest.approx(contango)
    window = next(one for one in state["funding"]["windows"] if one["window"] == "session")
    assert since["pnl_usd"] == window["layers"][-1]["pnl_usd"]


def test_first_session_has_nothing_to_be_held_against() -> None:
    context = build(term_structure=make_term_structure(1), volatility_indices=make_inputs(1).volatility_indices)
    assert context["state"]["since_yesterday"]["previous_trade_date"] is None
    assert "No session before this one" in context["since"]["sentence"]


# -- what would change next


def next_of(layer: str, **changes: Any) -> dict[str, Any]:
    found = build_next_changes(build_explanation(make_facts(**changes)))
    return next(one for one in found if one["layer"] == layer)


def test_next_change_has_its_distance_in_numbers_and_words() -> None:
    idle = {"temporal_vega": ("idle", 0, "idle: volatility is below its arming level")}
    found = next_of("temporal_vega", states=idle, signals={"vix_close_pts": 15.38}, episode=())
    assert found["text"] == "Temporal vega, armed: VIX \N{GREATER-THAN OR EQUAL TO} 25, 9.62 pts away."
    (need,) = found["open"]
    assert (need["column"], need["threshold"], need["bound"]) == ("vix_close_pts", 25.0, ">=")
    assert need["distance"] == pytest.approx(25 - 15.38)


def test_nearest_transition_is_the_one_with_the_fewest_open_conditions() -> None:
    # early roll: divergence and window; forced roll: the window alone
    assert next_of("base")["what"] == "forced roll to VX2"


def test_transition_that_cannot_be_evaluated_comes_last_and_says_so() -> None:
    found = next_of("base", signals={"vx1_trading_days_to_expiry": None})
    assert found["what"] == "blocked"
    assert found["is_evaluable"]


def test_steward_says_what_holds_him() -> None:
    found = next_of("governor", mode="steward", held="big_top", signals={"spx_rsi14": None})
    assert found["to_state"] == "promoter"
    assert "to end" in found["text"]


# -- calendar


def test_calendar_is_in_order_and_counts_sessions() -> None:
    calendar = build()["state"]["calendar"]
    days = [one["date"] for one in calendar]
    assert days == sorted(days)
    by_event = {one["event"]: one for one in calendar}
    assert {"vx1_settlement", "vx2_settlement", "spx_expiry", "roll_forced", "fomc_decision"} <= set(by_event)
    # 18 March 2026 is a Wednesday, 18 weekdays after Friday 20 February
    assert (by_event["vx1_settlement"]["date"], by_event["vx1_settlement"]["sessions_away"]) == ("2026-03-18", 18)
    assert by_event["spx_expiry"]["date"] == "2026-03-20"


def test_forced_roll_is_five_trading_days_before_the_settlement() -> None:
    calendar = {one["event"]: one for one in build()["state"]["calendar"]}
    assert calendar["roll_forced"]["date"] == "2026-03-11"
    assert calendar["roll_forced"]["sessions_away"] == calendar["vx1_settlement"]["sessions_away"] - 5


def test_expiry_on_a_holiday_is_the_session_before() -> None:
    upcoming = tuple(
        {**one, "is_equity_session": False} if one["session_date"] == date(2026, 3, 20) else one
        for one in make_upcoming()
    )
    calendar = {one["event"]: one for one in build(upcoming=upcoming)["state"]["calendar"]}
    assert calendar["spx_expiry"]["date"] == "2026-03-19"


def test_estimated_date_is_marked() -> None:
    context = build(minutes_basis="estimated", hedge=make_facts(signals={"next_fomc_minutes_date": date(2026, 4, 8)}))
    row = next(row for row in context["calendar"]["rows"] if row["cells"][1]["text"] == "FOMC minutes")
    assert row["cells"][1]["note"] == "estimated"
    assert row["cells"][3]["text"] == "estimated"
    assert "estimated: the publisher has named no date yet" in context["calendar_bases"]


def test_calendar_that_ends_says_no_number_of_sessions() -> None:
    calendar = build(upcoming=())["state"]["calendar"]
    assert {one["sessions_away"] for one in calendar} == {None}


# -- band of past curves


def test_band_of_one_curve_is_that_curve() -> None:
    row = make_term_structure(1).to_dict("records")[0]
    days = pd.bdate_range(end=AS_OF, periods=FEWEST_SESSIONS)
    rows = []
    for day in days:
        moved = (AS_OF - day.date()).days
        expiries = {
            f"vx{rank}_expiry_date": row[f"vx{rank}_expiry_date"] - timedelta(days=moved) for rank in range(1, 10)
        }
        rows.append({**row, **expiries, "trade_date": day.date()})
    band = compute_curve_band(pd.DataFrame(rows))
    assert band["sessions"] == FEWEST_SESSIONS
    assert band["points"][0] == {"days": 0, **dict.fromkeys(("low", "median", "high"), row["vix_close_pts"])}
    by_days = {one["days"]: one for one in band["points"]}
    assert by_days[30]["low"] == pytest.approx(by_days[30]["high"])
    assert by_days[30]["median"] == pytest.approx(row["cm30_pts"], abs=1e-3)


def test_band_needs_enough_sessions_and_extrapolates_nothing() -> None:
    assert compute_curve_band(make_term_structure(FEWEST_SESSIONS - 1))["points"] == []
    frame = make_term_structure(100)
    for rank in range(5, 10):
        frame[f"vx{rank}_settle_pts"] = np.nan
    reach = max((row["vx4_expiry_date"] - row["trade_date"]).days for row in frame.to_dict("records"))
    assert all(one["days"] <= reach for one in compute_curve_band(frame)["points"])


def test_band_is_ordered_by_quantile() -> None:
    points = compute_curve_band(make_term_structure(100))["points"]
    assert len(points) > 8
    assert all(one["low"] <= one["median"] <= one["high"] for one in points)


# -- months, ratio, budget, break-even


def test_months_add_up_to_the_ledger() -> None:
    facts = make_statement_facts()
    months = build_ledger_months(facts)
    whole = facts.ledger[facts.ledger["layer"] == "portfolio"]
    for name in ("pnl_usd", "protection_cost_usd", "credit_kept_usd", "cost_usd"):
        assert sum(one[name] for one in months) == pytest.approx(whole[name].sum(), abs=0.005)
    assert sum(one["sessions"] for one in months) == len(whole)
    assert [one["month"] for one in months] == sorted({str(day)[:7] for day in whole["trade_date"]})


def test_ratio_of_a_month_is_that_of_its_last_session() -> None:
    facts = make_statement_facts()
    rows = facts.ledger[facts.ledger["layer"] == "portfolio"].set_index("trade_date")["self_funding_ratio_12m"]
    for one in build_ledger_months(facts):
        expected = rows[pd.Timestamp(one["last_trade_date"])]
        found = one["self_funding_ratio_12m"]
        assert (found is None and math.isnan(expected)) or found == pytest.approx(expected)


def make_months(ratios: list[float | None]) -> list[dict[str, Any]]:
    return [
        {"month": f"2025-{place:02}", "last_trade_date": f"2025-{place:02}-28", "self_funding_ratio_12m": ratio}
        for place, ratio in enumerate(ratios, start=1)
    ]


def test_undefined_ratio_is_a_gap_and_is_said() -> None:
    chart = build_ratio_chart(make_months([0.4, None, 1.2, None]))
    assert chart["title"] == (
        "Self-funding ratio of 12 months: undefined now; at least 1 at the end of 1 of 4 months, undefined at 2"
    )
    assert chart["ratios"] == [0.4, None, 1.2, None]


def test_ratio_beyond_the_scale_is_marked_at_its_edge() -> None:
    inside = draw_ratio_chart(build_ratio_chart(make_months([0.4, 0.9, 1.2])))
    beyond = draw_ratio_chart(build_ratio_chart(make_months([0.4, RATIO_SPAN[1] + 40, 1.2])))
    assert "var(--chart-protection)" in beyond
    assert "var(--chart-protection)" not in inside


def test_budget_gauge_says_where_the_year_stands() -> None:
    funding = build_statement(make_statement_facts())["funding"]
    chart = build_budget_chart(funding)
    assert chart["rows"][0]["layer"] == "portfolio"
    assert chart["budget"] == [100 * funding["budget"][name] for name in ("lowest_frac", "highest_frac")]
    assert "budget" in chart["title"]
    unknown = {**chart, "rows": [{**row, "percent": None, "low": None, "high": None} for row in chart["rows"]]}
    assert draw_budget_chart(unknown).count("not evaluable") == len(chart["rows"])


def make_valuation(value: float | None, words: str) -> dict[str, Any]:
    row = {
        f"break_even_{name}_{part}": one
        for name in ("30d", "expiry")
        for part, one in (("vix_pts", value), ("words", words))
    }
    return {"layers": [{"layer": "portfolio", **row}, {"layer": "base", **row}]}


def test_break_even_is_set_beside_todays_vix() -> None:
    valuation = make_valuation(16.69, "gains above 16.69")
    assert say_break_evens(valuation, 15.38)[0] == (
        "Base: in 30 days it gains above 16.69 (+1.31 from VIX); at the nearest settlement it gains above 16.69 "
        "(+1.31 from VIX)."
    )
    chart = build_break_even_chart(valuation, 15.38, None)
    assert chart is not None
    assert chart["title"] == "All layers in 30 days: gains above 16.69 (+1.31 from VIX)"
    assert "VIX today" in draw_break_even_chart(chart)


def test_layer_without_a_break_even_says_why_and_is_not_drawn() -> None:
    valuation = make_valuation(None, "nothing is held")
    assert say_break_evens(valuation, 15.38) == ["Base: nothing is held.", "All layers: nothing is held."]
    assert build_break_even_chart(valuation, 15.38, 16.0) is None


# -- three renderings


def test_text_has_the_same_top_as_the_page() -> None:
    context = build()
    text = render_markdown(context)
    top = text[: text.index("## Hedge layers")]
    for sentence in (context["since"]["sentence"], *context["next"]):
        assert sentence.replace("[", "\\[") in top
    assert render_json(context)
