"""Re-calibration under kill -9, full disks, a second run, damage and restated data: stored once, or not at all."""

from __future__ import annotations

import errno
import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from flows.recalibration import KEPT, NOTHING_NEW, Recalibration, recalibrate_home
from tests.support.killed_writer import run_killed
from tests.support.nights import have_first_night
from tests.support.shared import SharedFolders
from transforms.errors import ChecksFailedError, LockHeldError, PipelineError, UsageError
from warehouse.governance.verify import verify_home
from warehouse.home import Home
from warehouse.publish import lock_holder
from warehouse.run_log import read_records, run_id_of
from warehouse.stored_calibrations import CALIBRATED, StoredCalibration, folder_of, read_stored_calibrations

ROOT = Path(__file__).resolve().parents[2]
# The made-up market ends on Friday 2025-09-12.
WEEK, USED_FROM = date(2025, 9, 12), date(2025, 9, 15)
BEFORE = date(2025, 9, 5)
NOW = datetime(2025, 9, 13, 16, 30, tzinfo=UTC)


@pytest.fixture
def night(shared_folders: SharedFolders) -> Home:
    """A home with one night; made once, and only copied."""
    return Home(shared_folders.get("first-night", have_first_night) / "home")


@pytest.fixture
def home(night: Home, tmp_path: Path) -> Home:
    shutil.copytree(night.path, tmp_path / "home")
    return Home(tmp_path / "home")


def recalibrate(home: Home, *, later: int = 0, as_of: date | None = None) -> Recalibration:
    now = NOW + timedelta(seconds=later)
    return recalibrate_home(home, now=now, run_id=run_id_of(now), as_of=as_of)


def files(home: Home) -> dict[str, bytes]:
    folder = folder_of(home)
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))} if folder.is_dir() else {}


def errors(home: Home) -> list[str]:
    return [f"{finding.area}: {finding.what}" for finding in verify_home(home).findings if finding.is_error]


def restate(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another front beta, as if the published data had been restated."""
    from flows import recalibration

    honest = recalibration.compute_calibrations
    monkeypatch.setattr(
        recalibration, "compute_calibrations", lambda connection: honest(connection).assign(rv_observed_sessions=7)
    )


def test_newest_finished_week_is_stored_with_its_origin(home: Home) -> None:
    result = recalibrate(home)
    assert result.outcome == CALIBRATED
    (entry,) = read_stored_calibrations(home)
    assert (entry.calibrated_on_date, entry.used_from_date) == (WEEK, USED_FROM)
    assert result.stored == entry
    assert result.path == folder_of(home) / "2025-09-15.json"
    published = next(record for record in read_records(home) if record.get("published"))
    assert (entry.run_id, entry.warehouse_run_id) == (run_id_of(NOW), published["run_id"])
    assert entry.code_version == published["versions"]["alvh"]
    assert errors(home) == []


def test_same_values_again_are_nothing_new(home: Home) -> None:
    recalibrate(home)
    before, records = files(home), len(list(read_records(home)))
    result = recalibrate(home, later=60)
    assert (result.outcome, result.differences) == (NOTHING_NEW, ())
    assert "2025-09-12" in result.sentence
    assert files(home) == before
    # a run that had nothing to do every day would fill the record with itself
    assert len(list(read_records(home))) == records


def test_other_values_are_said_and_the_stored_ones_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    recalibrate(home)
    before = files(home)
    restate(home, monkeypatch)
    result = recalibrate(home, later=60)
    assert (result.outcome, result.differences) == (KEPT, ("rv_observed_sessions",))
    assert "rv_observed_sessions" in result.sentence
    assert files(home) == before


def test_week_of_another_first_session_is_kept_and_said(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closure that nobody knew of when the week ended."""
    from flows import recalibration

    recalibrate(home)
    before = files(home)
    honest = recalibration.choose_newest

    def moved(*arguments: object) -> object:
        week = honest(*arguments)  # type: ignore[arg-type]
        assert week is not None
        return week._replace(used_from_date=date(2025, 9, 16))

    monkeypatch.setattr(recalibration, "choose_newest", moved)
    result = recalibrate(home, later=60)
    assert (result.outcome, result.differences) == (KEPT, ("used_from_date",))
    assert files(home) == before


def test_week_as_of_a_day_is_the_newest_that_had_ended(home: Home) -> None:
    result = recalibrate(home, as_of=date(2025, 9, 11))
    assert result.stored is not None
    assert result.stored.calibrated_on_date == BEFORE
    recalibrate(home, later=60)
    assert [entry.calibrated_on_date for entry in read_stored_calibrations(home)] == [BEFORE, WEEK]


@pytest.mark.parametrize(
    ("as_of", "what"), [(date(2025, 6, 5), "no week had ended"), (date(2025, 9, 14), "in the future")]
)
def test_day_that_cannot_be_is_a_usage_error(home: Home, as_of: date, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        recalibrate(home, as_of=as_of)
    assert files(home) == {}


def test_home_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing has been published"):
        recalibrate(Home(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_run_that_holds_the_home_is_not_disturbed(home: Home) -> None:
    with FileLock(home.lock), pytest.raises(LockHeldError) as refused:
        recalibrate(home)
    assert refused.value.exit_code == 6
    assert files(home) == {}


@pytest.mark.parametrize("damage", [b"", b"{}", b"half"])
def test_damaged_calibration_is_refused_with_file_and_reason(home: Home, damage: bytes) -> None:
    path = recalibrate(home).path
    assert path is not None
    path.write_bytes(damage)
    with pytest.raises(ChecksFailedError) as refused:
        recalibrate(home, later=60)
    assert (refused.value.exit_code, refused.value.where) == (4, str(path))
    assert refused.value.found
    assert path.read_bytes() == damage
    assert errors(home) == ["calibrations: a stored calibration cannot be used"]


def test_calibration_copied_to_another_week_is_refused(home: Home) -> None:
    path = recalibrate(home).path
    assert path is not None
    path.with_name("2025-09-08.json").write_bytes(path.read_bytes())
    with pytest.raises(ChecksFailedError, match="2025-09-08"):
        recalibrate(home, later=60)


def test_removed_calibration_is_found_by_verify(home: Home) -> None:
    path = recalibrate(home).path
    assert path is not None
    path.unlink()
    assert errors(home) == ["calibrations: a stored calibration is gone"]


def test_full_disk_leaves_no_calibration_and_says_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from warehouse import home as home_module

    def full(*arguments: object, **options: object) -> tuple[int, str]:
        if str(options.get("prefix", "")).startswith(".2025-09-15"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return honest(*arguments, **options)  # type: ignore[arg-type]

    honest = home_module.tempfile.mkstemp
    monkeypatch.setattr(home_module.tempfile, "mkstemp", full)
    with pytest.raises(PipelineError, match="could not be written"):
        recalibrate(home)
    assert files(home) == {}
    assert json.loads((home.runs / f"{run_id_of(NOW)}.json").read_text())["outcome"] == "failed"
    monkeypatch.undo()
    assert recalibrate(home, later=60).outcome == CALIBRATED
    assert errors(home) == []


def kill_and_run_again(home: Home, after: int) -> None:
    was_killed = run_killed(home, "recalibrate", NOW.isoformat(), after=after)
    stored = read_stored_calibrations(home)
    assert lock_holder(home) is None
    assert errors(home) == []
    result = recalibrate(home, later=60)
    assert result.outcome == (NOTHING_NEW if stored else CALIBRATED)
    assert [entry.used_from_date for entry in read_stored_calibrations(home)] == [USED_FROM]
    if was_killed and after > WRITES_BEFORE_RECORD:
        first = next(record for record in read_records(home) if record["run_id"] == run_id_of(NOW))
        if after < WRITES - 1:
            assert first["broken_off"] == "broken off before its first step"
        else:  # its last record stands, and only the folder's name for it was not synced yet
            assert first["outcome"] == CALIBRATED
    assert errors(home) == []
    assert was_killed == (after < WRITES)


# the note of who holds the home, then record, record, calibration with its new folder, record: two each
WRITES_BEFORE_RECORD, WRITES = 3, 11


@pytest.mark.parametrize("after", [4, 7, 9])
def test_run_killed_has_stored_all_or_nothing_and_can_be_run_again(home: Home, after: int) -> None:
    kill_and_run_again(home, after)


@pytest.mark.slow
@pytest.mark.parametrize("after", range(13))
def test_run_killed_anywhere_has_stored_all_or_nothing_and_can_be_run_again(home: Home, after: int) -> None:
    kill_and_run_again(home, after)


def test_stored_values_do_not_depend_on_the_run(home: Home, tmp_path: Path) -> None:
    first = recalibrate(home).stored
    for path in (*folder_of(home).glob("*"), home.runs / f"{run_id_of(NOW)}.json"):
        path.unlink()
    second = recalibrate(home, later=60).stored
    assert isinstance(first, StoredCalibration)
    assert isinstance(second, StoredCalibration)
    same = {"stored_at_utc": first.stored_at_utc, "run_id": first.run_id, "content_sha256": first.content_sha256}
    assert replace(second, **same) == first  # type: ignore[arg-type]
