"""The whole site over a published crisis: what it embeds is what the tables say, and every link leads somewhere."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from flows.site import refresh_site
from tests.support.browser import find_chromium
from tests.support.crisis import CRISIS, LAST
from tests.support.grids import crisis_home
from tests.support.shared import SharedFolders
from tests.support.site_fixtures import HOSTILE, Parsed, broken_links, parse_page
from transforms.ledger.funding import find_window_starts
from transforms.site import codes
from transforms.site.packing import unpack_column
from warehouse.checks import CheckResult, write_results
from warehouse.home import Home
from warehouse.site import write_site
from warehouse.site_data import read_history

CHROMIUM = find_chromium()
MEGABYTE = 1024 * 1024
REPORTED = (CRISIS, LAST)
RESULTS = (
    CheckResult("core.daily_index_levels__no_absurd_move", "sql", "error", True, 0, "no index jumps", "[]"),
    CheckResult(
        "core.daily_vx_settlements__no_spike_and_revert", "sql", "warn", False, 3, HOSTILE, json.dumps([{"x": HOSTILE}])
    ),
    CheckResult(
        "mart.daily_term_structure.vix_close_pts__expect_column_values_to_be_between",
        "expectation",
        "error",
        True,
        0,
        "expect column values to be between {'min_value': 5, 'max_value': 200}",
        "[]",
    ),
)


def write_report_stub(home: Home, day: date | str) -> None:
    folder = home.reports / str(day)
    folder.mkdir(parents=True)
    (folder / "hedge-state.html").write_text(f'<p class="headline">Closed on {day} &amp; more.</p>', encoding="utf-8")


def write_audit_stub(home: Home) -> None:
    folder = home.path / "audit" / LAST.isoformat()
    folder.mkdir(parents=True)
    (folder / "audit.html").write_text("", encoding="utf-8")
    claims = [{"id": "H1", "claim": HOSTILE, "verdict": "does_not_hold"}]
    (folder / "audit.json").write_text(json.dumps({"hypotheses": claims, "is_simulated": True}), encoding="utf-8")


def write_sweep_stub(home: Home) -> None:
    folder = home.path / "sweeps" / f"{LAST}-abc"
    folder.mkdir(parents=True)
    (folder / "sweep.html").write_text("", encoding="utf-8")
    (folder / "sweep.json").write_text("half a rec", encoding="utf-8")


@pytest.fixture(scope="module")
def home(shared_folders: SharedFolders, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The crisis published, with two reports, an audit, a broken sweep, and hostile labels; its site written."""
    made = crisis_home(shared_folders, tmp_path_factory.mktemp("site") / "home")
    with duckdb.connect(str(made.published)) as connection:
        write_results(connection, "run", RESULTS)
        connection.execute(
            "update mart.daily_positions set instrument = ? where instrument = (select min(instrument) from "
            "mart.daily_positions where held_contracts <> 0)",
            [HOSTILE],
        )
    for day in REPORTED:
        write_report_stub(made, day)
    write_audit_stub(made)
    write_sweep_stub(made)
    with duckdb.connect(str(made.published), read_only=True) as connection:
        write_site(connection, made)
    return made


@pytest.fixture(scope="module")
def warehouse(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def pages(home: Home) -> dict[Path, Parsed]:
    return {path.resolve(): parse_page(path) for path in home.reports.rglob("*.html") if path.stem != "hedge-state"}


@pytest.fixture(scope="module")
def compared(pages: dict[Path, Parsed], home: Home) -> dict[str, Any]:
    return dict(pages[(home.reports / "compare.html").resolve()].data["sessions"])


@pytest.fixture(scope="module")
def indexed(pages: dict[Path, Parsed], home: Home) -> dict[str, Any]:
    return dict(pages[(home.reports / "index.html").resolve()].data["sessions"])


def days_of(connection: duckdb.DuckDBPyConnection) -> list[date]:
    rows = connection.execute("select trade_date from mart.daily_term_structure order by 1").fetchall()
    return [day for (day,) in rows]


def unpack_days(packed: dict[str, Any]) -> list[date]:
    steps = np.cumsum([date.fromisoformat(packed["first"]).toordinal(), *packed["gaps"]])
    return [date.fromordinal(int(step)) for step in steps]


def test_every_link_leads_to_a_file_and_an_element(pages: dict[Path, Parsed]) -> None:
    assert len(pages) > 100
    assert list(broken_links(pages)) == []


def test_no_identifier_stands_twice_on_a_page(pages: dict[Path, Parsed]) -> None:
    assert [path.name for path, page in pages.items() if len(set(page.ids)) != len(page.ids)] == []


def test_no_page_loads_anything_or_runs_what_was_planted(pages: dict[Path, Parsed]) -> None:
    for path, page in pages.items():
        assert page.loads == page.handlers == [], path.name
        assert "default-src 'none'" in page.policy, path.name
        assert len(page.scripts) == (path.name in ("index.html", "compare.html")), path.name
        assert "alert(1)" not in "".join(page.scripts), path.name


def test_planted_label_is_a_label(compared: dict[str, Any], home: Home) -> None:
    assert HOSTILE in compared["holdings"]["instruments"]
    assert "&lt;/script&gt;" in (home.reports / "latest" / "checks.html").read_text(encoding="utf-8")


def test_simulated_market_is_named_on_every_page_with_its_values(home: Home) -> None:
    for name in ("index.html", "compare.html", "latest/checks.html"):
        assert 'class="simulated"' in (home.reports / name).read_text(encoding="utf-8"), name


def test_sessions_are_those_of_the_warehouse(
    indexed: dict[str, Any], compared: dict[str, Any], warehouse: duckdb.DuckDBPyConnection
) -> None:
    assert unpack_days(indexed["days"]) == unpack_days(compared["days"]) == days_of(warehouse)


def test_reports_are_marked_on_their_days(indexed: dict[str, Any]) -> None:
    days = unpack_days(indexed["days"])
    marked = [day for day, mark in zip(days, indexed["reported"], strict=True) if mark == "1"]
    assert marked == list(REPORTED)


def test_colours_of_the_calendar_are_the_states(indexed: dict[str, Any], warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = warehouse.execute(
        "select curve_regime, state, step_count, governor.governor_mode from mart.daily_term_structure "
        "join mart.daily_hedge_state as temporal using (trade_date) join mart.daily_governor as governor "
        "using (trade_date) where layer = 'temporal_vega' order by trade_date"
    ).fetchall()
    seen = set()
    for place, (regime, state, steps, mode) in enumerate(rows):
        words = {name: indexed["codes"][name][indexed[name][place]][0] for name in ("regime", "temporal", "governor")}
        active = f"active, {steps} step{'' if steps == 1 else 's'}"
        assert words["regime"] == (regime or "not known")
        assert words["temporal"] == (active if state == "active" else state)
        assert words["governor"] == mode
        seen.add(words["temporal"])
    assert len(rows) == len(indexed["regime"])
    assert {"idle", "armed"} < seen
    assert any(words.startswith("active") for words in seen)


@pytest.mark.parametrize(
    ("key", "sql"),
    [
        ("vix_close_pts", "select round(vix_close_pts, 4) from mart.daily_term_structure order by trade_date"),
        ("vx3_settle_pts", "select round(vx3_settle_pts, 4) from mart.daily_term_structure order by trade_date"),
        ("contango_frac", "select round(contango_frac, 6) from mart.daily_term_structure order by trade_date"),
        ("days_in_regime", "select days_in_regime from mart.daily_term_structure order by trade_date"),
        (
            "base.target_vega_usd",
            "select round(target_vega_usd, 2) from mart.daily_hedge_state where layer = 'base' order by trade_date",
        ),
        (
            "self_funding_ratio_12m",
            "select round(self_funding_ratio_12m, 4) from main.ledger where layer = 'portfolio' order by trade_date",
        ),
        (
            "pnl_cum_usd",
            "select round(pnl_cum_usd) from mart.daily_hedge_ledger where layer = 'portfolio' order by trade_date",
        ),
    ],
)
def test_compared_values_are_those_of_the_tables(
    compared: dict[str, Any], warehouse: duckdb.DuckDBPyConnection, key: str, sql: str
) -> None:
    values = [value for (value,) in warehouse.execute(sql).fetchall()]
    assert unpack_column(compared["columns"][key], len(values)) == values
    assert len({value for value in values if value is not None}) > 5


def test_compared_states_are_those_of_the_layers(
    compared: dict[str, Any], warehouse: duckdb.DuckDBPyConnection
) -> None:
    for layer in ("base", "temporal_vega", "second_engine"):
        rows = warehouse.execute(
            "select state from mart.daily_hedge_state where layer = ? order by trade_date", [layer]
        ).fetchall()
        assert [codes.STATES[code] for code in compared["columns"][f"{layer}.state"]] == [state for (state,) in rows]


def test_twelve_months_of_pnl_are_the_window_of_the_ledger(
    compared: dict[str, Any], warehouse: duckdb.DuckDBPyConnection
) -> None:
    rows = warehouse.execute(
        "select trade_date, pnl_usd from mart.daily_hedge_ledger where layer = 'portfolio' order by trade_date"
    ).fetchall()
    days, cents = [day for day, _ in rows], np.array([round(100 * pnl) for _, pnl in rows], np.int64)
    starts = find_window_starts(days, np.full(len(days), 20.0), 25.0)["12m"]
    values = unpack_column(compared["columns"]["pnl_12m_usd"], len(days))
    known = 0
    for place, (start, value) in enumerate(zip(starts, values, strict=True)):
        assert (value is None) == (start < 0)
        if value is not None:
            known += 1
            assert abs(100 * value - cents[start : place + 1].sum()) <= 51
    assert known > 100


def test_compared_holdings_are_those_of_the_positions(
    compared: dict[str, Any], warehouse: duckdb.DuckDBPyConnection
) -> None:
    days, flat, place, found = unpack_days(compared["days"]), compared["holdings"]["rows"], 0, []
    layers = ("base", "temporal_vega", "second_engine")
    for at in range(0, len(flat), 5):
        gap, layer, instrument, held, order = flat[at : at + 5]
        place += gap
        found.append((days[place], layers[layer], compared["holdings"]["instruments"][instrument], held, order))
    rows = warehouse.execute(
        "select trade_date, layer, instrument, held_contracts, order_contracts from mart.daily_positions "
        "where held_contracts <> 0 or order_contracts <> 0"
    ).fetchall()
    assert sorted(found) == sorted(rows)
    assert len(rows) > 100


def test_every_published_column_has_its_entry(pages: dict[Path, Parsed], home: Home, warehouse: Any) -> None:
    rows = warehouse.execute(
        "select schema_name || '.' || table_name, column_name from duckdb_columns() where not internal"
    ).fetchall()
    for table, column in rows:
        page = pages[(home.reports / "reference" / f"{table}.html").resolve()]
        assert column in page.ids, f"{table}.{column}"


def test_from_a_column_its_query_and_its_source_are_one_click_away(pages: dict[Path, Parsed], home: Home) -> None:
    page = pages[(home.reports / "reference" / "mart.daily_term_structure.html").resolve()]
    assert "contango_frac" in page.ids
    assert "-- model: mart.daily_term_structure" in page.text
    assert {"sources/cboe_vx_futures.html", "sources/cboe_indices.html", "docs/methodology.html"} <= set(page.links)


def test_what_the_hedge_is_made_of_leads_to_its_sources(pages: dict[Path, Parsed], home: Home) -> None:
    page = pages[(home.reports / "reference" / "mart.daily_hedge_ledger.html").resolve()]
    assert {"core.daily_vx_settlements.html", "sources/cboe_vx_futures.html", "sources/fred.html"} <= set(page.links)


def test_drawing_of_a_document_is_beside_it(pages: dict[Path, Parsed], home: Home) -> None:
    assert "lineage.svg" in pages[(home.reports / "reference" / "docs" / "lineage.html").resolve()].links
    assert (home.reports / "reference" / "docs" / "lineage.svg").is_file()


def test_table_that_python_makes_says_so_in_the_words_of_its_file(home: Home) -> None:
    text = (home.reports / "reference" / "mart.daily_hedge_ledger.html").read_text(encoding="utf-8")
    assert "<code>warehouse/hedge.py</code>" in text
    assert "No query makes this table." in text


def test_index_tells_of_reports_audits_and_sweeps(pages: dict[Path, Parsed], home: Home) -> None:
    page = pages[(home.reports / "index.html").resolve()]
    assert f"Closed on {LAST} &amp; more." in page.text
    assert f"../audit/{LAST}/audit.html" in page.links
    assert "no readable record" in page.text
    assert "1 with a warning" in page.text


def test_pages_are_light_and_private(home: Home) -> None:
    files = [path for path in home.reports.rglob("*") if path.is_file() and path.stem != "hedge-state"]
    assert [path.name for path in files if stat.S_IMODE(path.stat().st_mode) != 0o600] == []
    assert [path.name for path in files if path.suffix == ".tmp"] == []
    assert max(path.stat().st_size for path in files) < MEGABYTE


@pytest.fixture
def copied(home: Home, tmp_path: Path) -> Home:
    """A copy of the written site beside the same warehouse."""
    made = Home(tmp_path / "home")
    shutil.copytree(home.path, made.path)
    return made


def write(home: Home, *sessions: date) -> int:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return write_site(connection, home, sessions).written


def test_second_writing_touches_no_file_and_a_lost_page_comes_back(copied: Home) -> None:
    assert write(copied, *REPORTED) == 0
    (copied.reports / CRISIS.isoformat() / "checks.html").unlink()
    (copied.reports / "index.html").write_text("half a pa", encoding="utf-8")
    assert write(copied) == 2
    assert parse_page(copied.reports / "index.html").data["sessions"]


def test_reference_is_written_again_when_a_table_has_changed(copied: Home) -> None:
    stale = copied.reports / "reference" / "mart.daily_no_more.html"
    stale.write_text("", encoding="utf-8")
    with duckdb.connect(str(copied.published)) as connection:
        connection.execute("alter table mart.time_shifts add column added_pts double")
    assert write(copied) > 0
    assert not stale.exists()
    assert "added_pts" in parse_page(copied.reports / "reference" / "mart.time_shifts.html").ids


def test_reference_broken_off_is_written_to_its_end(copied: Home) -> None:
    # its marker is written last: without it a run cannot have come to its end
    (copied.reports / "reference" / "version.txt").unlink()
    (copied.reports / "reference" / "docs" / "methodology.html").unlink()
    assert write(copied) == 2


def test_warehouse_without_the_tables_of_the_hedge_has_a_site(copied: Home) -> None:
    with duckdb.connect(str(copied.published)) as connection:
        for kind, name in connection.execute(
            "select table_type, table_schema || '.' || table_name from information_schema.tables "
            "where table_schema in ('mart', 'main') and table_name not in ('daily_term_structure')"
        ).fetchall():
            connection.execute(f"drop {'view' if kind == 'VIEW' else 'table'} if exists {name}")
        history = read_history(connection)
    assert set(history.columns["governor_mode"]) == {None}
    assert write(copied) > 0
    sessions = parse_page(copied.reports / "index.html").data["sessions"]
    assert set(sessions["temporal"]) == {codes.UNKNOWN}


def test_site_that_cannot_be_written_is_said_and_nothing_else_is_touched(
    copied: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    (copied.reports / "compare.html").unlink()
    (copied.reports / "compare.html").mkdir()
    report = (copied.reports / LAST.isoformat() / "hedge-state.html").read_bytes()
    assert not refresh_site(copied, [LAST])
    assert "site     not written: a file could not be written" in capsys.readouterr().err
    assert (copied.reports / LAST.isoformat() / "hedge-state.html").read_bytes() == report


def test_site_of_a_home_without_a_warehouse_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not refresh_site(Home(tmp_path))
    assert "site     not written" in capsys.readouterr().err


def look(page: Path) -> str:
    """Return the document of a page after its script ran, from the disk."""
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom"]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


@pytest.mark.skipif(CHROMIUM is None, reason="no browser on this machine")
def test_calendar_in_a_browser_has_a_cell_a_session_in_the_colour_of_its_regime(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    text = look(home.reports / "index.html")
    rows = warehouse.execute("select trade_date, curve_regime from mart.daily_term_structure").fetchall()
    assert text.count('data-day="') == len(rows)
    for day, regime in rows[:: len(rows) // 25]:
        cell = text[text.index(f'data-day="{day}"') :][:200]
        assert f'class="heat-{regime or "unknown"}"' in cell, day
    assert f'<a href="{CRISIS}/hedge-state.html"' in text
