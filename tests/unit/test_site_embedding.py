"""What stands in a page as data or script cannot become markup."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.site_fixtures import HOSTILE, Parsed, make_history
from transforms.site.compare_page import render_compare
from transforms.site.embedding import embed_json, hash_script, read_script
from transforms.site.inputs import Holding, SiteHistory
from transforms.site.packing import pack_column, pack_days, unpack_column

SCRIPTS = sorted(
    path.name for path in files("transforms.site").joinpath("templates").iterdir() if path.name.endswith(".js")
)


@pytest.mark.parametrize("text", [HOSTILE, "<!--<script>", "]]>", "&lt;", "\u2028", "a</SCRIPT >b"])
def test_embedded_text_reads_back_and_holds_no_markup(text: str) -> None:
    embedded = str(embed_json({"label": text}))
    assert json.loads(embedded) == {"label": text}
    assert not set("<>&") & set(embedded)


def test_embedded_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        embed_json([float("nan")])


def test_hostile_label_stays_a_label_of_the_page() -> None:
    history = make_history()
    hostile = [Holding(history.days[0], "base", HOSTILE, 1, 0)]
    page = Parsed(render_compare(SiteHistory(history.days, history.columns, hostile, is_simulated=False)))
    assert page.data["sessions"]["holdings"]["instruments"] == [HOSTILE]
    assert len(page.scripts) == 1


def test_policy_allows_the_script_of_the_page_and_no_other() -> None:
    page = Parsed(render_compare(make_history()))
    assert f"script-src {hash_script(page.scripts[0])}" in page.policy
    assert "default-src 'none'" in page.policy
    assert "unsafe-eval" not in page.policy


def test_hash_of_a_script_is_that_of_a_known_one() -> None:
    # the example of the Content Security Policy specification (level 3, 2.3.1)
    assert hash_script("alert('Hello, world.');") == "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_writes_text_and_never_markup(name: str) -> None:
    text = str(read_script(name))
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|fetch\(|XMLHttp|import\("
    assert re.findall(forbidden, text) == []
    assert "</script" not in text.lower()


def test_packed_days_are_the_sessions() -> None:
    days = make_history().days
    packed = pack_days(days)
    assert packed["first"] == days[0].isoformat()
    assert sum(packed["gaps"]) == (days[-1] - days[0]).days
    assert pack_days([]) == {"first": None, "gaps": []}


@given(st.lists(st.sampled_from([None, 0, 1.5, "idle"]), max_size=60))
def test_packed_column_reads_back(values: list[object]) -> None:
    assert unpack_column(pack_column(values), len(values)) == values


def test_column_that_seldom_changes_is_packed_as_its_changes() -> None:
    assert pack_column([1.0] * 50 + [None] * 50) == {"at": [0, 50], "is": [1.0, None]}
    assert pack_column([1, 2, 3]) == [1, 2, 3]
