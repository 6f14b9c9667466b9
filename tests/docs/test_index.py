"""The index leads to every page, every publisher has a page and terms, and every link and picture is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flows.sources import cboe, fred, proshares, shiller, unicorn
from flows.sources.base import Request
from flows.sources.federal_reserve import meeting_calendar
from flows.sources.plan import first_requests
from tests.support.pages import DOCS, PAGES, ROOT, anchors, prose, read
from warehouse.models import load_models
from warehouse.tables import MADE_IN_PYTHON

LINK = re.compile(r"\]\(([^)\s]+)\)")

PAGE_OF = {
    "cboe": ("cboe_vx_futures", "cboe_indices", "cboe_vix_options", "cboe_price_bars"),
    "fred": ("fred",),
    "federalreserve": ("fomc",),
    "shiller": ("shiller",),
    "proshares": ("volatility_funds",),
    "unicorn": ("nyse_breadth",),
    "user": ("user_files",),
}
"""The pages of each publisher, by the name it has in requests and in the raw store."""


def requests() -> list[Request]:
    context = [cboe.option_chain(), *cboe.price_bars(), *fred.context_series(), *fred.vintages(), meeting_calendar()]
    context += [shiller.monthly_data(), *proshares.fund_histories(), *unicorn.breadth_files()]
    return [*first_requests(), *context]


def linked(page: Path) -> set[Path]:
    targets = (target.partition("#")[0] for target in LINK.findall(prose(page)))
    return {(page.parent / target).resolve() for target in targets if target and "://" not in target}


def test_index_leads_to_every_page() -> None:
    index = DOCS / "README.md"
    pages = {page for page in DOCS.rglob("*.md") if "decisions" not in page.parts and page != index}
    assert {page for page in pages if page not in linked(index)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_and_picture_leads_somewhere(page: Path) -> None:
    """Pictures and linked pictures too, and a second heading of one name by its number."""
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_every_publisher_has_pages_that_name_its_address() -> None:
    assert {request.publisher for request in requests()} <= set(PAGE_OF)
    for request in requests():
        pages = "".join(read(DOCS / "data_sources" / f"{name}.md") for name in PAGE_OF[request.publisher])
        host = request.url.split("/")[2]
        assert host in pages, f"{request.name}: {host}"


def test_every_module_of_a_publisher_is_asked() -> None:
    modules = {
        path.stem
        for path in (ROOT / "flows/sources").glob("*.py")
        if "return Request(" in read(path) or "        Request(" in read(path)
    }
    assert modules <= {"cboe", "federal_reserve", "fred", "proshares", "shiller", "unicorn", "user_files"}


@pytest.mark.parametrize("page", sorted((DOCS / "data_sources").glob("*.md")), ids=lambda page: page.stem)
def test_terms_have_a_row_for_every_page(page: Path) -> None:
    assert f"(data_sources/{page.name}" in read(DOCS / "data_terms.md")


def test_every_mart_has_a_page_with_its_formulas() -> None:
    section = (
        read(DOCS / "methodology.md").split("## Which page has the formulas of which table\n")[1].split("\n## ")[0]
    )
    listed = [
        name for row in re.findall(r"^\| (`.*) \| \[", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    ]
    models = {*load_models(), *MADE_IN_PYTHON}
    assert sorted(listed) == sorted(name.split(".")[1] for name in models if name.startswith("mart."))
