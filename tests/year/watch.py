"""What is watched beside the nights: the process's memory, and a reader that never stops reading."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
_PROC = Path("/proc/self")


def reset_peak() -> None:
    """Begin to watch the process's memory anew; where the system cannot, the peak is that since its start."""
    try:
        (_PROC / "clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak_mb() -> float:
    """Most memory that was resident since :func:`reset_peak`, in MB."""
    try:
        lines = (_PROC / "status").read_text(encoding="ascii").splitlines()
    except OSError:
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024, 1)


def code_version() -> str:
    """The commit that is lived through; empty outside of a checkout."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return ""
    asked = subprocess.run([git, "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return asked.stdout.strip()


_READER = """
import json, os, sys, time
from pathlib import Path
import duckdb
from warehouse.home import Home
from warehouse.query import open_published
from transforms.errors import PipelineError
home, folder = Home(Path(sys.argv[1])), Path(sys.argv[2])
reads, bad, has_begun = 0, [], False
SQL = '''
select (select max(trade_date) from core.daily_vx_settlements), (select max(trade_date) from mart.daily_term_structure),
    (select max(trade_date) from mart.daily_hedge_state), (select count(*) from core.daily_vx_settlements),
    (select count(*) from ops.runs where run_id = (select run_id from ref.run) and outcome in ('published', 'degraded'))
'''
parent = os.getppid()
while not (folder / "stop").exists() and os.getppid() == parent:
    if (folder / "pause").exists():
        (folder / "paused").touch()
        time.sleep(0.05)
        continue
    (folder / "paused").unlink(missing_ok=True)
    if has_begun or home.published.exists():
        has_begun = True
        try:
            with open_published(home) as connection:
                settled, curve, hedged, rows, runs = connection.execute(SQL).fetchone()
            if not (settled == curve == hedged and rows and runs == 1):
                bad.append(f"warehouse: {settled} {curve} {hedged}, {rows} settlements, {runs} runs")
        except (PipelineError, duckdb.Error, TypeError) as error:
            bad.append(f"warehouse: {error}"[:300])
        page = home.reports / "latest" / "hedge-state.json"
        if page.exists():
            try:
                json.loads(page.read_text(encoding="utf-8"))
            except ValueError as error:
                bad.append(f"report: {error}"[:300])
        reads += 1
    if (folder / "tell").exists():
        (folder / "told.new").write_text(json.dumps([reads, bad]))
        (folder / "told.new").replace(folder / "told")
        (folder / "tell").unlink()
        reads, bad = 0, []
    time.sleep(float(sys.argv[3]))
"""


class Reader:
    """A process that reads the published warehouse and the latest report over and over.

    Parameters
    ----------
    home
        The home folder.
    folder
        Where the two talk.
    every
        Seconds between two reads.
    """

    def __init__(self, home: Path, folder: Path, every: float) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        with (folder / "trouble").open("w", encoding="utf-8") as trouble:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _READER, str(home), str(folder), str(every)], cwd=ROOT, stderr=trouble
            )

    def pause(self) -> None:
        """Have it read nothing: while the published file is damaged on purpose."""
        (self.folder / "pause").touch()
        self._wait("paused")

    def go_on(self) -> None:
        """Have it read again."""
        (self.folder / "pause").unlink(missing_ok=True)

    def collect(self) -> tuple[int, list[str]]:
        """Return how often it has read since it was asked last, and what it read that was not whole."""
        (self.folder / "told").unlink(missing_ok=True)
        (self.folder / "tell").touch()
        self._wait("told")
        reads, bad = json.loads((self.folder / "told").read_text(encoding="utf-8"))
        return int(reads), list(bad)

    def _wait(self, name: str) -> None:
        while not (self.folder / name).exists():
            if self._process.poll() is not None:
                raise RuntimeError(f"the reader has ended: {(self.folder / 'trouble').read_text()[-2000:]}")
            time.sleep(0.02)

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        (self.folder / "stop").touch()
        self._process.wait(30)
