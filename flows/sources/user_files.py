"""Files that users put into ``inputs/`` of their home: figures that no publisher gives away.

They go through the raw store like every other file, so that the warehouse stays a pure function of it:
each version that a night has seen is kept, and a file that was taken away is noted as absent.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flows.sources.base import Known, Outcome, Request
from flows.sources.folder import FolderReader

FOLDER = "inputs"
LARGEST = 8 * 1024 * 1024
_DATASETS = {
    "sector_price_cash_flow.csv": "sector_price_cash_flow",
    "release_dates.csv": "release_dates",
    "ie_data.xls": "shiller_workbook",
    "ie_data.xlsx": "shiller_workbook",
    "book.toml": "book",
}


def user_files() -> list[Request]:
    """Every file that a user may provide; ``url`` is its place in the home."""
    return [
        Request("user", dataset, name, f"{FOLDER}/{name}", "optional", may_be_absent=True, max_bytes=LARGEST)
        for name, dataset in _DATASETS.items()
    ]


class UserFiles:
    """Answers requests from a home's ``inputs/``.

    Parameters
    ----------
    home
        The home folder. ``inputs/`` itself may be a link to where the user keeps such files; what lies in
        it may not lead out again.
    utcnow
        The clock.
    """

    name = "inputs"

    def __init__(self, home: Path, *, utcnow: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._files = FolderReader(home / FOLDER, "inputs/", utcnow)

    def fetch(self, request: Request, known: Known | None = None) -> Outcome:
        """Answer one request from the folder.

        Raises
        ------
        SourceError
            A link leads out of the folder; the file is too large, empty, or no file.
        TransientSourceError
            The file could not be read, or changed meanwhile.
        """
        return self._files.answer(request, request.name, known, absent=f"not in {FOLDER}/", via=request.url)
