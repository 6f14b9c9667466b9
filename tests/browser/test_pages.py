"""Every page as a browser shows it: phone and desk, light and dark, printed, and from a number to its source."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader

from tests.browser.conftest import CALM, CRISIS
from tests.support.browser import DESK, PHONE, Scheme, open_page, save_screenshot
from warehouse.home import Home

PAGES = {
    "report": "reports/latest/hedge-state.html",
    "report-crisis": f"reports/{CRISIS}/hedge-state.html",
    "index": "reports/index.html",
    "compare": f"reports/compare.html#a={CALM}&b={CRISIS}",
    "checks": "reports/latest/checks.html",
    "reference": "reports/reference/index.html",
    "table": "reports/reference/mart.daily_term_structure.html",
    "source": "reports/reference/sources/cboe_vx_futures.html",
    "methodology": "reports/reference/docs/methodology.html",
    "audit": "audit/*/audit.html",
}
A4_PIXELS = 726
"""Width of an A4 sheet between its margins of 9 mm, at 96 pixels to the inch."""
MOST_SHEETS = {"report": 12, "report-crisis": 12, "audit": 30}


def address_of(home: Home, page: str) -> str:
    pattern, _, fragment = PAGES[page].partition("#")
    (path,) = home.path.glob(pattern)
    return path.as_uri() + (f"#{fragment}" if fragment else "")


# the newest report is of the same form as that of the crisis, which has more to show
@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.slow) if page == "report" else page for page in PAGES]
)
def test_page_loads_fits_and_can_be_read(browser: Browser, home: Home, artifacts: Path | None, page: str) -> None:
    looks: list[tuple[int, Scheme]] = [(PHONE, "light"), (DESK, "dark"), (PHONE, "dark"), (DESK, "light")]
    with open_page(browser, address_of(home, page), PHONE, "light") as look:
        if artifacts is not None:
            for width, scheme in looks:
                look.turn(width, scheme)
                save_screenshot(look, artifacts, f"{page}-{width}-{scheme}")
        look.unfold()
        # colours hardly depend on the width, nor the width that is taken on the colours: one page is looked at fourfold
        for width, scheme in looks if page == "report-crisis" else looks[:2]:
            look.turn(width, scheme)
            assert look.overflowing() == []
            assert look.faint() == []
        assert look.unnamed() == []
        assert look.complaints == []


@pytest.mark.parametrize(
    "page", ["report", *(pytest.param(page, marks=pytest.mark.slow) for page in ("report-crisis", "audit"))]
)
def test_printed_page_is_whole_and_short(
    browser: Browser, home: Home, artifacts: Path | None, tmp_path: Path, page: str
) -> None:
    with open_page(browser, address_of(home, page), DESK, "dark") as look:
        folded = look.page.eval_on_selector_all("details", "(found) => found.length")
        path = (artifacts or tmp_path) / f"{page}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        look.page.pdf(path=path, format="A4")
        look.page.emulate_media(media="print")
        look.turn(A4_PIXELS, "dark")
        assert look.overflowing() == []
        headings = look.page.locator("h2").all_inner_texts()
        hidden = look.page.eval_on_selector_all(
            "details > :not(summary)",
            "(found) => found.filter((one) => !one.checkVisibility()).map((one) => one.outerHTML.slice(0, 100))",
        )
    printed = PdfReader(path)
    text = squeeze(" ".join(sheet.extract_text() for sheet in printed.pages))
    assert headings
    assert [heading for heading in headings if squeeze(heading) not in text] == []
    assert len(printed.pages) <= MOST_SHEETS[page]
    assert folded
    assert hidden == [], "a folded part is not printed"


def test_number_leads_to_its_formula_sql_and_source_in_two_clicks(browser: Browser, home: Home) -> None:
    with open_page(browser, address_of(home, "report"), PHONE, "light") as look:
        page = look.page
        page.locator('a[href$="mart.daily_term_structure.html#contango_frac"]:visible').first.click()
        assert page.url.endswith("reference/mart.daily_term_structure.html#contango_frac")
        entry = page.locator("#contango_frac")
        assert entry.is_visible()
        assert "contango_frac" in page.locator("pre").all_inner_texts()[0]
        page.locator('a[href^="sources/"]:visible').first.click()
        assert "/reference/sources/" in page.url
        assert page.locator("h1").inner_text()
        assert look.complaints == []


def test_index_finds_a_session_and_opens_its_report(browser: Browser, home: Home) -> None:
    with open_page(browser, address_of(home, "index"), PHONE, "light") as look:
        field = look.page.get_by_label("Date, or a part of it")
        field.fill("Jun 2022")
        assert look.page.locator("#hits tbody tr").count() > 15
        field.fill(CRISIS)
        assert look.page.locator("#hits tbody tr").count() == 1
        field.press("Enter")
        look.page.wait_for_url(re.compile(rf"/{CRISIS}/hedge-state\.html$"))
        assert look.complaints == []


def test_compare_shows_what_the_reports_of_both_sessions_say(browser: Browser, home: Home) -> None:
    with open_page(browser, address_of(home, "compare"), PHONE, "light") as look:
        page = look.page
        assert page.locator("#day-a").input_value() == CALM
        assert page.locator("#day-b").input_value() == CRISIS
        (row,) = (one for one in page.locator("#values tr").all_inner_texts() if one.split("\t")[0].strip() == "VIX")
        shown = [float(cell) for cell in row.split("\t")[1:3]]
        assert shown == [read_vix(home, CALM), read_vix(home, CRISIS)]
        page.locator('[data-side="a"][data-move="1"]').click()
        assert page.locator("#day-a").input_value() == "2022-03-16"
        assert "a=2022-03-16" in page.url
        assert look.complaints == []


def read_vix(home: Home, session: str) -> float:
    record = json.loads((home.reports / session / "hedge-state.json").read_text(encoding="utf-8"))
    return float(record["curve"]["vix_close_pts"])


def squeeze(text: str) -> str:
    """Without white space, which a print breaks as its lines need, and without ligatures."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
