"""The ledger as people see it: windows, ratio, cost beside the budget, credit beside the claim, readings."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.statement_facts import DEFAULTS, NAV_USD, make_days, make_statement_facts
from transforms.errors import PipelineError
from transforms.statement.build import build_statement
from transforms.statement.ledger import build_ledger_history, build_ledger_statement, build_month_statement
from transforms.statement.rows import say_identity, say_option_pnl
from transforms.statement.words import NOTHING_TO_FUND, say_funding, say_range, say_usd


def ledger(**changes: Any) -> dict[str, Any]:
    return build_ledger_statement(make_statement_facts(**changes))


def window(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in document["windows"] if one["window"] == name)


def row(document: dict[str, Any], name: str, layer: str = "portfolio") -> dict[str, Any]:
    return next(one for one in window(document, name)["layers"] if one["layer"] == layer)


def replace_ledger(layers: tuple[str, ...], **values: float) -> pd.DataFrame:
    frame = make_statement_facts().ledger
    for name, value in values.items():
        frame.loc[frame["layer"].isin(layers), name] = value
    return frame


def test_every_window_adds_up_to_the_cent_in_every_layer() -> None:
    document = ledger()
    rows = [one for window in document["windows"] for one in window["layers"]]
    assert len(rows) == 5 * 4
    assert {one["pieces_difference_usd"] for one in rows} == {0.0}
    assert {one["funding_difference_usd"] for one in rows} == {0.0}
    assert "largest difference of 20 rows $0.00" in say_identity(document["windows"])


def test_piece_that_does_not_belong_is_a_difference_that_is_said() -> None:
    facts = make_statement_facts()
    facts.ledger.loc[facts.ledger.index[-1], "pnl_usd"] += 0.01
    document = build_ledger_statement(facts)
    assert row(document, "session")["pieces_difference_usd"] == 0.01
    assert "$0.01" in say_identity(document["windows"])


def test_windows_are_those_of_the_ratio() -> None:
    document = ledger()
    month, year = window(document, "1m"), window(document, "12m")
    assert (month["first_trade_date"], year["first_trade_date"]) == ("2026-01-21", "2025-02-21")
    assert window(document, "session")["sessions"] == 1
    assert window(document, "episode")["sessions"] == 3
    assert window(document, "all")["sessions"] == 300


@pytest.mark.parametrize("name", ["1m", "12m", "episode", "all"])
def test_ratio_of_a_window_is_kept_over_cost_of_its_own_row(name: str) -> None:
    document = ledger()
    for one in window(document, name)["layers"]:
        if one["protection_cost_usd"] > 0:
            expected = one["credit_kept_usd"] / one["protection_cost_usd"]
            assert one["self_funding_ratio"] == pytest.approx(expected, rel=1e-12)
        else:
            assert one["self_funding_ratio"] is None
            assert one["self_funding_note"].startswith(NOTHING_TO_FUND)


@pytest.mark.parametrize(("cost", "reason"), [(-5.0, "protection gained $1,500"), (0.0, "protection cost nothing")])
def test_nothing_to_fund_is_said_with_its_reason(cost: float, reason: str) -> None:
    document = ledger(ledger=replace_ledger(("portfolio",), protection_cost_usd=cost))
    whole = row(document, "all")
    assert whole["self_funding_ratio"] is None
    assert whole["self_funding_note"] == f"{NOTHING_TO_FUND}: {reason}"


def test_window_that_history_does_not_cover_has_no_rows_and_a_reason() -> None:
    year = window(ledger(count=40), "12m")
    assert (year["layers"], year["first_trade_date"]) == ([], None)
    assert year["reason"].startswith("not covered: the ledger begins on")


def test_no_episode_is_said_with_the_vix() -> None:
    sessions = make_statement_facts().sessions.assign(vix_close_pts=18.0)
    episode = window(ledger(sessions=sessions), "episode")
    assert episode["reason"] == "no high-VIX episode: VIX closed at 18.00, an episode is a run of closes from 25"


def test_given_back_is_received_less_kept() -> None:
    one = row(ledger(), "12m", "temporal_vega")
    assert one["credit_given_back_usd"] == pytest.approx(one["credit_received_usd"] - one["credit_kept_usd"], abs=1e-6)


def test_fills_replace_the_cost_alone() -> None:
    one = row(ledger(), "1m")
    assert one["pnl_at_mid_usd"] == pytest.approx(one["pnl_usd"] - one["cost_usd"] + one["cost_at_mid_usd"], abs=1e-6)
    assert one["pnl_at_full_usd"] == pytest.approx(one["pnl_usd"] - one["cost_usd"] + one["cost_at_full_usd"], abs=1e-6)


def test_options_carry_a_band_in_every_window() -> None:
    one = row(ledger(), "1m", "second_engine")
    count = window(ledger(), "1m")["sessions"]
    assert one["option_pnl_usd"] == pytest.approx(one["theta_usd"] + one["option_move_usd"], abs=1e-6)
    assert one["option_pnl_at_low_vol_usd"] == pytest.approx(one["option_pnl_usd"] - 10 * count, abs=0.01)
    assert one["option_pnl_at_high_vol_usd"] == pytest.approx(one["option_pnl_usd"] + 25 * count, abs=0.01)
    assert row(ledger(), "1m", "base")["option_pnl_usd"] == 0.0


def test_missing_band_is_not_a_band_of_nothing() -> None:
    options = make_statement_facts().options
    options.loc[options.index[-1], "at_low_vol_usd"] = np.nan
    one = row(ledger(options=options), "session", "second_engine")
    assert one["option_pnl_at_low_vol_usd"] is None
    assert say_option_pnl(one).endswith("band not known")


def test_band_holds_the_value_where_both_ends_lie_on_one_side() -> None:
    assert say_range((5.0, 1.0, 3.0)) == "$1 to $5"
    assert say_range((5.0, None, 3.0)) == ""


def test_cost_a_year_leaves_interest_out_and_stands_beside_the_budget() -> None:
    facts = make_statement_facts()
    mine = facts.ledger[facts.ledger["layer"] == "base"].tail(252)
    cost = next(one for one in build_ledger_statement(facts)["cost"] if one["layer"] == "base")
    assert cost["cost_12m_frac"] == pytest.approx(-(mine["pnl_usd"] - mine["interest_usd"]).sum() / NAV_USD)
    assert cost["budget_words"].endswith("the budget of 1% to 2% of NAV a year")


def test_cost_of_a_short_history_is_not_evaluable() -> None:
    document = ledger(count=40)
    whole = document["cost"][-1]
    assert (whole["cost_12m_frac"], whole["cost_12m_note"]) == (None, "history covers 40 of 252 sessions")
    assert "yearly cost not evaluable, history covers 40 of 252 sessions" in say_funding(document)
    assert say_funding(document).startswith("Funding, since ")


def test_credit_has_three_denominators() -> None:
    facts = make_statement_facts()
    mine = facts.ledger[facts.ledger["layer"] == "base"].tail(21)
    before = facts.ledger[facts.ledger["layer"] == "base"]["margin_usd"].iloc[-22:-1]
    one = next(one for one in build_ledger_statement(facts)["credit"] if one["layer"] == "base")
    credit = (mine["roll_usd"] + mine["theta_usd"]).sum()
    assert one["credit_usd"] == pytest.approx(credit)
    assert one["per_nav_frac"] == pytest.approx(credit / NAV_USD)
    assert one["per_notional_frac"] == pytest.approx(credit / 100_000)
    assert one["per_margin_frac"] == pytest.approx(credit / before.mean())


def test_unknown_notional_leaves_its_credit_without_a_value() -> None:
    notionals = make_statement_facts().notionals
    notionals.loc[notionals["trade_date"] == pd.Timestamp(make_days()[-5]), "notional_usd"] = np.nan
    whole = ledger(notionals=notionals)["credit"][-1]
    assert (whole["per_notional_frac"], whole["per_notional_note"]) == (None, "an input is not known")
    assert whole["per_nav_frac"] is not None


def test_readings_stand_side_by_side_and_the_booked_one_is_named() -> None:
    document = ledger()
    readings = {one["reading"]: one for one in document["readings"]}
    assert {name: one["is_as_booked"] for name, one in readings.items()} == {"equal_vega": True, "short_front": False}
    booked = row(document, "all", "temporal_vega")
    assert readings["equal_vega"]["all"]["pnl_usd"] == booked["pnl_usd"]
    assert readings["short_front"]["all"]["pnl_usd"] == -booked["pnl_usd"]


def test_cost_of_capital_is_left_out_unless_the_book_states_one() -> None:
    without = {"layer": "portfolio", "trade_date": date(2026, 2, 20), "drag_points": 1.2, "drag_of_wacc_ratio": None}
    assert ledger(valuation=(without,))["wacc"] is None
    assert ledger(valuation=(without | {"drag_of_wacc_ratio": 0.2},))["wacc"] == {
        "drag_points": 1.2,
        "drag_of_wacc_ratio": 0.2,
    }


def test_month_has_its_days_and_they_add_up_to_it() -> None:
    found = build_month_statement(make_statement_facts(), "2026-01")
    assert found is not None
    days = [day["layers"][-1]["pnl_usd"] for day in found["days"]]
    assert len(days) == found["window"]["sessions"] == 22
    assert {day["trade_date"][:7] for day in found["days"]} == {"2026-01"}
    assert sum(days) == pytest.approx(found["window"]["layers"][-1]["pnl_usd"], abs=1e-6)


def test_month_without_a_session_is_none() -> None:
    assert build_month_statement(make_statement_facts(), "2031-01") is None


def test_history_ends_where_the_whole_window_does() -> None:
    facts = make_statement_facts()
    history, whole = build_ledger_history(facts), row(build_ledger_statement(facts), "all")
    assert history["protection_cost"][-1] == pytest.approx(whole["protection_cost_usd"])
    assert history["pnl"]["portfolio"][-1] == pytest.approx(whole["pnl_usd"])


def test_sentence_never_says_that_anything_paid_for_itself() -> None:
    kept = make_statement_facts().ledger
    kept.loc[kept["layer"] == "portfolio", "self_funding_ratio_12m"] = 3.0
    sentence = build_statement(make_statement_facts(ledger=kept))["funding"]["sentence"]
    assert "self-funding ratio" in sentence
    assert "self-funded" not in sentence


def test_statement_is_plain_json() -> None:
    statement = build_statement(make_statement_facts())
    assert json.loads(json.dumps(statement, allow_nan=False)) == statement


def test_ledger_of_another_session_is_refused() -> None:
    with pytest.raises(PipelineError, match="not the session of the statement"):
        make_statement_facts(as_of=date(2026, 2, 19))


@pytest.mark.parametrize(("value", "said"), [(-1234.4, "\N{MINUS SIGN}$1,234"), (-0.2, "$0"), (None, "—"), (0.5, "$0")])
def test_dollars_have_no_negative_zero(value: float | None, said: str) -> None:
    assert say_usd(value) == said


def test_parameters_are_those_of_the_registry() -> None:
    assert ledger()["budget"] == {
        "lowest_frac": DEFAULTS["valuation_budget_lowest_frac"],
        "highest_frac": DEFAULTS["valuation_budget_highest_frac"],
    }
