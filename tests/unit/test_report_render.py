from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.report_fixtures import (
    build_context,
    build_context_anew,
    change_tonight,
    make_check,
    make_inputs,
    make_quarantine,
    make_revision,
    make_source,
    make_term_structure,
)
from transforms.errors import PipelineError
from transforms.page.markdown import escape_markdown
from transforms.report.render import load_schema, render_html, render_json, render_markdown

MEGABYTE = 1024 * 1024
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)> [a](javascript:alert(3)) | `x`\n# y\x1b[31m'


def build_hostile() -> dict[str, Any]:
    return build_context(
        sources=[make_source(label=HOSTILE, publisher=HOSTILE, note=HOSTILE, status="stale")],
        checks=[
            make_check(
                check_name=HOSTILE,
                what=HOSTILE,
                is_passed=False,
                offending_rows=1,
                sample=[{HOSTILE: HOSTILE}],
            )
        ],
        quarantine=[make_quarantine(dataset=HOSTILE, reason=HOSTILE, example=HOSTILE)],
        revisions=[make_revision(key=HOSTILE, old_value=HOSTILE, new_value=HOSTILE)],
        run={**make_inputs().run, "run_id": HOSTILE, "parameters": {HOSTILE: HOSTILE}},
        columns={"contango_frac": {"meaning": HOSTILE, "unit": HOSTILE, "source": HOSTILE}},
    )


def build_simulated() -> dict[str, Any]:
    return build_context(run={**make_inputs().run, "market": "simulated"})


class Page(HTMLParser):
    """Collects what tests ask about a page: tags with attributes, headings, unbalanced elements."""

    VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in tags]


@pytest.fixture(scope="module")
def html() -> str:
    return render_html(build_context())


# -- HTML


def test_html_is_the_same_for_the_same_inputs(html: str) -> None:
    assert render_html(build_context_anew()) == html


def test_html_elements_are_balanced(html: str) -> None:
    assert Page(html).open == []


def test_html_is_far_below_a_megabyte(html: str) -> None:
    assert len(html.encode()) < MEGABYTE / 2


def test_html_stays_below_a_megabyte_on_a_terrible_night() -> None:
    long = "x" * 10_000
    context = build_context(
        quarantine=[make_quarantine(reason=long, example=long) for _ in range(2000)],
        revisions=[make_revision(key=long) for _ in range(2000)],
        sources=[make_source(note=long, label=long) for _ in range(30)],
    )
    assert len(render_html(context).encode()) < MEGABYTE


def test_html_asks_the_network_for_nothing(html: str) -> None:
    page = Page(html)
    assert not page.named("script", "link", "img", "iframe", "object", "embed", "base", "form")
    assert all(
        re.match(r"#|\.\./(index\.html|reference/)|(checks|hedge-state)\.", one["href"] or "")
        for one in page.named("a")
    )
    assert not re.search(r"url\((?!#)|@import", html)


def test_html_forbids_scripts_and_network_by_policy(html: str) -> None:
    policies = [one["content"] for one in Page(html).named("meta") if one.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]


def test_html_links_lead_to_anchors_of_the_page(html: str) -> None:
    page = Page(html)
    anchors = {attributes.get("id") for _, attributes in page.tags}
    inside = {one["href"] or "" for one in page.named("a") if (one["href"] or "#").startswith("#")}
    assert {href[1:] for href in inside} <= anchors


def test_html_identifiers_are_unique(html: str) -> None:
    identifiers = [attributes["id"] for _, attributes in Page(html).tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


def test_html_headings_descend_one_level_at_a_time(html: str) -> None:
    levels = [int(tag[1]) for tag, _ in Page(html).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_html_serves_light_dark_phone_and_paper(html: str) -> None:
    for query in ("prefers-color-scheme: dark", "max-width: 760px", "@media print"):
        assert query in html


def test_html_defines_every_colour_that_a_chart_asks_for(html: str) -> None:
    light = html[html.index(":root") : html.index("}", html.index(":root"))]
    assert {f"--{name}:" for name in re.findall(r"var\(--([a-z0-9-]+)\)", html)} <= {
        f"{name}:" for name in re.findall(r"(--[a-z0-9-]+):", light)
    }


def test_html_tables_scroll_in_their_own_named_box(html: str) -> None:
    page = Page(html)
    boxes = [one for one in page.named("div") if one.get("class") == "scroll"]
    assert len(boxes) == len(page.named("table"))
    assert all(box.get("aria-label") and box.get("tabindex") == "0" for box in boxes)


def test_html_charts_have_text_alternatives(html: str) -> None:
    charts = Page(html).named("svg")
    assert len(charts) == 14  # seven, each for a wide window and for a phone
    assert all(one["role"] == "img" and one["aria-labelledby"] for one in charts)


def test_html_names_the_model_of_a_measure(html: str) -> None:
    entry = html[html.index('id="g-contango_frac"') :][:600]
    assert "sql/mart/daily_term_structure.sql" in entry
    assert "vx2_settle_pts / vx1_settle_pts - 1" in entry


def test_html_says_once_that_it_is_no_advice(html: str) -> None:
    assert html.count("Not investment advice") == 1


def test_html_labels_its_results_as_computed(html: str) -> None:
    assert re.search(r'class="kind" href="#kinds">computed<', html)


def test_html_of_a_simulated_market_says_so_on_top() -> None:
    page = render_html(build_simulated())
    assert page.index("SIMULATED market") < page.index("<h1>")


def test_html_of_the_real_market_does_not_say_simulated(html: str) -> None:
    assert "simulated" not in html.lower().replace(".simulated", "")


def test_html_shows_hostile_text_as_text() -> None:
    page = Page(render_html(build_hostile()))
    assert not page.named("script", "img")
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_html_lists_the_reasons_of_a_degraded_night() -> None:
    assert "VX contract files (cboe) is stale" in render_html(build_context(sources=[make_source(status="stale")]))


def test_html_never_shows_zero_for_a_missing_value() -> None:
    frame = change_tonight(make_term_structure(), vix_close_pts=None)
    page = render_html(build_context(term_structure=frame))
    assert "not published" in page
    assert not re.search(r">(nan|None|NaT)<", page)


# -- Markdown


def test_markdown_is_the_same_for_the_same_inputs() -> None:
    assert render_markdown(build_context_anew()) == render_markdown(build_context_anew())


def test_markdown_tables_have_equal_columns_in_every_row() -> None:
    for block in _tables(render_markdown(build_hostile())):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block}) == 1


def test_markdown_curve_fits_a_terminal() -> None:
    curve = next(block for block in _tables(render_markdown(build_context())) if "Expiry" in block[0])
    assert max(map(len, curve)) <= 100


def test_markdown_shows_hostile_text_as_text() -> None:
    text = render_markdown(build_hostile())
    assert "<" not in text
    assert "\x1b" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert not re.search(r"^# y", text, flags=re.MULTILINE)


def test_markdown_of_a_simulated_market_says_so() -> None:
    assert "**SIMULATED MARKET" in render_markdown(build_simulated())


def test_markdown_begins_with_the_finding() -> None:
    context = build_context()
    assert render_markdown(context).split("\n\n")[:2] == [f"# {context['title']}", context["headline"]]


def test_markdown_has_no_runs_of_blank_lines() -> None:
    assert "\n\n\n" not in render_markdown(build_context())


def test_escape_markdown_leaves_names_of_columns_readable() -> None:
    assert escape_markdown("daily_vx__settle_pts") == "daily_vx__settle_pts"


def test_escape_markdown_leaves_an_ampersand_and_disarms_an_entity() -> None:
    assert escape_markdown("P&L, S&P 500 & more") == "P&L, S&P 500 & more"
    assert escape_markdown("&lt;b&#62; <i>") == "&amp;lt;b&amp;#62; &lt;i&gt;"


def test_escape_markdown_disarms_emphasis() -> None:
    assert escape_markdown("_a_ *b*") == r"\_a\_ \*b\*"


def _tables(text: str) -> Iterator[list[str]]:
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            block.append(line)
        elif block:
            yield block
            block = []


# -- JSON


def test_json_is_the_state_of_the_context() -> None:
    context = build_context()
    assert json.loads(render_json(context)) == context["state"]


def test_json_is_the_same_for_the_same_inputs() -> None:
    assert render_json(build_context_anew()) == render_json(build_context_anew())


def test_json_has_the_keys_of_the_contract() -> None:
    assert list(json.loads(render_json(build_context()))) == [
        "schema_version", "as_of", "is_simulated", "policy_hash", "run_id", "curve", "regime", "layers",
        "governor", "transitions", "next_session", "account", "positions", "totals", "trades", "time_shifts",
        "funding", "valuation", "book", "book_note", "context", "since_yesterday", "next_changes", "calendar",
        "data_health", "provenance",
    ]  # fmt: skip


def test_json_of_a_night_without_values_is_valid() -> None:
    frame = make_term_structure()
    nothing = {column: None for column in frame.columns if column != "trade_date"}
    context = build_context(term_structure=change_tonight(frame, **nothing))
    assert json.loads(render_json(context))["curve"]["measures"]["contango_frac"] is None


def test_json_of_a_hostile_night_is_valid() -> None:
    assert json.loads(render_json(build_hostile()))["data_health"]["status"] == "degraded"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("as_of",), "20 Feb 2026"),
        (("as_of",), "2026-02-30"),
        (("schema_version",), "9.0.0"),
        (("extra",), 1),
        (("curve", "vix_close_pts"), "16.2"),
        (("curve", "measures", "contango_frac"), "8%"),
        (("regime", "curve_regime"), "sideways"),
        (("regime", "vix_pctile"), 38),
        (("data_health", "status"), "fine"),
        (("provenance", "market"), "other"),
        (("layers", 0, "state"), "sleeping"),
        (("layers", 0, "extra"), 1),
        (("layers", 0, "target", "target_contracts"), "0.4"),
        (("layers", 1, "clauses", 0, "truth"), "yes"),
        (("layers", 1, "clauses", 0, "terms", 0, "bound"), "about"),
        (("layers", 1, "next", 0, "needs", 0, "is_met"), "soon"),
        (("governor", "mode"), "pilot"),
        (("governor", "guards", 0, "extra"), 1),
        (("transitions", 0, "to_state"), "gone"),
        (("context", "breadth", "missing"), {"ad_divergence_z": "lost"}),
        (("context", "moon"), {}),
        (("since_yesterday", "restated_count"), None),
        (("next_changes", 0, "layer"), "moon"),
        (("calendar",), {}),
        (("funding", "months", 0, "month"), "Jan 2026"),
    ],
)
def test_json_refuses_a_wrong_shape(path: tuple[str | int, ...], value: object) -> None:
    context = build_context()
    place = context["state"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(PipelineError, match="does not have the shape"):
        render_json(context)


def test_json_refuses_a_missing_key() -> None:
    context = build_context()
    del context["state"]["curve"]["contracts"]
    with pytest.raises(PipelineError, match="contracts"):
        render_json(context)


def test_schema_is_itself_valid() -> None:
    Draft202012Validator.check_schema(load_schema())


@pytest.mark.parametrize("part", ["funding", "account", "time_shifts", "valuation"])
def test_schema_refuses_a_ledger_of_another_shape(part: str) -> None:
    context = build_context()
    context["state"] |= {part: {"self_funding_ratio_12m": 0.4}}
    with pytest.raises(PipelineError, match="shape"):
        render_json(context)


def test_json_without_a_policy_is_valid() -> None:
    document = json.loads(render_json(build_context(hedge=None)))
    assert (document["layers"], document["governor"], document["context"]) == ([], None, None)


def test_schema_describes_every_property() -> None:
    bare = [name for name, part in _properties(load_schema()) if "description" not in part and "$ref" not in part]
    assert bare == []


def _properties(part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, dict):
        for name, inner in part.get("properties", {}).items():
            yield name, inner
        for inner in part.values():
            yield from _properties(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _properties(inner)
