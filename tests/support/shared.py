"""What is dear to make and only read: made once a test run, by whichever worker asks first.

Nothing made here is handed out to be changed: a test that goes on from it works on a copy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


class SharedFolders:
    """Folders of one test run, shared by its workers.

    Parameters
    ----------
    root
        Folder of the run; the next run has another, so nothing is ever taken over from code as it was before.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    @classmethod
    def of(cls, factory: pytest.TempPathFactory) -> SharedFolders:
        """The run's folders: beside those of the workers where there are any."""
        base = factory.getbasetemp()
        return cls((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared")

    def get(self, name: str, make: Callable[[Path], object]) -> Path:
        """Return the folder of a name; ``make`` fills it unless it is there.

        Another worker that asks meanwhile waits. What ``make`` leaves behind when it raises is removed, so
        that the next one to ask fails by itself instead of reading half of it.
        """
        folder = self.root / name
        with FileLock(self.root / f"{name}.lock"):
            if not folder.exists():
                partial = self.root / f"{name}.partial"
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                make(partial)
                partial.rename(folder)
        return folder
