"""Re-calibrating after a week: compute it from what is published, store it once, say what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from transforms.calendar import NEW_YORK
from transforms.errors import PipelineError, UsageError
from warehouse.calibrations import WeekValues, choose_newest, compute_calibrations
from warehouse.home import Home
from warehouse.instants import iso_utc
from warehouse.publish import run_lock
from warehouse.query import open_published
from warehouse.run_log import RunLog, close_interrupted, package_versions, unused_run_id
from warehouse.stored_calibrations import (
    CALIBRATED,
    RECORD_KEY,
    StoredCalibration,
    folder_of,
    hash_calibration,
    list_differences,
    read_stored_calibrations,
    write_calibration,
)

NOTHING_NEW = "nothing_new"
KEPT = "kept"
_NAMED = 4
"""Columns that a sentence names before it only counts them."""


@dataclass(frozen=True)
class Recalibration:
    """How a re-calibration ended.

    Attributes
    ----------
    outcome
        ``calibrated`` (stored now), ``nothing_new`` (stored before with the same values, or no week has ended), or
        ``kept`` (stored before, and the present data give other values).
    sentence
        The words for it.
    stored
        The calibration that is in force for the week; None where no week has ended.
    differences
        Columns in which the present data differ from it.
    path
        Its file.
    """

    outcome: str
    sentence: str
    stored: StoredCalibration | None = None
    differences: tuple[str, ...] = ()
    path: Path | None = None


def recalibrate_home(home: Home, *, now: datetime, run_id: str, as_of: date | None = None) -> Recalibration:
    """Calibrate after the newest week that has ended in the published warehouse, and store it for good.

    Parameters
    ----------
    now
        Instant of the run; it only dates what is stored.
    as_of
        Only weeks that ended by this day count.

    Raises
    ------
    UsageError
        If nothing is published, ``as_of`` is in the future, or no week had ended by it.
    ChecksFailedError
        If a stored calibration is not as it was written.
    LockHeldError
        If another run works on the home.
    """
    today = now.astimezone(NEW_YORK).date()
    if as_of is not None and as_of > today:
        raise UsageError("--as-of is in the future", found=str(as_of), expected=f"{today} or earlier")
    if not home.published.exists():
        # Said before the lock, which would make the folder of a home that is not there.
        with open_published(home):
            pass
    command = "recalibrate" if as_of is None else f"recalibrate --as-of {as_of}"
    with run_lock(home, f"alvh {command}", now):
        close_interrupted(home, run_id)
        kept = read_stored_calibrations(home)
        with open_published(home) as connection:
            row = connection.execute("select run_id, is_simulated from ref.run").fetchone()
            week = choose_newest(compute_calibrations(connection), as_of)
        warehouse_run_id, is_simulated = (str(row[0]), bool(row[1])) if row else ("unknown", False)
        mark = "SIMULATED market: " if is_simulated else ""
        if week is None:
            if as_of is not None:
                raise UsageError(
                    "no week had ended by then",
                    found=str(as_of),
                    expected="a day on or after the last session of a published week",
                    next_step="`alvh status` says what is published",
                )
            return Recalibration(NOTHING_NEW, f"{mark}nothing new: no week has ended in what is published")
        found = next((entry for entry in kept if _is_of_week(entry, week)), None)
        if found is not None:
            return _compare(home, mark, found, week)
        entry = StoredCalibration(
            **week._asdict(),
            is_simulated=is_simulated,
            stored_at_utc=iso_utc(now),
            run_id=unused_run_id(home, run_id),
            warehouse_run_id=warehouse_run_id,
            code_version=package_versions().get("alvh", "unknown"),
        )
        return _store(home, mark, entry, now, command)


def _is_of_week(entry: StoredCalibration, week: WeekValues) -> bool:
    return entry.calibrated_on_date == week.calibrated_on_date or entry.used_from_date == week.used_from_date


def _compare(home: Home, mark: str, found: StoredCalibration, week: WeekValues) -> Recalibration:
    path = folder_of(home) / found.file_name
    differences = list_differences(found.values, week.values)
    differences += [
        name for name in ("calibrated_on_date", "used_from_date") if getattr(found, name) != getattr(week, name)
    ]
    of_week = f"the week to {found.calibrated_on_date}"
    if not differences:
        sentence = f"{mark}nothing new: {of_week} is calibrated already, used from {found.used_from_date}"
        return Recalibration(NOTHING_NEW, sentence, found, path=path)
    named = ", ".join(differences[:_NAMED])
    more = f" and {len(differences) - _NAMED} more" if len(differences) > _NAMED else ""
    sentence = (
        f"{mark}kept: {of_week} was stored at {found.stored_at_utc} and stays in force; "
        f"the present data give another {named}{more}"
    )
    return Recalibration(KEPT, sentence, found, tuple(differences), path)


def _store(home: Home, mark: str, entry: StoredCalibration, now: datetime, command: str) -> Recalibration:
    """Write the run record around the file: a run killed between the two has named its file before."""
    sha256 = hash_calibration(entry)
    log = RunLog(home, entry.run_id, now, command)
    log.note(
        is_simulated=entry.is_simulated,
        as_of=entry.calibrated_on_date.isoformat(),
        **{RECORD_KEY: {"file": entry.file_name, "content_sha256": sha256}},
    )
    try:
        path = write_calibration(home, entry)
    except PipelineError as error:
        log.end(outcome=error.outcome, exit_code=error.exit_code, error=error.lines())
        raise
    sentence = f"{mark}calibrated after {entry.calibrated_on_date}, used from {entry.used_from_date}: {_say(entry)}"
    log.end(outcome=CALIBRATED, exit_code=0, sentence=sentence)
    stored = StoredCalibration(**{**vars(entry), "content_sha256": sha256})
    return Recalibration(CALIBRATED, sentence, stored, path=path)


def _say(entry: StoredCalibration) -> str:
    values = entry.values
    betas = " ".join(_number(values.get(f"vx{rank}_beta_ratio"), ".2f") for rank in range(1, 5))
    shape = (
        f"eta {_number(values.get('term_exponent'), '.2f')}, skew {_number(values.get('skew_ratio'), '.2f')}, "
        f"level {_number(values.get('level_ratio'), '.2f')}"
        if values.get("shape_calibration_status") == "ok"
        else f"option model's defaults stay ({str(values.get('shape_calibration_status')).replace('_', ' ')})"
    )
    roll = _number(values.get("roll_realised_front_frac"), "+.1%")
    error = _number(values.get("roll_realised_front_error_frac"), ".1%")
    return f"betas {betas}; {shape}; long front month {roll} a month, standard error {error}"


def _number(value: object, style: str) -> str:
    return format(value, style) if isinstance(value, (int, float)) else "unknown"
