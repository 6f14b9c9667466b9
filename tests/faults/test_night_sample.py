"""Nights on the simulated sample: made on demand, moved on by appending, never mixed with a real market."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from flows.homes import DEFAULT_HOME, SAMPLE_HOME, home_to_read, home_to_write
from flows.night import Night, resolve_night
from flows.run import NightResult, run_night
from flows.sample import MANIFEST, advance_sample, first_session_of, write_simulated_archive
from flows.settings import Settings
from tests.support.nights import QUICK, Trader, evening_of
from tests.support.shared import SharedFolders
from transforms.errors import PipelineError, UsageError
from warehouse.home import Home
from warehouse.run_log import run_id_of

FRIDAY = date(2026, 1, 9)


def _night(home: Path, now: datetime, source: str = "sample", archive: Path | None = None) -> Night:
    settings = Settings(home=home, source=source, archive=archive)
    return resolve_night(settings, run_id=run_id_of(now), now=now, as_of=None, ask_everything=False)


@pytest.fixture(scope="module", autouse=True)
def two_years() -> Iterator[None]:
    """The sample without its first three years, which are of no other kind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.sample.SAMPLE_YEARS", 2)
        yield


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NightResult, NightResult]:
    home = tmp_path_factory.mktemp("sample") / "home"
    first = run_night(_night(home, evening_of(FRIDAY)), QUICK)
    second = run_night(_night(home, evening_of(FRIDAY + timedelta(days=3))), QUICK)
    return home, first, second


@pytest.fixture
def year(tmp_path: Path, shared_folders: SharedFolders) -> Path:
    """A simulated market of a year, of seed 3: ``market`` in the test's own folder."""
    made = shared_folders.get("simulated-year", lambda folder: write_year(folder / "market", 3))
    return shutil.copytree(made / "market", tmp_path / "market")


@pytest.fixture
def sample(tmp_path: Path, shared_folders: SharedFolders) -> Path:
    """The sample as one night's fetch leaves it, with the times of its files."""
    made = shared_folders.get("sample-of-two-years", lambda folder: advance_sample(folder / "sample", FRIDAY))
    return shutil.copytree(made / "sample", tmp_path / "sample")


def write_year(folder: Path, seed: int) -> None:
    write_simulated_archive(folder, first_session_of(FRIDAY, 1), FRIDAY, seed)


def test_sample_is_made_on_demand_and_ends_at_the_newest_session(nights: tuple[Path, NightResult, NightResult]) -> None:
    _, first, _ = nights
    assert (first.exit_code, first.as_of) == (0, FRIDAY)


def test_sample_says_simulated_in_sentence_report_record_and_runs_table(
    nights: tuple[Path, NightResult, NightResult],
) -> None:
    home, first, _ = nights
    assert first.sentence.startswith("SIMULATED market")
    assert first.report is not None
    assert json.loads(first.report.with_suffix(".json").read_text(encoding="utf-8"))["is_simulated"] is True
    assert "SIMULATED" in first.report.read_text(encoding="utf-8")
    assert all(json.loads(path.read_text(encoding="utf-8"))["is_simulated"] for path in (home / "runs").glob("*.json"))
    trader = Trader(Home(home), home, evening_of(FRIDAY))
    assert trader.rows("select distinct is_simulated from ops.runs") == [(True,)]


def test_sample_moved_on_by_a_session_restates_nothing(nights: tuple[Path, NightResult, NightResult]) -> None:
    _, _, second = nights
    assert second.as_of == FRIDAY + timedelta(days=3)
    assert "1 new: 2026-01-12; no settlement, level or rate published before has changed" in second.sentence


def test_sample_on_the_same_evening_is_not_written_again(sample: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in sample.rglob("*.*")}
    assert before
    advance_sample(sample, FRIDAY)
    assert {path: path.stat().st_mtime_ns for path in sample.rglob("*.*")} == before


def test_sample_broken_off_while_made_is_made_again(sample: Path) -> None:
    whole = {path: path.read_bytes() for path in sample.rglob("*.*") if path.is_file()}
    (sample / "SIMULATED.json").unlink()
    next(sample.rglob("VX_2025-*.csv")).write_bytes(b"half a fi")
    advance_sample(sample, FRIDAY)
    assert {path: path.read_bytes() for path in sample.rglob("*.*") if path.is_file()} == whole


def test_home_of_a_simulated_market_refuses_a_real_archive(
    nights: tuple[Path, NightResult, NightResult], tmp_path: Path
) -> None:
    home, _, _ = nights
    (tmp_path / "cdn.cboe.com").mkdir()
    with pytest.raises(UsageError, match="holds another market"):
        run_night(_night(home, evening_of(FRIDAY), "archive", tmp_path), QUICK)


def test_archive_written_by_simulate_is_recognised_as_simulated(tmp_path: Path, year: Path) -> None:
    assert _night(tmp_path / "home", evening_of(FRIDAY), "archive", year).is_simulated


def test_simulate_never_writes_over_anything_else(tmp_path: Path) -> None:
    (tmp_path / "book.toml").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="not a simulated market"):
        write_simulated_archive(tmp_path, first_session_of(FRIDAY, 1), FRIDAY, 3)


def test_night_on_planted_defects_is_published_with_what_the_manifest_says_in_quarantine(tmp_path: Path) -> None:
    folder = tmp_path / "market"
    write_simulated_archive(folder, first_session_of(FRIDAY, 1), FRIDAY, 7, with_defects=True)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    trader = Trader(Home(tmp_path / "home"), folder, evening_of(FRIDAY))
    result = trader.run(market="simulated, with defects")
    assert result.exit_code in (0, 3)
    quarantined = trader.rows("select count(*) from ops.quarantined_rows")[0][0]
    assert quarantined == manifest["quarantined_lines"]


def test_named_home_is_used_for_reading_and_writing(tmp_path: Path) -> None:
    assert home_to_read(tmp_path).path == tmp_path.resolve()
    assert home_to_write(tmp_path, is_simulated=True).path == tmp_path.resolve()


def test_sample_and_real_market_have_default_homes_of_their_own() -> None:
    assert home_to_write(None, is_simulated=True).path == SAMPLE_HOME
    assert home_to_write(None, is_simulated=False).path == DEFAULT_HOME
    assert SAMPLE_HOME != DEFAULT_HOME


def test_reading_prefers_the_real_market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, sample = tmp_path / "real", tmp_path / "sample"
    monkeypatch.setattr("flows.homes.DEFAULT_HOME", real)
    monkeypatch.setattr("flows.homes.SAMPLE_HOME", sample)
    assert home_to_read(None).path == real
    for folder, expected in ((sample, sample), (real, real)):
        folder.mkdir()
        (folder / "alvh.duckdb").touch()
        assert home_to_read(None).path == expected


def test_two_simulated_markets_do_not_share_a_home(tmp_path: Path, year: Path) -> None:
    write_year(tmp_path / "other", 4)
    home = tmp_path / "home"
    # a home is tied to its market when its first night begins, whatever becomes of that
    (year / "cdn.cboe.com").rename(tmp_path / "gone")
    with pytest.raises(PipelineError, match="required file could not be had"):
        run_night(_night(home, evening_of(FRIDAY), "archive", year), QUICK)
    with pytest.raises(UsageError, match="holds another market"):
        run_night(_night(home, evening_of(FRIDAY), "archive", tmp_path / "other"), QUICK)


def test_simulated_archive_without_a_named_home_goes_to_the_samples(year: Path) -> None:
    settings = Settings(home=None, source="archive", archive=year)
    now = evening_of(FRIDAY)
    night = resolve_night(settings, run_id=run_id_of(now), now=now, as_of=None, ask_everything=False)
    assert night.home.path == SAMPLE_HOME


def test_simulate_does_not_mix_two_markets_in_a_folder(year: Path) -> None:
    with pytest.raises(UsageError, match="another market"):
        write_year(year, 4)


def test_marker_that_cannot_be_read_is_never_taken_for_a_real_market(tmp_path: Path) -> None:
    (tmp_path / "cdn.cboe.com").mkdir()
    (tmp_path / "SIMULATED.json").write_text("{", encoding="utf-8")
    assert _night(tmp_path / "home", evening_of(FRIDAY), "archive", tmp_path).is_simulated
