"""What every measurement shares: running things in turn, the facts of the machine, and the results as files.

A subject is a module with ``main()``. It measures, says how each goal came out, and writes its section with
:func:`write_results`: ``results/<subject>.md`` for people and ``results/<subject>.json`` with every single figure.
``python -m benchmarks`` runs all subjects and joins the sections into ``RESULTS.md``.

Rivals run in turn with ours, repeat by repeat, so that whatever else the machine does falls on all of them. Figures
are medians; the spread is from the lowest to the highest. Processor time (user and system) is given beside the time
on the clock, because it hardly depends on what else runs.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
ROOT = RESULTS.parent.parent


@dataclass
class Timing:
    """What one case took, a figure a repeat.

    Attributes
    ----------
    wall_s, cpu_s
        Seconds on the clock, and of the processor with those of child processes.
    peak_mb
        Most memory the process had (resident), where the case is a process of its own.
    """

    name: str
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)

    @property
    def wall(self) -> float:
        """Median seconds on the clock."""
        return statistics.median(self.wall_s)

    @property
    def cpu(self) -> float:
        """Median seconds of the processor."""
        return statistics.median(self.cpu_s)

    @property
    def peak(self) -> float | None:
        """Highest memory of all repeats, in MB."""
        return max(self.peak_mb) if self.peak_mb else None


@dataclass(frozen=True)
class Goal:
    """A goal and what came of it, as sentences with figures.

    Attributes
    ----------
    is_met
        None where it could not be measured.
    note
        Told beside the result.
    if_missed
        Why it is missed: told then only.
    """

    what: str
    goal: str
    result: str
    is_met: bool | None
    note: str = ""
    if_missed: str = ""

    @property
    def why(self) -> str:
        """What stands beside the result."""
        told = [self.note, self.if_missed if self.is_met is False else ""]
        return "; ".join(part for part in told if part)


@dataclass(frozen=True)
class Command:
    """A case that is a process of its own."""

    argv: Sequence[str | os.PathLike[str]]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None


Case = Command | Callable[[], object]


def run_in_turn(cases: Mapping[str, Case], repeats: int, warm_ups: int = 1) -> dict[str, Timing]:
    """Run each case once a repeat, in turn, after so many repeats that do not count.

    Raises
    ------
    RuntimeError
        If a command ends with another code than 0: a measurement of a failure is none.
    """
    timings = {name: Timing(name) for name in cases}
    for repeat in range(warm_ups + repeats):
        for name, case in cases.items():
            wall, cpu, peak = _run_command(case) if isinstance(case, Command) else _run_here(case)
            if repeat < warm_ups:
                continue
            timings[name].wall_s.append(wall)
            timings[name].cpu_s.append(cpu)
            if peak is not None:
                timings[name].peak_mb.append(peak)
    return timings


def _run_here(case: Callable[[], object]) -> tuple[float, float, None]:
    wall, cpu = time.perf_counter(), time.process_time()
    case()
    return time.perf_counter() - wall, time.process_time() - cpu, None


def _run_command(case: Command) -> tuple[float, float, float]:
    with tempfile.TemporaryFile() as said:
        wall = time.perf_counter()
        child = subprocess.Popen(
            [os.fspath(part) for part in case.argv],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, **QUIET, **case.env},
            cwd=case.cwd or ROOT,
        )
        # The usage of this child and of those that it waited for.
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - wall
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            said.seek(0)
            raise RuntimeError(f"{case.argv} ended with {child.returncode}: {said.read().decode()[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "GX_ANALYTICS_ENABLED": "false"}


def machine_facts(packages: Sequence[str] = ("duckdb", "pandas", "numpy")) -> dict[str, str]:
    """What the figures depend on: processor, memory, system, versions. No name and no path of the machine."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def load_average() -> float:
    """Processes that wanted to run in the last minute: how busy the machine was beside the measurement."""
    return os.getloadavg()[0]


def table_of(timings: Mapping[str, Timing], baseline: str | None = None) -> str:
    """A Markdown table of timings; with a baseline, each one's time on the clock as a multiple of it."""
    ratio = f" | x {baseline}" if baseline else ""
    lines = [
        f"| case | wall, s | spread | processor, s | peak, MB{ratio} |",
        f"|---|---|---|---|---{'|---' * bool(ratio)}|",
    ]
    for name, one in timings.items():
        row = (
            f"| {name} | {one.wall:.3g} | {min(one.wall_s):.3g} to {max(one.wall_s):.3g} | {one.cpu:.3g} | "
            f"{'' if one.peak is None else f'{one.peak:,.0f}'} |"
        )
        lines.append(row + (f" {one.wall / timings[baseline].wall:.2f} |" if baseline else ""))
    return "\n".join(lines)


def write_results(
    subject: str,
    title: str,
    body: str,
    goals: Sequence[Goal] = (),
    raw: Mapping[str, Any] | None = None,
    packages: Sequence[str] = ("duckdb", "pandas", "numpy"),
) -> None:
    """Write a subject's section and its single figures.

    Parameters
    ----------
    subject
        Name of the module: ``results/<subject>.md`` and ``.json``.
    body
        Markdown below the title: how it was measured, the tables, what is to be seen in them.
    """
    RESULTS.mkdir(exist_ok=True)
    facts = machine_facts(packages)
    said = " · ".join(f"{name} {value}" if name not in ("date", "system") else value for name, value in facts.items())
    text = f"## {title}\n\n{said} · load {load_average():.1f}\n\n{body.strip()}\n"
    (RESULTS / f"{subject}.md").write_text(text, encoding="utf-8")
    kept = {"machine": facts, "goals": [{**asdict(goal), "why": goal.why} for goal in goals], "figures": raw or {}}
    (RESULTS / f"{subject}.json").write_text(json.dumps(kept, indent=1, default=_plain) + "\n", encoding="utf-8")
    print(text)
    for goal in goals:
        met = {True: "met", False: "not met", None: "not measured"}[goal.is_met]
        print(f"{met}: {goal.what}: {goal.result}")


def _plain(value: object) -> object:
    if isinstance(value, Timing):
        return asdict(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(type(value))


def alvh(*arguments: str) -> list[str]:
    """The command line of this checkout."""
    return [str(Path(sys.executable).with_name("alvh")), *arguments]


def ask(argv: Sequence[str | os.PathLike[str]]) -> Any:
    """Run a command of this checkout and return its last line, which is JSON; what it complains of is shown."""
    parts = [os.fspath(part) for part in argv]
    env = {**os.environ, **QUIET}
    done = subprocess.run(parts, check=True, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def have_environment(name: str, python: str = sys.executable) -> str | None:
    """Return the interpreter of a rival's environment; None where none can be made: no such Python, or no such package.

    It is made once, from ``rivals/requirements-<name>.txt``.
    """
    folder = RESULTS.parent / ".environments" / name
    found = folder / "bin" / "python"
    if not found.exists():
        made = subprocess.run([python, "-m", "venv", str(folder)], check=False).returncode == 0
        wanted = RESULTS.parent / "rivals" / f"requirements-{name}.txt"
        if not made or subprocess.run([found, "-m", "pip", "install", "-q", "-r", wanted], check=False).returncode:
            return None
    return str(found)


def real_archive() -> Path | None:
    """The folder of real files: ``ALVH_REAL_DATA``, else ``../shared/data`` beside the checkout; None without."""
    named = os.environ.get("ALVH_REAL_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder / "mirror" if (folder / "mirror").is_dir() else None
