from __future__ import annotations

import copy
import re
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.support.report_fixtures import change_tonight, make_inputs, make_term_structure
from transforms.page.drawing import THEME
from transforms.report.charts import draw_history_chart
from transforms.report.context import build_report_context
from transforms.report.curve_chart import draw_curve_chart

SVG = "{http://www.w3.org/2000/svg}"
DRAWINGS = {"curve": draw_curve_chart, "history": draw_history_chart}


def charts(**values: Any) -> dict[str, Any]:
    return charts_anew(**values) if values else copy.deepcopy(usual_charts())


def charts_anew(**values: Any) -> dict[str, Any]:
    frame = change_tonight(make_term_structure(), **values)
    charts: dict[str, Any] = build_report_context(make_inputs(term_structure=frame))["charts"]
    return charts


@cache
def usual_charts() -> dict[str, Any]:
    """The charts of a night with nothing changed; most tests go on from a copy of them."""
    return charts_anew()


def draw(name: str, **options: Any) -> str:
    return DRAWINGS[name](charts()[name], **options)


@pytest.fixture(params=sorted(DRAWINGS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_chart_is_one_well_formed_svg_element(name: str) -> None:
    assert ET.fromstring(draw(name)).tag == f"{SVG}svg"  # noqa: S314  our own drawing


def test_chart_has_a_title_and_a_description_for_a_listener(name: str) -> None:
    root = ET.fromstring(draw(name))  # noqa: S314
    ids = root.attrib["aria-labelledby"].split()
    assert root.attrib["role"] == "img"
    assert [child.attrib["id"] for child in root[:2]] == ids
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert all(child.text for child in root[:2])


def test_chart_takes_every_colour_from_the_page(name: str) -> None:
    svg = draw(name)
    assert "var(--chart-ink)" in svg
    assert not re.search(r"(fill|stroke|stop-color)\s*[:=]\s*\"?#", svg)
    assert not any(sentinel in svg for sentinel in THEME.values())


def test_chart_inherits_the_font_of_the_page(name: str) -> None:
    svg = draw(name)
    assert "<text" in svg
    assert "DejaVu" not in svg


def test_chart_brings_no_style_sheet_of_its_own(name: str) -> None:
    assert "<style" not in draw(name)


def test_chart_is_the_same_for_the_same_numbers(name: str) -> None:
    assert draw(name) == draw(name)


def test_chart_writes_no_date_of_drawing(name: str) -> None:
    assert "<metadata" not in draw(name)


def test_chart_identifiers_carry_the_name_of_the_chart(name: str) -> None:
    identifiers = re.findall(r'\bid="([^"]+)"', draw(name, chart_id="night"))
    assert identifiers
    assert all(identifier.startswith("night-") for identifier in identifiers)


def test_chart_references_point_to_its_own_identifiers(name: str) -> None:
    svg = draw(name)
    identifiers = set(re.findall(r'\bid="([^"]+)"', svg))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) <= identifiers


def test_compact_chart_is_narrower(name: str) -> None:
    wide, compact = (
        ET.fromstring(draw(name, is_compact=flag)).attrib["viewBox"].split()[2]  # noqa: S314
        for flag in (False, True)
    )
    assert float(compact) < float(wide) / 2


def test_chart_escapes_a_hostile_title(name: str) -> None:
    chart = charts()[name] | {"title": "<script>x</script>", "description": "</desc><img>"}
    svg = DRAWINGS[name](chart)
    assert "<script" not in svg
    assert "<img" not in svg


def test_curve_title_says_the_finding() -> None:
    title = charts(contango_frac=0.099, curve_state="steep")["curve"]["title"]
    assert title.startswith("Curve in steep contango: VX2 9.90% above VX1; 30 days at ")


def test_curve_starts_at_spot_and_goes_by_calendar_days() -> None:
    points = charts(vix_close_pts=14.5)["curve"]["series"][0]["points"]
    assert points[0] == [0, 14.5]
    assert [days for days, _ in points[1:4]] == [26, 54, 88]


def test_curve_compares_four_sessions() -> None:
    assert [one["name"] for one in charts()["curve"]["series"]] == [
        "20 Feb, this session",
        "19 Feb, 1 day before",
        "12 Feb, 1 week before",
        "21 Jan, 1 month before",
    ]


def test_curve_leaves_a_gap_for_a_missing_settlement() -> None:
    def subpaths(svg: str) -> int:
        return svg.count("M ")

    whole, broken = (draw_curve_chart(charts(**values)["curve"]) for values in ({}, {"vx3_settle_pts": None}))
    assert subpaths(broken) == subpaths(whole) + 1


def test_curve_without_any_value_says_so() -> None:
    chart = charts()["curve"] | {"series": [{"name": "20 Feb", "points": [[0, None]]}]}
    assert "no value published" in draw_curve_chart(chart)


def test_history_without_any_value_says_so() -> None:
    sessions = [
        {"trade_date": "2026-02-20", "vix_close_pts": None, "vx1_settle_pts": None, "contango_frac": None,
         "curve_regime": None}
    ]  # fmt: skip
    assert "no value published" in draw_history_chart(charts()["history"] | {"sessions": sessions})


def test_history_title_counts_the_regimes() -> None:
    title = charts()["history"]["title"]
    assert re.fullmatch(r"Of 90 sessions: (\w+ (on )?\d+(, | and )?)+", title)


def test_history_draws_the_edges_of_the_run() -> None:
    assert charts()["history"]["edges"] == [0.0, 0.03, 0.08]


def test_history_names_every_regime_beside_its_lane() -> None:
    svg = draw("history")
    assert all(f">{regime}<" in svg for regime in ("backwardation", "flat", "contango", "steep"))


def test_description_gives_the_numbers() -> None:
    description = charts(vix_close_pts=14.5)["curve"]["description"]
    assert description.startswith("20 Feb, this session: 0 days 14.50, 26 days ")
