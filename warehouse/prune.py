"""Removing what `warehouse.retention` lists, so that it can be killed anywhere.

What goes is renamed first, into ``trash/`` of the home, and deleted there: a reader sees it whole or not at all, and
what a killed run left in the trash goes with the next one. Of a removed raw version a note stays (``*.pruned.json``,
its sidecar): that it was there, its hash, when it was fetched.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from transforms.errors import PipelineError
from warehouse.home import Home
from warehouse.notices import NoticeLog
from warehouse.retention import DETAILS, LEFT_OUT, TRASH, Plan, Retention, old_notices, plan_pruning
from warehouse.run_log import write_record

SIDECAR, PRUNED = ".meta.json", ".pruned.json"


@dataclass(frozen=True)
class Pruned:
    """What was removed."""

    plan: Plan

    @property
    def sentence(self) -> str:
        """Say it in a line."""
        count = len(self.plan.removals)
        return f"{count} thing{'' if count == 1 else 's'} removed, {say_bytes(self.plan.bytes)}"

    @property
    def is_listed(self) -> bool:
        """True where something was removed that the pages around the reports link to."""
        return any(one.kind in ("report", "audit", "sweep") for one in self.plan.removals)


def prune_home(home: Home, keep: Retention, now: datetime) -> Pruned:
    """Remove what the settings do not keep. The caller holds the run lock.

    Raises
    ------
    PipelineError
        If the disk does not let something go. What was removed before stays removed; the rest stays whole.
    """
    plan = plan_pruning(home, keep, now)
    for removal in plan.removals:
        try:
            _REMOVERS.get(removal.kind, _remove)(home, removal.path, keep)
        except OSError as error:
            raise PipelineError(
                "something old could not be removed",
                where=str(removal.path),
                found=str(error),
                expected="the right to write in the home folder",
                next_step="mend its rights, then `alvh prune`: everything published is untouched",
            ) from error
    return Pruned(plan)


def say_bytes(size: int) -> str:
    """Return a size as people read it: ``45.6 MB``."""
    amount, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{size} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"


def _remove(home: Home, path: Path, keep: Retention) -> None:
    trash = home.path / TRASH
    if path.parent != trash:
        trash.mkdir(mode=0o700, exist_ok=True)
        moved = trash / f"{uuid.uuid4().hex}-{path.name.lstrip('.')}"
        path.replace(moved)
        path = moved
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _remove_version(home: Home, path: Path, keep: Retention) -> None:
    # The note first: a version whose body went without one would look lost.
    sidecar = path.with_name(path.name + SIDECAR)
    sidecar.replace(path.with_name(path.name + PRUNED))
    _remove(home, path, keep)


def _slim_record(home: Home, path: Path, keep: Retention) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    left_out = [name for name in DETAILS if name in record]
    slim = {name: value for name, value in record.items() if name not in DETAILS}
    write_record(path, {**slim, LEFT_OUT: left_out})


def _trim_notices(home: Home, path: Path, keep: Retention) -> None:
    _, staying = old_notices(home, keep.notices)
    NoticeLog(home).replace(staying)


_REMOVERS: dict[str, Callable[[Home, Path, Retention], None]] = {
    "raw version": _remove_version,
    "run details": _slim_record,
    "notices": _trim_notices,
}
