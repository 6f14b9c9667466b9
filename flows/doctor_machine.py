"""The machine: Python, packages, time zones, memory, Prefect, and what is optional."""

from __future__ import annotations

import importlib.util
import platform
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flows.doctor import Finding, Patient
from flows.prefect_env import find_api_url

ROOT = Path(__file__).resolve().parent.parent
_TRAPS = {
    "fastapi": "Prefect 3.8 calls fastapi.Body(min_items=...), which fastapi 0.155 no longer takes: no night starts",
    "sqlalchemy": "with SQLAlchemy 2.1 Prefect 3.8 finds no deployment to schedule, and says nothing",
}
"""Why a bound is there that nobody would guess."""
_MEBIBYTE = 1024
_LEAST_MEMORY_MB = 1500
"""A night on the whole history takes about 1 GB at its peak."""
_INSTALL = "install what is pinned: `make setup`, or `pip install -e . -c constraints.txt`"


def check_python(patient: Patient) -> Iterator[Finding]:
    """Is this Python one that the project runs on?"""
    from packaging.specifiers import SpecifierSet

    wanted = str(_project()["requires-python"])
    running = platform.python_version()
    if running in SpecifierSet(wanted, prereleases=True):
        yield Finding("python", "ok", f"{running} at {sys.executable}")
    else:
        yield Finding("python", "problem", f"{running}; {wanted} is needed", "make the environment with a newer Python")


def check_packages(patient: Patient) -> Iterator[Finding]:
    """Are the packages there, within the bounds of pyproject.toml, and those of constraints.txt?"""
    from packaging.requirements import Requirement

    needed = [Requirement(line) for line in _project()["dependencies"]]
    pins, wrong, differ = _read_pins(), 0, []
    for requirement in needed:
        name = requirement.name
        found = _version_of(name)
        if found is None:
            wrong += 1
            yield Finding("packages", "problem", f"{name} is not installed", _INSTALL)
        elif not requirement.specifier.contains(found, prereleases=True):
            wrong += 1
            why = _TRAPS.get(name.lower(), "it was not tried with this version")
            yield Finding("packages", "problem", f"{name} {found}, needed {requirement.specifier}: {why}", _INSTALL)
        elif pins.get(_normal(name), found) != found:
            differ.append(f"{name} {found}, not {pins[_normal(name)]}")
    if differ:
        yield Finding("packages", "warning", f"within the bounds, not as pinned: {'; '.join(differ)}", _INSTALL)
    elif not wrong:
        as_pinned = ", as constraints.txt pins them" if pins else ""
        yield Finding("packages", "ok", f"{len(needed)} needed, all within their bounds{as_pinned}")


def check_time_zones(patient: Patient) -> Iterator[Finding]:
    """Is there a time zone database that knows New York's summer time?"""
    summer = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("America/New_York"))
    if summer.utcoffset() == timedelta(hours=-4):
        yield Finding("time zones", "ok", "America/New_York is known, summer time too")
    else:
        yield Finding("time zones", "problem", f"New York's summer is UTC{summer:%z}, not -0400", "update tzdata")


def check_memory(patient: Patient) -> Iterator[Finding]:
    """Is there room in memory for a night?"""
    free = _free_memory_mb()
    if free is None:
        yield Finding("memory", "ok", "how much is free is not known on this system")
    elif free < _LEAST_MEMORY_MB:
        step = "close something, or expect a slow night"
        yield Finding("memory", "warning", f"{free:,} MB free; a night takes up to {_LEAST_MEMORY_MB:,} MB", step)
    else:
        yield Finding("memory", "ok", f"{free:,} MB free")


def check_prefect(patient: Patient) -> Iterator[Finding]:
    """Is Prefect there, and does the server that is configured answer?"""
    version = _version_of("prefect")
    if version is None or importlib.util.find_spec("prefect") is None:
        yield Finding("prefect", "problem", "Prefect cannot be imported", _INSTALL)
        return
    url, where = find_api_url()
    if url is None:
        yield Finding("prefect", "ok", f"{version}; no PREFECT_API_URL, so each run brings a server for the time being")
        return
    if patient.is_offline and "127.0.0.1" not in url and "localhost" not in url:
        yield Finding("prefect", "ok", f"{version}; the server at {url} ({where}) was not asked")
        return
    import requests

    try:
        answer = requests.get(f"{url.rstrip('/')}/health", timeout=(2, 3))
        found = "" if answer.ok else f"answers {answer.status_code}"
    except requests.RequestException as error:
        found = f"does not answer ({type(error).__name__})"
    if found:
        step = "start it (`prefect server start`), or unset PREFECT_API_URL: a run brings a server of its own"
        yield Finding("prefect", "problem", f"{version}; the server at {url} ({where}) {found}", step)
    else:
        yield Finding("prefect", "ok", f"{version}; the server at {url} ({where}) answers")


def check_optional(patient: Patient) -> Iterator[Finding]:
    """What is there that only some commands need?"""
    import webbrowser

    has_dask = importlib.util.find_spec("prefect_dask") is not None
    try:
        browser = webbrowser.get().name
    except webbrowser.Error:
        browser = ""
    dask = f"prefect-dask {_version_of('prefect-dask')}" if has_dask else "no prefect-dask (`alvh sweep --workers`)"
    seen = f"browser {Path(browser).name}" if browser else "no browser (`alvh open` prints the path)"
    yield Finding("optional", "ok", f"{dask}; {seen}")


CHECKS = [
    ("python", check_python),
    ("packages", check_packages),
    ("time zones", check_time_zones),
    ("memory", check_memory),
    ("prefect", check_prefect),
    ("optional", check_optional),
]


def _project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def _read_pins() -> dict[str, str]:
    path = ROOT / "constraints.txt"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return {_normal(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _free_memory_mb() -> int | None:
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) // _MEBIBYTE if found else None
