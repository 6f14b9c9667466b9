"""Sweeps of a home: equal to the plain walk, resumed, with failures kept apart, real and simulated never pooled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from flows import sweeping
from flows.sweeping import sweep_home
from tests.support.crisis import crisis_warehouse
from tests.support.grids import SMALL, crisis_home
from tests.support.shared import SharedFolders
from transforms.audit.history import PolicyHistory
from transforms.audit.performance import compute_max_drawdown, compute_sharpe
from transforms.errors import LockHeldError, PipelineError
from transforms.hedge import CalendarListing, Stretch, run_hedge
from transforms.layers import Layer
from transforms.sweep.grid import GridPolicy
from warehouse.expressions import evaluate_rules
from warehouse.hedge import read_hedge_market
from warehouse.home import Home
from warehouse.policy_paths import read_market, run_policy
from warehouse.sweep_chunks import compute_chunk
from warehouse.sweep_market_file import PathMarket
from warehouse.sweep_paths import evaluate_policies
from warehouse.sweep_store import SweepFolder, list_chunks, load_policies
from warehouse.sweeps import WrittenSweep

pytestmark = pytest.mark.usefixtures("compiled_walk")

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHUNK = 7
"""Of 24 policies: the last chunk is smaller."""


@pytest.fixture(scope="module")
def grid_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grid") / "grid.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, shared_folders: SharedFolders, grid_file: Path) -> WrittenSweep:
    home = crisis_home(shared_folders, tmp_path_factory.mktemp("swept") / "home")
    return sweep_home(home, grid_file, now=NOW, chunk=CHUNK)


@pytest.fixture
def home(tmp_path: Path, shared_folders: SharedFolders, swept: WrittenSweep) -> Home:
    """A home in which the market is laid out already, without any chunk."""
    made = crisis_home(shared_folders, tmp_path / "home")
    folder = swept.html.parent
    target = made.path / "sweeps" / folder.name
    for name in ("manifest.json", "policies.json", "paths/000/alvh.duckdb", "paths/000/market.npz"):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).hardlink_to(folder / name)
    return made


def rows_of(written: WrittenSweep) -> pd.DataFrame:
    with duckdb.connect() as connection:
        return connection.execute("from read_parquet(?) order by path, policy_id", [str(written.parquet)]).df()


def chunk_files(written: WrittenSweep) -> dict[str, int]:
    """When each file was written."""
    return {path.name: path.stat().st_mtime_ns for path in (written.html.parent / "chunks").rglob("*.parquet")}


def test_every_policy_has_one_row_with_what_made_it(swept: WrittenSweep) -> None:
    rows = rows_of(swept)
    policies = load_policies(SweepFolder(swept.html.parent))
    assert sorted(rows["policy_id"]) == sorted(one.policy_id for one in policies)
    for one in policies:
        row = rows[rows["policy_id"] == one.policy_id].iloc[0]
        assert {name: row[f"param_{name}"] for name in one.values} == dict(one.values)
    assert set(rows["path"]) == {0}
    assert rows["is_simulated"].all()  # the published history of this home is itself made up
    assert (rows["sessions"] == rows["sessions"].iloc[0]).all()


def test_measures_are_those_of_the_plain_walk(swept: WrittenSweep, shared_folders: SharedFolders) -> None:
    rows = rows_of(swept).set_index("policy_id")
    policies = load_policies(SweepFolder(swept.html.parent))
    nav = swept.record["provenance"]["nav_usd"]
    with duckdb.connect(str(crisis_warehouse(shared_folders)), read_only=True) as connection:
        market = read_hedge_market(connection, nav)
        signals = read_market(connection)
        chosen = [policies[0], policies[-1]]
        truths = evaluate_rules(connection, [one.policy for one in chosen])
        vix = market.futures.vix_pts
        calendars = CalendarListing(list(market.futures.days), market.options)
        for one in chosen:
            row = rows.loc[one.policy_id]
            path = run_policy(one.policy, truths, signals, None, calendars)
            stretch = Stretch(
                machine=one.policy.machine(),
                values=one.policy.values,
                path=path,
                span=slice(0, len(path)),
                open_shorts=truths.of(one.policy, Layer.SECOND_ENGINE, "open"),
            )
            days = run_hedge(market, [stretch], calendars).ledger.days
            sessions = pd.DataFrame({"trade_date": pd.to_datetime(pd.Series(market.futures.days))})
            sessions = sessions.assign(nav_usd=nav, vix_close_pts=vix, contango_frac=np.nan)
            history = PolicyHistory("plain", sessions, days)
            returns = history.returns().to_numpy()
            assert row["net_pnl_usd"] == pytest.approx(history.net_pnl_usd("portfolio").sum(), abs=0.005)
            assert row["mean_year_frac"] == pytest.approx(returns.mean() * 252, rel=1e-9)
            assert row["volatility_year_frac"] == pytest.approx(returns.std(ddof=1) * np.sqrt(252), rel=1e-9)
            assert row["sharpe_ratio"] == pytest.approx(compute_sharpe(returns) * np.sqrt(252), rel=1e-9)
            assert row["max_drawdown_frac"] == pytest.approx(compute_max_drawdown(returns), rel=1e-9)
            for layer in ("base", "temporal_vega", "second_engine"):
                assert row[f"{layer}_net_pnl_usd"] == pytest.approx(history.net_pnl_usd(layer).sum(), abs=0.005)
            whole = history.layer("portfolio")
            for name in ("cost_usd", "credit_kept_usd", "protection_cost_usd", "interest_usd"):
                assert row[name] == pytest.approx(whole[name].sum(), abs=0.005)
            is_high = np.concatenate([[False], vix[:-1] >= 25])
            assert row["high_vix_sessions"] == is_high.sum() > 0
            assert row["high_vix_net_pnl_usd"] == pytest.approx(
                history.net_pnl_usd("portfolio")[is_high].sum(), abs=0.005
            )
            by_year = history.returns().groupby(history.days.year)
            assert row["years"].tolist() == sorted({day.year for day in market.futures.days})
            assert row["year_returns"] == pytest.approx(by_year.sum().to_numpy(), rel=1e-9, abs=1e-15)
            assert row["year_squares"] == pytest.approx(
                (history.returns() ** 2).groupby(history.days.year).sum(), rel=1e-9
            )
            assert row["year_sessions"].tolist() == by_year.size().tolist()


def test_finished_sweep_computes_nothing_again(home: Home, grid_file: Path, swept: WrittenSweep) -> None:
    first = sweep_home(home, grid_file, now=NOW, chunk=CHUNK)
    before = chunk_files(first)
    assert len(before) == 4
    said: list[str] = []
    again = sweep_home(home, grid_file, now=NOW, chunk=CHUNK, tell=lambda text, _: said.append(text))
    assert chunk_files(again) == before
    assert "all 4 chunks are there already" in said
    assert again.record == first.record
    pd.testing.assert_frame_equal(rows_of(again), rows_of(swept), check_exact=True)


def test_resumed_sweep_computes_what_is_missing_or_damaged_and_nothing_else(
    home: Home, grid_file: Path, swept: WrittenSweep
) -> None:
    first = sweep_home(home, grid_file, now=NOW, chunk=CHUNK)
    folder = first.html.parent / "chunks" / "path-000"
    gone, cut, other, kept = sorted(folder.glob("*.parquet"))
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-100])  # a disk that lost the end
    other.write_bytes(kept.read_bytes())  # rows of other policies
    before = chunk_files(first)
    again = sweep_home(home, grid_file, now=NOW, chunk=CHUNK)
    after = chunk_files(again)
    assert after[kept.name] == before[kept.name]
    assert all(after[one.name] != before.get(one.name) for one in (gone, cut, other))
    pd.testing.assert_frame_equal(rows_of(again), rows_of(swept), check_exact=True)


def test_without_resuming_everything_is_computed_again(home: Home, grid_file: Path) -> None:
    first = sweep_home(home, grid_file, now=NOW, chunk=CHUNK)
    before = chunk_files(first)
    after = chunk_files(sweep_home(home, grid_file, now=NOW, chunk=CHUNK, is_resumed=False))
    assert before.keys() == after.keys()
    assert all(after[name] != before[name] for name in before)


def test_chunk_that_fails_is_named_and_tried_again_while_the_rest_goes_on(
    home: Home, grid_file: Path, swept: WrittenSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = load_policies(SweepFolder(swept.html.parent))[10].policy_id

    def spoil(folder: Path, path: PathMarket, policies: Sequence[GridPolicy], threads: int = 1) -> pd.DataFrame:
        if bad in {one.policy_id for one in policies}:
            raise ValueError("no such luck")
        return evaluate_policies(folder, path, policies, threads)

    def compute(folder: str, chunk: Any, policies: Sequence[GridPolicy]) -> Any:
        return compute_chunk(folder, chunk, evaluate=spoil, policies=policies)

    with monkeypatch.context() as patched:
        patched.setattr(sweeping, "compute_chunk", compute)
        for tries in (1, 2):
            written = sweep_home(home, grid_file, now=NOW, chunk=CHUNK)
            assert written.record["failed_chunks"] == [
                {"chunk": "path-000/000007-000013", "error": "ValueError: no such luck", "tries": tries}
            ]
            assert written.record["published"]["results"] == 24 - CHUNK
            assert "no such luck" in written.html.read_text()
    assert bad not in set(rows_of(written)["policy_id"])
    before = chunk_files(written)
    mended = sweep_home(home, grid_file, now=NOW, chunk=CHUNK)
    assert mended.record["failed_chunks"] == []
    assert not list(mended.html.parent.rglob("*.error.json"))
    assert before.items() <= chunk_files(mended).items()
    pd.testing.assert_frame_equal(rows_of(mended), rows_of(swept), check_exact=True)


def test_another_warehouse_grid_or_code_is_another_sweep(
    tmp_path: Path, home: Home, grid_file: Path, swept: WrittenSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    def name_of(text: str = SMALL) -> str:
        path = tmp_path / "other.toml"
        path.write_text(text)
        grid = sweeping.load_grid(path)
        return sweeping.open_sweep(home, grid, sweeping.expand_grid(grid), CHUNK).sweep_id

    assert name_of() == swept.html.parent.name
    # how it is shown is not what it is
    assert name_of(SMALL.replace('name = "small"', 'name = "else"\nobjective = "sharpe_ratio"')) == name_of()
    others = {name_of(SMALL.replace("[0.01, 0.015]", "[0.01, 0.02]"))}
    with monkeypatch.context() as patched:
        patched.setattr("warehouse.sweep_store.hash_code", lambda: "other")
        others.add(name_of())
    with duckdb.connect(str(home.published)) as connection:
        connection.execute("update ref.run set run_id = 'another'")
    others.add(name_of())
    assert len(others | {swept.html.parent.name}) == 4


def test_night_that_publishes_meanwhile_changes_nothing(home: Home, grid_file: Path, swept: WrittenSweep) -> None:
    """The sweep's link keeps the file; a night replaces it by another."""
    kept = SweepFolder(swept.html.parent).path_folder(0) / "alvh.duckdb"
    assert kept.stat().st_ino == Home(swept.html.parents[2]).published.stat().st_ino
    written = sweep_home(home, grid_file, now=NOW, chunk=CHUNK)
    assert written.record["provenance"]["warehouse_run_id"] == swept.record["provenance"]["warehouse_run_id"]


def test_worker_of_another_code_or_without_the_folder_computes_nothing(
    home: Home, tmp_path: Path, swept: WrittenSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = list_chunks(24, [0], CHUNK)[0]
    with pytest.raises(PipelineError, match="does not see the folder"):
        compute_chunk(str(tmp_path / "elsewhere"), chunk)
    folder = home.path / "sweeps" / swept.html.parent.name
    monkeypatch.setattr("warehouse.sweep_chunks.hash_code", lambda: "other")
    with pytest.raises(PipelineError, match="another version of the code"):
        compute_chunk(str(folder), chunk)
    assert not (folder / "chunks").exists()


def test_second_run_on_the_same_sweep_leaves_at_once(home: Home, grid_file: Path, swept: WrittenSweep) -> None:
    sweep = SweepFolder(home.path / "sweeps" / swept.html.parent.name)
    with sweep.lock(), pytest.raises(LockHeldError):
        sweep_home(home, grid_file, now=NOW, chunk=CHUNK)


def test_record_is_plain_and_the_page_needs_nothing_else(swept: WrittenSweep) -> None:
    record = swept.record
    assert json.loads((swept.html.parent / "sweep.json").read_text()) == record
    assert record["policies"] == record["published"]["results"] == 24
    assert record["simulated"] is None
    assert record["grid"]["skipped"]
    assert "overfitting" in record["warning"]
    page, text = swept.html.read_text(), swept.html.with_suffix(".md").read_text()
    for said in (page, text):
        assert "SIMULATED" in said
        assert record["warning"] in said
        assert "Not testable" in said  # two years are too few to choose on
    assert page.count("<svg") == 2
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_simulated_markets_stand_beside_the_history_and_are_not_pooled(
    home: Home, grid_file: Path, swept: WrittenSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import sweep_markets
    from warehouse.sweep_paths import take_warehouse

    built: list[int] = []

    def take(target: Path, like: Path, seed: int) -> None:
        if not Home(target).published.exists():
            built.append(seed)
            take_warehouse(Home(like), target)

    monkeypatch.setattr(sweep_markets, "build_simulated_warehouse", take)
    written = sweep_home(home, grid_file, now=NOW, chunk=CHUNK, simulated_paths=2)
    rows = rows_of(written)
    assert rows.groupby("path").size().to_dict() == {0: 24, 1: 24, 2: 24}
    assert [path["seed"] for path in written.record["paths"]] == [None, *built]
    assert len(set(built)) == 2
    assert written.record["published"] == swept.record["published"]
    assert written.record["simulated"]["results"] == 48
    assert [walk["path"] for walk in written.record["simulated"]["walk_forward"]] == [1, 2]
    # once built, they are kept
    sweep_home(home, grid_file, now=NOW, chunk=CHUNK, simulated_paths=2)
    assert len(built) == 2


def test_simulated_market_of_a_path_is_built_like_a_night_over_the_same_sessions(
    tmp_path: Path, swept: WrittenSweep
) -> None:
    from flows.sweep_markets import build_simulated_warehouse, seed_of

    like, target = SweepFolder(swept.html.parent).path_folder(0), tmp_path / "001"
    build_simulated_warehouse(target, like, seed_of(1))
    assert [path.name for path in target.iterdir()] == ["alvh.duckdb"]  # its home and files are gone
    sessions = "select list(trade_date order by trade_date) from mart.daily_signals"
    levels = "select list(vix_close_pts order by trade_date) from mart.daily_signals"
    with duckdb.connect(str(Home(like).published), read_only=True) as connection:
        told = connection.execute(sessions).fetchall()
        others = connection.execute(levels).fetchall()
    with duckdb.connect(str(Home(target).published), read_only=True) as connection:
        assert connection.execute(sessions).fetchall() == told
        assert connection.execute(levels).fetchall() != others
        assert connection.execute("select is_simulated from ref.run").fetchall() == [(True,)]
    before = Home(target).published.stat().st_mtime_ns
    build_simulated_warehouse(target, like, seed_of(1))
    assert Home(target).published.stat().st_mtime_ns == before


def test_hostile_name_of_a_grid_stays_a_name(swept: WrittenSweep) -> None:
    from transforms.sweep_report.page import render_sweep_html, render_sweep_markdown

    hostile = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    record = {**swept.record, "grid": {**swept.record["grid"], "name": hostile, "description": hostile}}
    page = render_sweep_html(record)
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "<img" not in page
    assert "<script" not in render_sweep_markdown(record)
