"""Documents as pages, links between them, and the way from a table to its sources."""

from __future__ import annotations

import pytest

from tests.support.site_fixtures import Parsed
from transforms.registry import ColumnInfo
from transforms.site.documents import render_document, slugify
from transforms.site.inputs import MacroFacts, TableFacts
from transforms.site.paths import page_of_document, page_of_file, relative, way_up
from transforms.site.reference_pages import describe_column, render_reference
from transforms.site.sources import RAW_SOURCES, find_sources
from warehouse.site_reference import ROOT, list_documents, title_of

TABLES = {"mart.daily_term_structure", "core.daily_index_levels"}
DOCUMENTS = {
    "README.md",
    "docs/methodology.md",
    "docs/data_sources/fred.md",
    "docs/decisions/README.md",
    "docs/lineage.svg",
}
RAW = TableFacts("raw.fred_series_lines", "lines", "line", "sql/raw/a.sql", "sql", (), text="select '<b>'")
STAGED = TableFacts(
    "stg.a", "rows", "day", "sql/stg/a.sql", "sql", [("day", "DATE")], reads=("raw.fred_series_lines",), text="select 1"
)
MADE = TableFacts(
    "mart.b", "made", "day", "warehouse/b.py", "python", [("day", "DATE"), ("odd", "DOUBLE")], reads=("stg.a",)
)
COLUMNS = {"day": ColumnInfo("day", "DATE", "date", "session", "calendar")}


def render(text: str, path: str = "docs/methodology.md") -> str:
    return render_document(path, text, documents=DOCUMENTS, tables=TABLES)


def body_of(text: str) -> str:
    page = render(text)
    return page[page.index('<section class="prose">') : page.index("</section>")]


def test_html_in_a_document_is_text() -> None:
    body = body_of("# T\n\n<script>alert(1)</script> and <b>bold</b>\n\n<div onclick=x>\n")
    assert "<script" not in body
    assert "<div onclick" not in body
    assert "&lt;b&gt;bold" in body


@pytest.mark.parametrize("target", ["javascript:alert(1)", "data:text/html,x", "vbscript:x"])
def test_link_that_runs_is_no_link(target: str) -> None:
    assert "href" not in body_of(f"[x]({target})")


def test_image_is_not_loaded() -> None:
    page = Parsed(render("![a drawing](http://example.org/a.png)"))
    assert page.loads == []
    assert "a drawing" in page.text


@pytest.mark.parametrize(
    ("path", "target", "href"),
    [
        ("docs/methodology.md", "data_sources/fred.md#terms", "../sources/fred.html#terms"),
        ("docs/data_sources/fred.md", "../methodology.md", "../docs/methodology.html"),
        ("docs/methodology.md", "../README.md", "../README.html"),
        ("README.md", "docs/decisions/README.md", "docs/decisions/README.html"),
        (
            "docs/methodology.md",
            "data_dictionary.md#martdaily_term_structure",
            "../index.html#martdaily_term_structure",
        ),
        ("docs/methodology.md", "../sql/mart/daily_term_structure.sql", "../mart.daily_term_structure.html#made-by"),
        ("docs/methodology.md", "../sql/columns.toml", "../index.html"),
        ("docs/methodology.md", "../sql/macros/curve_on.sql", "../index.html#macros"),
        ("docs/methodology.md", "lineage.svg", "lineage.svg"),
        ("docs/methodology.md", "#curve", "#curve"),
    ],
)
def test_link_leads_to_the_page_of_its_file(path: str, target: str, href: str) -> None:
    assert href in Parsed(render(f"[x]({target})", path)).links


def test_link_to_another_file_becomes_its_path() -> None:
    body = body_of("See [the rules](../transforms/parameters.toml) and [transforms/a.py](../transforms/a.py).")
    assert "the rules (<code>transforms/parameters.toml</code>)" in body
    assert "and transforms/a.py." in body
    assert "href" not in body


def test_name_of_a_table_or_of_its_file_is_a_link() -> None:
    links = Parsed(render("`mart.daily_term_structure`, `sql/core/daily_index_levels.sql`, `a.b`")).links
    assert "../mart.daily_term_structure.html" in links
    assert "../core.daily_index_levels.html#made-by" in links


def test_code_inside_a_link_keeps_its_link() -> None:
    body = body_of("[`mart.daily_term_structure`](data_sources/fred.md)")
    assert body.count("<a ") == 1
    assert 'href="../sources/fred.html"' in body


def test_link_to_elsewhere_stays_and_tells_nobody_where_it_came_from() -> None:
    assert 'href="https://www.cboe.com/" rel="noreferrer noopener"' in body_of("[x](https://www.cboe.com/)")


def test_headings_have_names_and_a_second_one_a_number() -> None:
    assert {"curve", "curve-1", "known-defects"} <= set(
        Parsed(render("## Curve\n\n## Curve\n\n## Known defects\n")).ids
    )


@pytest.mark.parametrize(("heading", "slug"), [("P&L, 12 months", "pl-12-months"), ("mart.daily_x", "martdaily_x")])
def test_heading_is_named_as_github_does(heading: str, slug: str) -> None:
    assert slugify(heading) == slug


def test_paths_between_pages() -> None:
    assert page_of_document("docs/decisions/0001-a.md") == "reference/docs/decisions/0001-a.html"
    assert relative("reference/docs/a.html", "reference/mart.b.html#c") == "../mart.b.html#c"
    assert way_up("reference/docs/decisions/a.html") == "../../../"
    assert page_of_file("sql/mart/unknown.sql", DOCUMENTS, TABLES) is None


def test_sources_of_a_table_are_those_of_what_it_is_made_from() -> None:
    assert find_sources([RAW, STAGED, MADE])["mart.b"] == ["fred"]


def test_tables_that_read_each_other_have_the_sources_of_both() -> None:
    other = TableFacts("mart.c", "", "", "warehouse/b.py", "python", (), reads=("mart.b",))
    both = TableFacts("mart.b", "", "", "warehouse/b.py", "python", (), reads=("mart.c", "ref.indices"))
    assert find_sources([both, other]) == {"mart.b": ["cboe_indices"], "mart.c": ["cboe_indices"]}


def test_every_source_page_is_the_source_of_a_table() -> None:
    there = {path.stem for path in (ROOT / "docs" / "data_sources").glob("*.md")}
    assert {name for names in RAW_SOURCES.values() for name in names} == there


def test_table_page_has_columns_query_readers_and_sources() -> None:
    pages = render_reference([RAW, STAGED, MADE], [], COLUMNS, {"docs/data_sources/fred.md": "FRED"})
    staged = Parsed(pages["reference/stg.a.html"])
    assert "day" in staged.ids
    assert {"raw.fred_series_lines.html", "mart.b.html", "sources/fred.html", "docs/methodology.html"} <= set(
        staged.links
    )
    assert "select &#39;&lt;b&gt;&#39;" in pages["reference/raw.fred_series_lines.html"]


def test_reference_lists_every_table_and_column() -> None:
    macro = MacroFacts(
        "curve_on(day)", "table", "contracts", "", "from curve_on(day)", "sql/macros/curve_on.sql", "select 1"
    )
    page = Parsed(render_reference([RAW, STAGED, MADE], [macro], COLUMNS, {})["reference/index.html"])
    assert {"martb", "stga", "rawfred_series_lines", "macros", "main", "curve_onday"} <= set(page.ids)
    assert ["mart.b", "odd"] in page.data["names"]


def test_column_says_its_range() -> None:
    low = ColumnInfo("x", "DOUBLE", "frac", "m", "s", lowest=0)
    assert describe_column("x", "DOUBLE", low, "f")["range"] == "at least 0"
    allowed = ColumnInfo("x", "VARCHAR", "text", "m", "s", allowed=("a", "b"), known="evening", status="x_status")
    described = describe_column("x", "VARCHAR", allowed, "f")
    assert described["range"] == "one of a, b"
    assert described["known"] == "known on the evening of the session; x_status says why it is absent"
    assert describe_column("x", "DOUBLE", None, "warehouse/b.py")["meaning"] == "see warehouse/b.py"


def test_documents_are_those_of_the_project_with_their_titles() -> None:
    documents = list_documents()
    assert {"README.md", "docs/methodology.md", "docs/data_sources/fred.md"} <= set(documents)
    assert title_of("docs/methodology.md", documents["docs/methodology.md"]) == "Methodology"
    assert title_of("a.md", "no heading") == "a.md"
