"""The sample: a simulated market kept as an offline archive, and moved on to the newest session.

Its bytes are those of the sources' own formats, so that a run on it goes the whole way a real one does.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

from flows.sources.choice import SIMULATED_MARKER, name_simulated, read_marker
from transforms import calendar
from transforms.errors import UsageError
from transforms.simulate import DEFAULT_SEED, plant_defects, render_archive, simulate_market
from warehouse.home import write_atomically

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
        If the folder holds anything but an earlier writing of the same market.
    """
    files = _render(first_session, last_session, seed, crisis)
    if with_defects:
        files, manifest = plant_defects(files.items(), seed)
        files[MANIFEST] = json.dumps(manifest, indent=1).encode()
    _require_room(folder, json.loads(files[SIMULATED_MARKER]), with_defects=with_defects)
    _write(folder, files)
    return len(files)


def advance_sample(folder: Path, session: date) -> Path:
    """Bring the sample up to a session, making it first where there is none. Return its folder.

    The first session is fixed when the sample is made, so that moving on only appends.
    """
    made = read_marker(folder)
    if not made:
        first, seed = first_session_of(session, SAMPLE_YEARS), DEFAULT_SEED
    elif date.fromisoformat(str(made["last_session"])) >= session:
        return folder
    else:
        first, seed = date.fromisoformat(str(made["first_session"])), int(str(made["seed"]))
    _write(folder, _render(first, session, seed, None))
    return folder


def first_session_of(last_session: date, years: int) -> date:
    """The first futures session on or after the day ``years`` before a session."""
    start = max(last_session - timedelta(days=round(365.25 * years)), calendar.FIRST_SESSION)
    return calendar.sessions("XCBF", start, start + timedelta(days=10))[0]


def _require_room(folder: Path, marker: dict[str, object], *, with_defects: bool) -> None:
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    held, wanted = read_marker(folder), name_simulated(marker)
    found = "something else" if held is None else name_simulated(held)
    if found != wanted or (folder / MANIFEST).exists() != with_defects:
        raise UsageError(
            "the folder holds another market"
            if held is not None
            else "the folder is not empty and not a simulated market",
            where=str(folder),
            found=found,
            expected=f"an empty folder, or the {wanted}, with the same choice of defects",
            next_step="choose another folder",
        )


def _render(first: date, last: date, seed: int, crisis: date | None) -> dict[str, bytes]:
    return dict(render_archive(simulate_market(first, last, seed, crisis)))


def _write(folder: Path, files: dict[str, bytes]) -> None:
    # Each file whole, and the marker last: a folder that was broken off halfway, by a power cut as well, is written
    # again from the start.
    for name, body in sorted(files.items(), key=lambda entry: entry[0] == SIMULATED_MARKER):
        path = folder / name
        if not path.exists() or path.read_bytes() != body:
            write_atomically(path, body)
