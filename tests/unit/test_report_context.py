from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from tests.support.report_fixtures import (
    AS_OF,
    build_context,
    build_context_anew,
    change_tonight,
    make_check,
    make_inputs,
    make_quarantine,
    make_revision,
    make_source,
    make_term_structure,
    make_volatility_indices,
)
from transforms.errors import PipelineError
from transforms.page.links import reference_href
from transforms.page.text import clean_text, say_date, say_level, say_number, to_plain
from transforms.report.context import build_report_context

SETTLEMENT_SESSION = date(2026, 2, 18)
EXPIRY_OF_VX2_BEFORE = date(2026, 3, 18)


def build_tonight(**values: Any) -> dict[str, Any]:
    return build_context(term_structure=change_tonight(make_term_structure(), **values))


def build_on_settlement_date(**values: Any) -> dict[str, Any]:
    """Return the context of a session on which the front contract has settled at the open."""
    frame = make_term_structure()
    frame = frame[frame["trade_date"] <= SETTLEMENT_SESSION]
    inputs = make_inputs()
    return build_report_context(
        replace(
            inputs,
            as_of=SETTLEMENT_SESSION,
            expected_session=SETTLEMENT_SESSION,
            term_structure=change_tonight(frame, **values),
            index_levels=inputs.index_levels.iloc[:0],
            volatility_indices=inputs.volatility_indices.iloc[:0],
            hedge=None,
            statement=None,
        )
    )


def cells(table: dict[str, Any], first: str) -> list[str]:
    """Return the texts of the row that begins with a label."""
    return next(
        [cell["text"] for cell in row["cells"]] for row in table["rows"] if row["cells"][0]["text"].startswith(first)
    )


def reasons(context: dict[str, Any]) -> str:
    return " ".join(context["state"]["data_health"]["reasons"])


# -- headline and strip


def test_headline_says_the_hedge_first_then_governor_curve_and_vix() -> None:
    context = build_tonight(
        vx1_settle_pts=18.5, vx2_settle_pts=20.1, contango_frac=20.1 / 18.5 - 1, curve_state="steep",
        curve_regime="steep", days_in_regime=12, vix_close_pts=16.2, vix_pctile=0.38,
    )  # fmt: skip
    assert context["headline"] == (
        "Base active in VX1, temporal vega armed (waiting for convergence), second engine idle; governor promoter; "
        "curve in steep contango: VX2 8.65% above VX1; VIX 16.20."
    )


def test_headline_without_a_policy_is_of_the_curve_alone() -> None:
    assert build_context(hedge=None)["headline"].startswith("Curve ")


def test_headline_says_below_in_backwardation() -> None:
    context = build_tonight(contango_frac=-0.042, curve_state="backwardation", curve_regime="backwardation")
    assert "curve in backwardation: VX2 4.20% below VX1" in context["headline"]


def test_headline_names_the_regime_that_still_holds() -> None:
    context = build_tonight(contango_frac=0.021, curve_state="flat", curve_regime="contango", days_in_regime=31)
    assert "curve flat" in context["headline"]
    assert "the confirmed regime is still contango, 31 sessions so far" in context["headline"]


def test_headline_gives_the_reason_when_the_slope_is_missing() -> None:
    context = build_tonight(vx2_settle_pts=None, contango_frac=None, curve_state=None, curve_regime=None)
    assert "not evaluable: needs VX2, which is missing on 20 Feb 2026" in context["headline"]


def test_missing_vix_is_not_published_and_has_no_change() -> None:
    cells = build_tonight(vix_close_pts=None)["since"]["table"]["rows"][0]["cells"]
    assert [cell["text"] for cell in cells[2:]] == ["not published", "\N{EM DASH}"]


def test_strip_has_layers_governor_regime_funding_and_health() -> None:
    labels = [box["label"] for box in build_context()["strip"]]
    layers = ["Base", "Temporal vega", "Second engine", "Governor"]
    assert labels == [*layers, "Regime", "Funding", "Data health"]
    assert [box["label"] for box in build_context(hedge=None, statement=None)["strip"]] == ["Regime", "Data health"]


# -- curve


def test_change_follows_the_contract_when_ranks_shift() -> None:
    before = make_term_structure()
    before = before[before["trade_date"] == date(2026, 2, 17)].iloc[0]
    assert before["vx2_expiry_date"] == EXPIRY_OF_VX2_BEFORE
    front = build_on_settlement_date(vx1_settle_pts=before["vx2_settle_pts"] + 0.35)["state"]["curve"]["contracts"][0]
    assert (front["change_1d_pts"], front["rank_1d_before"], front["is_rank_shifted"]) == (0.35, 2, True)


def test_contract_table_says_which_rank_the_contract_had() -> None:
    table = build_on_settlement_date()["tables"]["contracts"]
    assert table["rows"][1]["cells"][4]["note"] == "was VX2"


def test_contract_that_was_not_listed_before_has_no_change() -> None:
    context = build_on_settlement_date()
    last = context["state"]["curve"]["contracts"][-1]
    assert (last["change_1d_pts"], last["rank_1d_before"]) == (None, None)
    assert any("VX9: not among VX1 to VX9" in note for note in context["tables"]["contracts"]["notes"])


def test_change_on_an_ordinary_session_compares_the_same_rank() -> None:
    frame = make_term_structure()
    frame.loc[frame.index[-2], "vx1_settle_pts"] = 18.05
    context = build_context(term_structure=change_tonight(frame, vx1_settle_pts=18.4))
    front = context["state"]["curve"]["contracts"][0]
    assert (front["change_1d_pts"], front["is_rank_shifted"]) == (0.35, False)


def test_days_to_expiry_are_calendar_days() -> None:
    assert build_context()["state"]["curve"]["contracts"][0]["calendar_days_to_expiry"] == 26  # 20 Feb to 18 Mar


def test_comparisons_are_1_5_and_21_sessions_back() -> None:
    frame = make_term_structure()
    dates = [one["trade_date"] for one in build_context()["state"]["curve"]["comparisons"]]
    assert dates == [frame["trade_date"].iloc[-1 - back].isoformat() for back in (1, 5, 21)]


def test_comparison_columns_name_their_dates() -> None:
    columns = build_context()["tables"]["measures"]["columns"]
    assert [(one["label"], one["detail"]) for one in columns[2:]] == [
        ("1 day before", "19 Feb"),
        ("1 week before", "12 Feb"),
        ("1 month before", "21 Jan"),
    ]


def test_comparison_without_a_session_stays_empty() -> None:
    context = build_context(sessions=3)
    assert [one["trade_date"] for one in context["state"]["curve"]["comparisons"]][1:] == [None, None]
    assert cells(context["tables"]["measures"], "Contango, VX2")[3:] == ["—", "—"]


def test_first_session_of_all_is_reported() -> None:
    assert build_context(sessions=1)["state"]["curve"]["contracts"][0]["change_1d_pts"] is None


def test_missing_measure_is_null_in_state_and_words_on_the_page() -> None:
    context = build_tonight(cm90_pts=float("nan"))
    assert context["state"]["curve"]["measures"]["cm90_pts"] is None
    assert cells(context["tables"]["measures"], "Constant maturity 90")[1] == "not evaluable"


def test_missing_constant_maturity_says_never_extrapolated() -> None:
    missing = {entry["column"]: entry["reason"] for entry in build_tonight(cm90_pts=None)["missing"]}
    assert missing["cm90_pts"] == "90 days lie outside the settlements of 20 Feb 2026; never extrapolated"


def test_missing_settlement_names_the_contract() -> None:
    missing = {entry["column"]: entry["reason"] for entry in build_tonight(vx4_settle_pts=None)["missing"]}
    assert missing["vx4_settle_pts"] == "no settlement on 20 Feb 2026 for the contract expiring 17 Jun 2026"


def test_unlisted_rank_is_not_called_unpublished() -> None:
    context = build_tonight(vx9_settle_pts=None, vx9_expiry_date=None)
    missing = {entry["column"]: entry["reason"] for entry in context["missing"]}
    assert missing["vx9_settle_pts"] == "no monthly contract of this rank listed on 20 Feb 2026"


def test_zero_change_is_shown_as_zero_and_not_as_missing() -> None:
    frame = make_term_structure()
    frame.loc[frame.index[-2], "vix_close_pts"] = 16.0
    context = build_context(term_structure=change_tonight(frame, vix_close_pts=16.0))
    assert cells(context["tables"]["contracts"], "VIX")[4] == "0.00"


def test_returns_of_rebuilt_indices_compound_over_sessions() -> None:
    short = build_context()["state"]["curve"]["futures_indices"][1]
    assert short["return_5_sessions_frac"] == pytest.approx(0.998**5 - 1)
    assert short["return_21_sessions_frac"] == pytest.approx(0.998**21 - 1)


def test_static_roll_down_stands_beside_what_was_realised() -> None:
    frame = make_term_structure()
    frame.loc[frame.index[-22], "roll_down_front_frac"] = 0.052
    sentence = build_context(term_structure=frame)["roll_down_sentence"]
    assert "on 21 Jan 2026 the front roll-down stood at +5.20% over 30 days" in sentence
    assert "a long holder has earned −4.12% since" in sentence  # 0.998**21 - 1


def test_index_change_needs_both_sessions() -> None:
    levels = pd.DataFrame(
        [
            {"trade_date": date(2026, 2, 19), "index_code": "VIX", "close_pts": 16.0},
            {"trade_date": AS_OF, "index_code": "VIX", "close_pts": 16.75},
            {"trade_date": AS_OF, "index_code": "VIX3M", "close_pts": 18.0},
        ]
    )
    changes = [one["change_1d_pts"] for one in build_context(index_levels=levels)["state"]["curve"]["index_levels"]]
    assert changes == [0.75, None]


# -- regime and history


def test_regime_keeps_raw_state_and_confirmed_regime_apart() -> None:
    regime = build_tonight(curve_state="flat", curve_regime="contango", days_in_regime=4.0)["state"]["regime"]
    assert (regime["curve_state"], regime["curve_regime"], regime["is_confirmed"]) == (
        "flat",
        "contango",
        False,
    )
    assert regime["days_in_regime"] == 4


def test_history_holds_the_last_90_sessions() -> None:
    sessions = build_context(sessions=100)["charts"]["history"]["sessions"]
    assert (len(sessions), sessions[-1]["trade_date"]) == (90, AS_OF.isoformat())


def test_recent_regimes_add_up_to_the_sessions() -> None:
    recent = build_tonight(curve_regime=None)["state"]["regime"]["recent"]
    parts = ("backwardation", "flat", "contango", "steep", "not_evaluable")
    assert sum(recent[part] for part in parts) == recent["sessions"] == 90
    assert recent["not_evaluable"] == 1


# -- data health


def test_healthy_night_is_ok_without_reasons() -> None:
    health = build_context()["state"]["data_health"]
    assert (health["status"], health["reasons"]) == ("ok", [])


def test_stale_source_degrades_with_its_age_in_words() -> None:
    stale = make_source(status="stale", newest_reference_date=date(2026, 2, 18), age_sessions=2)
    context = build_context(sources=[stale])
    assert context["state"]["data_health"]["status"] == "degraded"
    assert "VX contract files (cboe) is stale: newest value 18 Feb 2026, 2 sessions old" in reasons(context)


def test_optional_source_may_be_absent() -> None:
    context = build_context(sources=[make_source(status="absent", requirement="optional")])
    assert context["state"]["data_health"]["status"] == "ok"


def test_late_session_degrades() -> None:
    context = build_context(expected_session=date(2026, 2, 23))
    assert "The session of Mon 23 Feb 2026 should be out" in reasons(context)


def test_failed_error_check_degrades() -> None:
    context = build_context(checks=[make_check(is_passed=False, offending_rows=2)])
    assert "settle_is_positive failed, 2 rows: Every settlement is above zero." in reasons(context)


def test_warning_about_old_sessions_does_not_degrade() -> None:
    sample = [{"trade_date": "2020-03-18"}]
    context = build_context(checks=[make_check(severity="warn", is_passed=False, sample=sample)])
    assert context["state"]["data_health"]["status"] == "ok"


def test_warning_about_this_session_degrades() -> None:
    sample = [{"trade_date": AS_OF.isoformat()}]
    context = build_context(checks=[make_check(severity="warn", is_passed=False, sample=sample)])
    assert context["state"]["data_health"]["status"] == "degraded"


def test_rejected_rows_of_this_session_degrade() -> None:
    context = build_context(quarantine=[make_quarantine(disposition="rejected", last_trade_date=AS_OF)])
    assert "812 rows rejected, the newest of this session" in reasons(context)


def test_old_quarantine_does_not_degrade() -> None:
    assert build_context(quarantine=[make_quarantine()])["state"]["data_health"]["status"] == "ok"


def test_missing_vix_degrades() -> None:
    assert "VIX: no VIX close for 20 Feb 2026" in reasons(build_tonight(vix_close_pts=None))


def test_long_list_of_revisions_is_cut_on_the_page_only() -> None:
    context = build_context(revisions=[make_revision(key=f"VX{number}") for number in range(60)])
    assert len(context["state"]["data_health"]["revisions"]) == 60
    assert context["tables"]["revisions"]["notes"] == ["And 20 more rows in hedge-state.json."]


# -- inputs, glossary, plain values


def test_context_is_plain_json() -> None:
    context = build_context(revisions=[make_revision(old_value=float("nan"))], quarantine=[make_quarantine()])
    assert json.loads(json.dumps(context, allow_nan=False)) == context


def test_context_is_the_same_for_the_same_inputs() -> None:
    assert json.dumps(build_context_anew()) == json.dumps(build_context_anew())


def test_context_reads_pandas_timestamps_like_dates() -> None:
    frame = make_term_structure()
    for column in [name for name in frame.columns if name.endswith("_date")]:
        frame[column] = pd.to_datetime(frame[column])
    assert build_context(term_structure=frame)["state"] == build_context()["state"]


def test_glossary_prefers_the_registry_of_columns() -> None:
    entry = next(one for one in build_context()["glossary"] if one["column"] == "contango_frac")
    assert entry["formula"] == "vx2_settle_pts / vx1_settle_pts - 1"
    assert entry["model"] == "sql/mart/daily_term_structure.sql"


def test_glossary_says_units_in_words() -> None:
    context = build_context(columns={"contango_frac": {"unit": "frac"}})
    entry = next(one for one in context["glossary"] if one["column"] == "contango_frac")
    assert entry["unit"] == "fraction, shown in %"


def test_every_measure_has_a_glossary_entry() -> None:
    context = build_context()
    explained = {f"#{entry['anchor']}" for entry in context["glossary"]}
    explained |= {entry["href"] for entry in context["glossary"]}
    explained |= {reference_href("mart.daily_term_structure", f"vx{rank}_settle_pts") for rank in range(1, 10)}
    linked = {
        cell["href"]
        for table in context["tables"].values()
        for row in table["rows"]
        for cell in row["cells"]
        if cell["href"]
    }
    assert linked <= explained


def test_inputs_refuse_a_session_after_the_report() -> None:
    with pytest.raises(PipelineError, match="not the session of the report"):
        make_inputs(as_of=date(2026, 2, 19))


def test_inputs_refuse_sessions_out_of_order() -> None:
    frame = make_term_structure()
    with pytest.raises(PipelineError, match="not in order"):
        make_inputs(term_structure=pd.concat([frame.iloc[[-2]], frame]))


def test_inputs_refuse_a_later_index_level() -> None:
    later = make_volatility_indices([date(2026, 2, 23)])
    with pytest.raises(PipelineError, match="after the one of the report"):
        make_inputs(volatility_indices=later)


def test_inputs_name_the_columns_they_lack() -> None:
    with pytest.raises(PipelineError, match="cm30_pts"):
        make_inputs(term_structure=make_term_structure().drop(columns="cm30_pts"))


def test_inputs_refuse_a_run_that_hides_its_market() -> None:
    with pytest.raises(PipelineError, match="real or simulated"):
        make_inputs(run={**make_inputs().run, "market": None})


@pytest.mark.parametrize(
    ("value", "style", "signed", "text"),
    [
        (0.08648, "frac", True, "+8.65%"),
        (-0.00001, "frac", True, "0.00%"),
        (-3.456, "pts", False, "−3.46"),
        (1234.5, "level", False, "1,234.50"),
        (0.11, "pctile", False, "11th"),
        (0.22, "pctile", False, "22nd"),
        (1.0, "pctile", False, "100th"),
        (None, "pts", True, "—"),
        (0.0041234, "level", False, "0.00412"),
        (0.0, "level", False, "0.00"),
    ],
)
def test_say_number_writes_as_a_trader_does(value: float | None, style: str, signed: bool, text: str) -> None:
    assert say_number(value, style, signed=signed) == text


def test_say_level_uses_words_for_the_ends() -> None:
    assert [say_level(level) for level in ("<15", "15-20", ">=30")] == ["below 15", "15–20", "30 or more"]


def test_say_date_uses_fixed_english_names() -> None:
    assert say_date(date(2026, 3, 4), weekday=True) == "Wed 4 Mar 2026"


def test_clean_text_drops_control_and_direction_characters() -> None:
    assert clean_text("a\x1b[31m\u202eb\nc\ud800") == "a[31mb c"


def test_clean_text_bounds_its_length() -> None:
    assert len(clean_text("x" * 5000)) == 400


def test_to_plain_writes_instants_in_utc() -> None:
    assert to_plain(datetime(2026, 2, 20, 23, 31, 4, 999, tzinfo=UTC)) == "2026-02-20T23:31:04Z"
