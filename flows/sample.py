"""The sample: a simulated market kept as an offline archive, and moved on to the newest session.

Its bytes are those of the sources' own formats, so that a run on it goes the whole way a real one does.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flows.sources.archive import SIMULATED_MARKER
from transforms import calendar
from transforms.errors import UsageError
from transforms.simulate import DEFAULT_SEED, plant_defects, render_archive, simulate_market

SAMPLE_YEARS = 5
MANIFEST = "DEFECTS.json"


def write_simulated_archive(
    folder: Path,
    first_session: date,
    last_session: date,
    seed: int,
    *,
    crisis: date | None = None,
    with_defects: bool = False,
) -> int:
    """Write a simulated market to a folder, only the files that differ. Return how many there are.

    With defects, ``DEFECTS.json`` says what was planted and what a run must do about each.

    Raises
    ------
    UsageError
        If the folder holds anything that is not a simulated market.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / SIMULATED_MARKER).exists():
        raise UsageError(
            "the folder is not empty and not a simulated market",
            where=str(folder),
            expected="a new or empty folder, or one written by `alvh simulate`",
            next_step="choose another folder",
        )
    files = _render(first_session, last_session, seed, crisis)
    if with_defects:
        files, manifest = plant_defects(files.items(), seed)
        files[MANIFEST] = json.dumps(manifest, indent=1).encode()
    _write(folder, files)
    return len(files)


def advance_sample(folder: Path, session: date) -> Path:
    """Bring the sample up to a session, making it first where there is none. Return its folder.

    The first session is fixed when the sample is made, so that moving on only appends.
    """
    made = _read_marker(folder)
    if made is None:
        first, seed = first_session_of(session, SAMPLE_YEARS), DEFAULT_SEED
    elif date.fromisoformat(made["last_session"]) >= session:
        return folder
    else:
        first, seed = date.fromisoformat(made["first_session"]), int(made["seed"])
    _write(folder, _render(first, session, seed, None))
    return folder


def first_session_of(last_session: date, years: int) -> date:
    """The first futures session on or after the day ``years`` before a session."""
    start = max(last_session - timedelta(days=round(365.25 * years)), calendar.FIRST_SESSION)
    return calendar.sessions("XCBF", start, start + timedelta(days=10))[0]


def _render(first: date, last: date, seed: int, crisis: date | None) -> dict[str, bytes]:
    return dict(render_archive(simulate_market(first, last, seed, crisis)))


def _write(folder: Path, files: dict[str, bytes]) -> None:
    # The marker last: a folder that was broken off halfway is written again from the start.
    for name, body in sorted(files.items(), key=lambda entry: entry[0] == SIMULATED_MARKER):
        path = folder / name
        if not path.exists() or path.read_bytes() != body:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)


def _read_marker(folder: Path) -> dict[str, Any] | None:
    try:
        marker = json.loads((folder / SIMULATED_MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return marker if isinstance(marker, dict) else None
