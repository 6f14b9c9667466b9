"""States as colours, lines of all sessions, and what the index says of reports, audits and checks."""

from __future__ import annotations

import re
from datetime import date

import pytest

from tests.support.report_fixtures import make_inputs
from tests.support.site_fixtures import HOSTILE, Parsed, make_history
from transforms.report.context import build_report_context
from transforms.report.render import render_html
from transforms.site import codes
from transforms.site.compare_page import build_groups, build_pairs
from transforms.site.index_page import build_heat_modes, build_sparks, render_index, say_value
from transforms.site.inputs import AuditLink, CheckedRun, CheckRow, IndexInputs, ReportLink, SiteHistory, SweepLink
from transforms.site.sparklines import HEIGHT, draw_sparkline
from warehouse.home import Home
from warehouse.models import load_columns
from warehouse.site_data import list_reports

DAY = date(2024, 1, 17)


def build(history: SiteHistory | None = None, **changes: object) -> IndexInputs:
    given: dict[str, object] = {
        "history": history or make_history(),
        "reports": [ReportLink(DAY, "Curve in contango."), ReportLink(date(2024, 1, 3))],
        "audits": [],
        "sweeps": [],
        "checked": CheckedRun("20240117T233000.000Z", DAY, []),
    }
    return IndexInputs(**(given | changes))  # type: ignore[arg-type]


def test_every_allowed_state_has_a_code_of_its_own() -> None:
    columns = load_columns()
    regimes, modes = columns["curve_regime"].allowed, columns["governor_mode"].allowed
    states = columns["state"].allowed
    assert [codes.REGIMES[code].words for code in codes.encode_regimes(regimes)] == list(regimes)
    assert [codes.GOVERNOR[code].words for code in codes.encode_governor(modes)] == list(modes)
    assert [codes.STATES[code] for code in codes.encode_states(states)] == list(states)


@pytest.mark.parametrize("steps", range(1, 11))
def test_active_temporal_layer_is_coded_with_its_steps(steps: int) -> None:
    (code,) = codes.encode_temporal(["active"], [steps])
    assert codes.TEMPORAL[code].words == f"active, {steps} step{'s' if steps > 1 else ''}"
    assert codes.TEMPORAL[code].tone == f"step-{min(steps, 3)}"


@pytest.mark.parametrize("state", ["idle", "armed", "blocked"])
def test_layer_without_steps_is_coded_by_its_state(state: str) -> None:
    (code,) = codes.encode_temporal([state], [0])
    assert codes.TEMPORAL[code].words == state


def test_state_that_is_missing_is_not_known_and_no_other() -> None:
    assert codes.encode_regimes([None]) == codes.encode_governor([None]) == codes.UNKNOWN
    assert codes.encode_temporal([None, "active"], [None, None]) == 2 * codes.UNKNOWN


def test_every_tone_has_a_colour() -> None:
    style = Parsed(render_index(build())).text
    tones = {entry.tone for table in (codes.REGIMES, codes.TEMPORAL, codes.GOVERNOR) for entry in table.values()}
    assert tones == set(re.findall(r"\.heat-([a-z0-9-]+) \{ fill", style))


def test_legend_counts_the_sessions_of_each_state() -> None:
    states = ["idle"] * 4 + ["armed"] * 2 + ["active"] * 6
    history = make_history(
        12, **{"temporal_vega.state": states, "temporal_vega.step_count": [0] * 6 + [1] * 2 + [3] * 4}
    )
    legend = build_heat_modes(history)[1]["legend"]
    assert [(entry["words"], entry["sessions"]) for entry in legend] == [
        ("idle", 4),
        ("armed", 2),
        ("active, 1 step", 2),
        ("active, 3 steps", 4),
    ]


def test_last_value_of_a_line_is_that_of_the_last_session_even_where_it_is_missing() -> None:
    vix, _, ratio, money = build_sparks(
        make_history(4, vix_close_pts=[12.0, 40.0, 14.0, None], pnl_cum_usd=[0, 5, -7, -3])
    )
    assert vix["value"] == "—"
    assert vix["notes"] == ["12.00 (2 Jan 2024) to 40.00 (3 Jan 2024)", "last known on 4 Jan 2024"]
    assert ratio["notes"][0] == "no session has a value"
    assert money["value"] == "\N{MINUS SIGN}$3"


def test_line_says_how_many_sessions_lie_beyond_its_drawing() -> None:
    ratio = build_sparks(make_history(4, self_funding_ratio_12m=[0.5, 16.8, -25.0, 1.0]))[2]
    assert ratio["notes"][-1] == "drawn from \N{MINUS SIGN}0.50 to 2.00; 2 sessions beyond"


def test_line_keeps_a_spike_and_leaves_a_gap() -> None:
    values: list[float | None] = [1.0] * 3000
    values[1500] = 9.0
    values[100:200] = [None] * 100
    path = re.search(r'spark-line" d="([^"]*)"', str(draw_sparkline(values, "VIX")))
    assert path is not None
    heights = [float(height) for height in re.findall(r"[ML][\d.]+ ([\d.]+)", path[1])]
    assert min(heights) == pytest.approx(3.0)
    assert max(heights) == pytest.approx(HEIGHT - 3.0)
    assert path[1].count("M") == 2


def test_line_of_nothing_is_drawn_as_nothing() -> None:
    assert 'd=""' in str(draw_sparkline([], "VIX"))
    assert 'd=""' in str(draw_sparkline([None, None], "VIX"))


@pytest.mark.parametrize(
    ("value", "said"), [(None, "—"), (1234.4, "$1,234"), (-1234.5, "\N{MINUS SIGN}$1,234"), (-0.2, "$0")]
)
def test_dollars_are_said_whole(value: float | None, said: str) -> None:
    assert say_value(value, "usd") == said


def test_newest_report_is_first_with_its_sentence() -> None:
    text = render_index(build())
    assert text.index("2024-01-17/hedge-state.html") < text.index("2024-01-03/hedge-state.html")
    assert "Curve in contango." in text


def test_index_without_a_report_says_how_to_make_one() -> None:
    assert "<code>alvh report</code>" in render_index(build(reports=[]))


def test_simulated_market_says_so() -> None:
    history = make_history()
    simulated = SiteHistory(history.days, history.columns, history.holdings, is_simulated=True)
    assert 'class="simulated"' in render_index(build(simulated))
    assert 'class="simulated"' not in render_index(build())


def test_audits_and_sweeps_are_linked_with_their_verdicts_and_as_text() -> None:
    audit = AuditLink("2024-01-17", [("H1", HOSTILE, "does_not_hold")], is_simulated=False)
    sweep = SweepLink("2024-01-17-abc", HOSTILE, "2024-01-17", 125, is_simulated=False)
    page = Parsed(render_index(build(audits=[audit], sweeps=[sweep])))
    assert {"../audit/2024-01-17/audit.html", "../sweeps/2024-01-17-abc/sweep.html"} <= set(page.links)
    assert "does not hold" in page.text
    assert len(page.scripts) == 1


def test_failed_checks_are_named_on_the_index() -> None:
    failed = CheckRow(
        "mart.daily_positions__stay", "sql", "warn", is_passed=False, offending_rows=1, what="", sample=[]
    )
    text = render_index(build(checked=CheckedRun("run", DAY, [failed])))
    assert "0 failed, 1 with a warning" in text
    assert "mart.daily_positions__stay" in text


def test_warehouse_that_nobody_checked_has_passed_nothing() -> None:
    text = render_index(build(checked=CheckedRun("run", DAY, [])))
    assert "none was run" in text
    assert "all passed" not in text


def test_history_of_no_session_still_makes_a_page() -> None:
    assert Parsed(render_index(build(make_history(0), reports=[]))).data["sessions"]["days"]["first"] is None


def test_compared_columns_lead_to_their_entry() -> None:
    registry = load_columns()
    for group in build_groups():
        for row in group["rows"]:
            assert row["href"].partition("#")[2] in registry


def test_pairs_are_the_extremes_and_a_year_earlier() -> None:
    history = make_history(300, vix_close_pts=[20.0] * 10 + [80.0] + [9.0] + [20.0] * 288)
    pairs = {pair["words"].partition(",")[0]: pair["a"] for pair in build_pairs(history)}
    assert pairs["highest VIX"] == history.days[10].isoformat()
    assert pairs["lowest VIX"] == history.days[11].isoformat()
    assert pairs["a year earlier"] <= history.days[-1].replace(year=history.days[-1].year - 1).isoformat()


def test_headline_of_a_report_is_read_from_its_page(tmp_path: object) -> None:
    home = Home(tmp_path)  # type: ignore[arg-type]
    context = build_report_context(make_inputs())
    page = home.reports / "2026-01-12" / "hedge-state.html"
    page.parent.mkdir(parents=True)
    page.write_text(render_html(context), encoding="utf-8")
    (home.reports / "latest").mkdir()
    assert list_reports(home, 1) == [ReportLink(date(2026, 1, 12), context["headline"])]
