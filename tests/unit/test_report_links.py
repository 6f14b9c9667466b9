"""Every label of the report leads to a column that is there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.report_fixtures import make_inputs, make_quarantine, make_revision
from transforms.page.links import reference_href
from transforms.report.context import build_report_context
from transforms.report.links import HOMES, SIGNALS, href_of
from transforms.report.render import render_html
from transforms.report.surroundings import GROUPS
from warehouse.models import load_columns

DICTIONARY = Path(__file__).resolve().parents[2] / "docs" / "data_dictionary.md"
"""What every table holds; a test of its own keeps it true."""


@cache
def tables() -> dict[str, set[str]]:
    """Return the columns of every table, from the dictionary."""
    parts = re.split(r"^### ", DICTIONARY.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {part.split("\n", 1)[0].strip(): set(re.findall(r"^\| `?(\w+)`? \|", part, re.MULTILINE)) for part in parts}


def build(**changes: Any) -> dict[str, Any]:
    return build_report_context(make_inputs(**changes))


def references(page: str) -> set[tuple[str, str]]:
    found = re.findall(r'href="\.\./reference/([\w.]+)\.html#(\w+)"', page)
    assert len(found) == page.count('href="../reference/')
    return set(found)


def test_every_home_is_a_table_with_those_columns() -> None:
    absent = {
        (table, column) for table, columns in HOMES.items() for column in columns if column not in tables()[table]
    }
    assert absent == set()


def test_no_column_has_two_homes() -> None:
    columns = [column for group in HOMES.values() for column in group]
    assert len(columns) == len(set(columns))


def test_every_signal_of_the_context_is_a_column() -> None:
    columns = {entry.column for group in GROUPS for entry in group.entries}
    assert columns <= tables()[SIGNALS]


@pytest.mark.parametrize("changes", [{}, {"hedge": None, "statement": None}], ids=["whole", "curve_alone"])
def test_every_link_of_the_page_is_a_column_of_the_registry_and_of_its_table(changes: dict[str, Any]) -> None:
    page = render_html(build(quarantine=[make_quarantine()], revisions=[make_revision()], **changes))
    found = references(page)
    assert len(found) > 30
    assert {column for _, column in found} <= set(load_columns())
    assert {(table, column) for table, column in found if column not in tables().get(table, set())} == set()


def test_number_of_the_page_itself_leads_to_its_definition_there() -> None:
    assert href_of("change_1d_pts") == "#g-change_1d_pts"
    assert href_of("contango_frac") == reference_href("mart.daily_term_structure", "contango_frac")
    assert href_of("contango_frac") == "../reference/mart.daily_term_structure.html#contango_frac"


def test_every_box_of_the_strip_leads_on() -> None:
    assert all(box["href"] for box in build()["strip"])


def test_page_leads_to_the_other_pages_of_its_session() -> None:
    page = render_html(build())
    for href in ("../index.html", "checks.html", "hedge-state.md", "hedge-state.json"):
        assert f'href="{href}"' in page


def test_jump_list_has_the_sections_of_the_page_in_their_order() -> None:
    for changes in ({}, {"hedge": None, "statement": None}):
        page = render_html(build(**changes))
        jumps = re.findall(r'<a href="#(\w+)">', page[page.index('<nav class="jump"') : page.index("</nav>")])
        assert jumps == re.findall(r'<section id="(\w+)"', page)


def test_every_label_of_a_kind_of_result_is_explained() -> None:
    page = render_html(build())
    used = set(re.findall(r'class="kind" href="#kinds">([^<]+)<', page))
    explained = set(re.findall(r"<dt>([^<]+)</dt>", page[page.index('id="kinds"') :].split("</dl>", 1)[0]))
    assert {"computed", "model-priced", "ours", "source claims"} <= used <= explained
