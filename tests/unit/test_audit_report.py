from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from tests.support.audit_record import make_record
from transforms.audit.schema import load_audit_schema
from transforms.audit_report import render_audit_html, render_audit_markdown
from transforms.audit_report.claims import build_claim, say_headline
from transforms.audit_report.context import build_audit_context
from transforms.audit_report.drawing import draw_episodes, draw_forest, draw_paths
from transforms.audit_report.paths import compute_month_end_drawdowns
from transforms.audit_report.words import say_claim, say_interval, say_p, say_value
from transforms.page.drawing import THEME

MEGABYTE = 1024 * 1024
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)> [a](javascript:alert(3)) | $x$ `y`\n# z\x1b[31m'
VOID = {"meta", "br", "img", "link", "hr"}


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    return make_record()


@pytest.fixture(scope="module")
def simulated() -> dict[str, Any]:
    return make_record(is_simulated=True)


@pytest.fixture(scope="module")
def page_text(real: dict[str, Any]) -> str:
    return render_audit_html(real)


@pytest.fixture
def record(real: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(real)


def replace_all(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {name: replace_all(entry, change) for name, entry in value.items()}
    if isinstance(value, list):
        return [replace_all(entry, change) for entry in value]
    return change(value)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def without_numbers(record: dict[str, Any]) -> dict[str, Any]:
    blank: dict[str, Any] = replace_all(record, lambda value: None if is_number(value) else value)
    return blank


def with_verdicts(record: dict[str, Any], verdict: str) -> dict[str, Any]:
    for one in record["hypotheses"]:
        one["verdict"] = verdict
    return record


class Page(HTMLParser):
    """Collects tags and attributes, and elements that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)


def drawings(page: str) -> Iterator[ET.Element]:
    for found in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        yield ET.fromstring(found)  # noqa: S314  our own drawing


def check(record: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator(load_audit_schema(), format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(record)]


# The shape of audit.json


def test_schema_is_a_schema_of_its_draft() -> None:
    Draft202012Validator.check_schema(load_audit_schema())


@pytest.mark.parametrize("market", ["real", "simulated"])
def test_record_has_the_shape_that_the_schema_promises(market: str, request: pytest.FixtureRequest) -> None:
    assert check(json.loads(json.dumps(request.getfixturevalue(market), allow_nan=False))) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: record.update(extra=1),
        lambda record: record.pop("family"),
        lambda record: record["hypotheses"].pop(),
        lambda record: record["hypotheses"][0].update(verdict="self-funded"),
        lambda record: record["comparators"][0]["years"].update(soon=0.1),
        lambda record: record["series"]["hedge"].append("0.1"),
        lambda record: record.update(as_of="01/07/2026"),
    ],
)
def test_schema_refuses_what_is_no_audit(record: dict[str, Any], spoil: Callable[[dict[str, Any]], object]) -> None:
    spoil(record)
    assert check(record)


# The page


def test_page_is_well_formed_self_contained_and_small(page_text: str) -> None:
    text = page_text
    page = Page(text)
    assert page.unbalanced == []
    assert page.open == []
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    addresses = [
        value for _, attrs in page.tags for name, value in attrs.items() if name in ("href", "src", "xlink:href")
    ]
    assert all(value is not None and value.startswith("#") for value in addresses)
    assert "url(http" not in text
    assert "@import" not in text
    assert len(text.encode()) < MEGABYTE


def test_identifiers_are_unique_and_links_lead_somewhere(page_text: str) -> None:
    page = Page(page_text)
    names = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(names) == len(set(names))
    targets = {attrs["href"] for tag, attrs in page.tags if tag == "a"}
    assert {str(target)[1:] for target in targets} <= set(names)


def test_same_record_gives_the_same_bytes(real: dict[str, Any], page_text: str) -> None:
    assert page_text == render_audit_html(copy.deepcopy(real))


def test_verdicts_stand_before_charts_and_tables(page_text: str) -> None:
    text = page_text
    last_verdict = max(found.start() for found in re.finditer(r'<article class="claim', text))
    assert text.count('<article class="claim') == 5
    assert last_verdict < text.index("<svg")


def test_every_chart_has_a_title_and_a_description_and_no_colour_of_its_own(page_text: str) -> None:
    text = page_text
    svgs = list(drawings(text))
    assert len(svgs) == 14
    for svg in svgs:
        title, description = svg[0], svg[1]
        assert svg.attrib["aria-labelledby"].split() == [title.attrib["id"], description.attrib["id"]]
        assert len(title.text or "") > 20
        assert len(description.text or "") > 20
    inside = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert not [sentinel for sentinel in THEME.values() if sentinel in inside]
    assert not re.findall(r"(?:fill|stroke): #[0-9a-f]{6}", inside)
    assert set(re.findall(r"var\((--chart-[\w-]+)\)", inside)) <= set(re.findall(r"(--chart-[\w-]+):", text))


def test_advice_is_denied_once(real: dict[str, Any], page_text: str) -> None:
    for text in (page_text, render_audit_markdown(real)):
        assert text.lower().count("not investment advice") == 1


# What is said of the claims


def test_self_funded_is_not_said_unless_the_claim_holds(record: dict[str, Any]) -> None:
    assert "was self-funded" in render_audit_markdown(with_verdicts(record, "holds"))
    for verdict in ("does_not_hold", "not_testable"):
        record["hypotheses"][3]["verdict"] = verdict
        assert "self-funded" not in render_audit_markdown(record)
        assert "self-funded" not in render_audit_html(record)


def test_a_made_up_market_says_nothing_about_a_claim(simulated: dict[str, Any]) -> None:
    spoken = with_verdicts(copy.deepcopy(simulated), "holds")
    page = render_audit_html(spoken)
    for text in (page, render_audit_markdown(spoken)):
        assert "SIMULATED" in text
        assert "self-funded" not in text
        assert "says anything about a claim" in text
    assert "say nothing about any claim" in say_headline(spoken)
    assert page.count("made-up market</span>") == 5


def test_real_market_has_no_banner(real: dict[str, Any], page_text: str) -> None:
    assert "SIMULATED" not in page_text
    assert "SIMULATED" not in render_audit_markdown(real)


def test_headline_counts_verdicts(record: dict[str, Any]) -> None:
    for one, verdict in zip(
        record["hypotheses"], ["holds", "does_not_hold", "does_not_hold", "not_testable", "not_testable"], strict=True
    ):
        one["verdict"] = verdict
    assert say_headline(record) == (
        "H1 holds; H2 and H3 do not hold; H4 and H5 are not testable. Whether the hedge pays for itself cannot be told."
    )


def test_claim_is_shown_with_number_interval_count_and_smallest_effect(record: dict[str, Any]) -> None:
    one = record["hypotheses"][0]
    one.update(estimate=0.0123, interval_low=0.01, interval_high=None, unit="frac of NAV a year", episodes=7)
    one.update(claim="the base hedge costs 0.01 to 0.02 of NAV a year", episodes_of="calm years", note="because")
    one["measures"][0]["smallest_effect"] = 0.004
    claim = build_claim(one)
    assert claim["claim"] == "The base hedge costs 1% to 2% of NAV a year"
    assert claim["why"] == "Because."
    assert [fact["text"] for fact in claim["facts"]] == [
        "1.23% of NAV a year",
        "1.00% to open",
        "7 calm years",
        "0.40% of NAV a year",
    ]


def test_equal_reasons_are_said_once_with_measures_in_words(record: dict[str, Any]) -> None:
    one = record["hypotheses"][1]
    one["note"] = "realised_vix_25: the mean is not above 0; realised_vix_30: the mean is not above 0"
    assert build_claim(one)["why"] == "Realised from VIX 25 and realised from VIX 30: the mean is not above 0."


# What is said of trials and slices


def test_best_trial_that_sells_volatility_is_called_so_from_its_numbers(record: dict[str, Any]) -> None:
    record["family"].update(best="seller", p_reality_check=0.0004, p_spa=0.031, is_significant=True, note="")
    record["comparators"][3].update(protection=-1.25, max_drawdown=0.61)
    said = " ".join(build_audit_context(record)["family"])
    assert "The best of 4 trials is seller" in said
    assert "reality check p below 0.001, SPA p 0.031" in said
    assert "Picking the best one is overfitting, and the test is against doing nothing" in said
    assert "drawdown of 61.00%" in said
    assert "short-volatility" in said
    record["comparators"][3]["protection"] = 1.25
    assert "short-volatility" not in " ".join(build_audit_context(record)["family"])


def test_best_trial_by_luck_is_not_called_significant(record: dict[str, Any]) -> None:
    record["family"]["is_significant"] = False
    assert "the best may be luck" in " ".join(build_audit_context(record)["family"])


def test_a_verdict_that_hangs_on_a_crisis_is_named(record: dict[str, Any]) -> None:
    with_verdicts(record, "does_not_hold")
    for one in record["without_crises"]:
        one["verdicts"] = {f"H{place}": "does_not_hold" for place in range(1, 6)}
    assert build_audit_context(record)["crises"].startswith("No verdict changes")
    record["without_crises"][0]["verdicts"]["H2"] = "holds"
    name = record["without_crises"][0]["without"]
    assert build_audit_context(record)["crises"] == f"Hangs on one crisis: H2 holds without {name}."


def test_mean_of_a_thin_slice_is_replaced_by_the_reason(record: dict[str, Any]) -> None:
    for one in record["slices"]:
        if one["slice_group"] == "all":
            one.update(is_enough=False, note="too few: 2 months, 10 are needed", mean_frac_year=9.99)
    row = build_audit_context(record)["tables"]["slices"]["rows"][0]
    assert [cell["text"] for cell in row["cells"][4::2]] == ["—", "—"]
    assert {cell["note"] for cell in row["cells"][4::2]} == {"too few: 2 months, 10 are needed"}


def test_a_trial_that_lives_on_haste_is_named(record: dict[str, Any]) -> None:
    assert build_audit_context(record)["delay"].startswith("None of 2 trials")
    record["lag"][1]["is_suspicious"] = True
    assert "own, free lost most of the gain" in build_audit_context(record)["delay"]


def test_provenance_says_what_is_missing_and_keeps_what_it_does_not_know(record: dict[str, Any]) -> None:
    facts = {row["label"]: row["text"] for row in build_audit_context(record)["provenance"]}
    assert facts["Command"] == "alvh audit --home made/up"
    assert facts["Inputs, SHA-256"] == "—"
    assert facts["Code"] == "—"
    assert facts["note of test"] == "x"


# Charts


def test_month_end_drawdown_compounds_steps_and_leaves_gaps() -> None:
    found = compute_month_end_drawdowns([0.0, 0.5, None, 0.2, 0.8])
    assert found[:2] == [0.0, 0.0]
    assert np.isnan(found[2])
    # from 1.5 a step of -0.3 leaves 1.05, then +0.6 makes 1.68
    assert found[3:] == pytest.approx([-30.0, 0.0])


def test_funding_title_does_not_call_a_gain_a_cost(record: dict[str, Any]) -> None:
    record["series"]["protection_cost_usd"][-1] = -2_500_000.0
    record["series"]["credit_kept_usd"][-1] = 1_200_000.0
    title = build_audit_context(record)["charts"]["funding"]["title"]
    assert title == "Protection gained $2.5m: nothing had to be funded; credits kept $1.2m"
    record["series"]["protection_cost_usd"][-1] = 2_400_000.0
    title = build_audit_context(record)["charts"]["funding"]["title"]
    assert title == "Protection cost $2.4m; credits kept $1.2m, 50.00% of it"
    record["series"]["credit_kept_usd"][-1] = -19_000.0
    title = build_audit_context(record)["charts"]["funding"]["title"]
    assert title == "Protection cost $2.4m; no credit was kept: shorts lost $19k"


def test_forest_is_ordered_by_sharpe_and_marks_the_judged_policy(record: dict[str, Any]) -> None:
    for one, ratio in zip(record["comparators"], (0.1, None, 0.9, -0.4), strict=True):
        one["sharpe"] = ratio
    chart = build_audit_context(record)["charts"]["comparators"]
    assert chart["labels"] == ["still", "own", "seller", "own, free"]
    assert chart["strong"] == 1


def test_numbers_in_texts_of_charts_keep_their_digits() -> None:
    chart = {
        "title": "Title 0.12345",
        "description": "Text 0.98765",
        "labels": ["label 0.54321"],
        "strong": None,
        "marks": [""],
        "panels": [{"title": "panel 0.24680", "rows": [[(0.123456, 0.1, 0.2)]]}],
    }
    svg = draw_forest(chart, chart_id="x")
    for number in ("0.12345", "0.98765", "0.54321", "0.24680"):
        assert number in svg
    assert not re.findall(r'd="[^"]*\d\.\d{3}', svg)


def test_titles_claim_nothing_that_is_not_known(record: dict[str, Any]) -> None:
    charts = build_audit_context(without_numbers(record))["charts"]
    assert charts["comparators"]["title"] == "No Sharpe ratio is known"
    assert charts["points"]["title"].endswith("no case that is known")
    assert charts["drawdown"]["title"] == "The largest drawdowns are not known"
    assert charts["static"]["title"].endswith("not known")


@pytest.mark.parametrize("is_compact", [False, True])
def test_charts_without_a_value_say_so(record: dict[str, Any], is_compact: bool) -> None:
    charts = build_audit_context(without_numbers(record))["charts"]
    draws = {"episodes": draw_episodes, "static": draw_forest, "points": draw_forest, "comparators": draw_forest}
    for name, chart in charts.items():
        svg = draws.get(name, draw_paths)(chart, chart_id=name, is_compact=is_compact)
        assert "no value published" in svg, name


# Robustness


def test_a_record_without_a_single_number_is_rendered_without_inventing_one(record: dict[str, Any]) -> None:
    blank = without_numbers(record)
    page, text = render_audit_html(blank), render_audit_markdown(blank)
    assert Page(page).unbalanced == []
    for found in (page, text):
        assert not re.search(r"\bnan\b|\bNone\b|\binf\b", re.sub(r"None of \d+ trials", "", found))
    assert "0.00%" not in text


def test_a_record_with_nothing_in_its_lists_is_rendered(simulated: dict[str, Any]) -> None:
    bare = copy.deepcopy(simulated)
    for name in ("without_crises", "trials", "comparators", "protected", "slices", "lag", "carry_points", "episodes"):
        bare[name] = []
    for name in ("calm_years", "assumptions"):
        bare[name] = []
    bare["series"] = {name: [] for name in bare["series"]}
    bare["family"].update(best=None, note="no trial")
    bare["provenance"] = {}
    for name in ("adaptive_or_static", "governor"):
        bare[name]["slices"] = []
    for one in bare["hypotheses"]:
        one["measures"] = []
    assert Page(render_audit_html(bare)).unbalanced == []
    assert "SIMULATED" in render_audit_markdown(bare)


def test_hostile_texts_stay_texts(record: dict[str, Any]) -> None:
    days = re.compile(r"\d{4}-\d{2}-\d{2}")
    hostile = replace_all(
        record, lambda value: HOSTILE if isinstance(value, str) and not days.fullmatch(value) else value
    )
    text = render_audit_html(hostile)
    page = Page(text)
    assert page.unbalanced == []
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert "\x1b" not in text
    assert all(svg.tag.endswith("svg") for svg in drawings(text))
    markdown = render_audit_markdown(hostile)
    assert "<script" not in markdown
    assert "\x1b" not in markdown
    assert "[a](javascript" not in markdown
    assert not re.search(r"^# z", markdown, re.MULTILINE)


def test_markdown_tables_are_tables(real: dict[str, Any]) -> None:
    lines = render_audit_markdown(real).splitlines()
    rules = [place for place, line in enumerate(lines) if re.fullmatch(r"\|( -+:? \|)+", line)]
    assert len(rules) >= 10
    for place in rules:
        columns = len(re.findall(r"(?<!\\)\|", lines[place]))
        assert len(re.findall(r"(?<!\\)\|", lines[place - 1])) == columns
        assert len(re.findall(r"(?<!\\)\|", lines[place + 1])) == columns
    assert "P&L" in "".join(lines)


# Words


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0101, "frac of NAV a year", "1.01% of NAV a year"),
        (-0.05, "ratio", "−0.05"),
        (0.0415, "points", "0.042"),
        (None, "ratio", "—"),
    ],
)
def test_value_is_said_in_its_unit(value: float | None, unit: str, expected: str) -> None:
    assert say_value(value, unit) == expected


def test_interval_says_which_end_is_open() -> None:
    assert say_interval(0.01, 0.02) == "1.00% to 2.00%"
    assert say_interval(None, 0.02) == "open to 2.00%"
    assert say_interval(None, None) == "—"


def test_small_p_is_not_zero() -> None:
    assert say_p(0.0) == "below 0.001"
    assert say_p(0.0213) == "0.021"
    assert say_p(None) == "—"


def test_claim_ranges_are_per_cent_and_other_numbers_stay() -> None:
    assert say_claim("overlaps 0.005 to 0.015 and lies above 0") == "overlaps 0.5% to 1.5% and lies above 0"
    assert say_claim("positive at VIX from 25 and from 30, 2007-10-09 to 2009-03-09") == (
        "positive at VIX from 25 and from 30, 2007-10-09 to 2009-03-09"
    )
