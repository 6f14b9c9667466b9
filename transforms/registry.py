"""The registries the pipeline is driven by: indices, parameters, corrections, columns.

Each is a TOML file read into frozen models, so that a typo is an error at the start and not a
NULL at the end.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, TypeVar

from transforms.errors import PipelineError

Entry = TypeVar("Entry")

Requirement = Literal["required", "expected", "optional"]
"""``required``: without any version of it the night stops (exit code 5).
``expected``: its absence or age degrades the night (exit code 3).
``optional``: its absence is shown and changes nothing else."""


@dataclass(frozen=True)
class IndexInfo:
    """One index: see ``index_registry.toml`` for the meaning of the fields."""

    index_code: str
    name: str
    layout: str
    first_date: date
    lowest: float
    highest: float
    largest_log_move: float
    requirement: Requirement


@dataclass(frozen=True)
class Parameter:
    """One number a model uses, with its unit and provenance."""

    parameter: str
    value: float
    unit: str
    provenance: str
    meaning: str


@dataclass(frozen=True)
class Correction:
    """One known error of a source.

    Attributes
    ----------
    dataset
        ``vx_contract`` or ``vx_archive``: the files whose lines can be corrected.
    action
        ``reject`` the row, or ``flag`` it (kept as it is, shown as doubtful).
    found
        Text the source line must contain for the correction to apply: when the publisher mends the
        line, the correction touches nothing, and the run says so instead of mending twice.
    rows
        How many lines it must touch where the file is present.
    """

    correction: str
    dataset: Literal["vx_contract", "vx_archive"]
    file_name: str
    found: str
    action: Literal["reject", "flag"]
    reason: str
    evidence: str
    rows: int


@dataclass(frozen=True)
class MacroSeries:
    """One FRED series: see ``macro_series.toml`` for the meaning of the fields."""

    series_id: str
    name: str
    frequency: Literal["daily", "monthly", "quarterly"]
    keeps_history: bool
    longest_age_days: int
    requirement: Requirement


@dataclass(frozen=True)
class ColumnInfo:
    """One published column: see ``sql/columns.toml``."""

    name: str
    type: str
    unit: str
    meaning: str
    source: str
    formula: str = ""
    known: str = ""
    status: str = ""
    lowest: float | date | None = None
    highest: float | date | None = None
    allowed: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def index_registry() -> dict[str, IndexInfo]:
    """Return every known index by code."""
    return {
        code: _entry(IndexInfo, {"index_code": code, **body}, code) for code, body in _load("index_registry").items()
    }


@lru_cache(maxsize=1)
def parameters() -> dict[str, Parameter]:
    """Return the curve parameters by name."""
    return {name: _entry(Parameter, {"parameter": name, **body}, name) for name, body in _load("parameters").items()}


@lru_cache(maxsize=1)
def corrections() -> list[Correction]:
    """Return the known source errors."""
    return [_entry(Correction, {"correction": name, **body}, name) for name, body in _load("corrections").items()]


@lru_cache(maxsize=1)
def macro_series() -> dict[str, MacroSeries]:
    """Return every FRED series by identifier."""
    return {
        name: _entry(MacroSeries, {"series_id": name, **body}, name) for name, body in _load("macro_series").items()
    }


def keeps_history(dataset: str, name: str) -> bool:
    """Say whether every stored version of a file is read, and not only the newest.

    A snapshot of an option chain is a session of its own; of a macro series, an earlier version is what
    was known then.
    """
    if dataset == "fred_series":
        series = macro_series().get(name.removesuffix(".csv"))
        return series is not None and series.keeps_history
    return dataset == "vix_option_chain"


def parse_columns(text: str) -> dict[str, ColumnInfo]:
    """Parse the column registry: one table a column, its name unique across the warehouse."""
    registry = {}
    for name, body in tomllib.loads(text).items():
        body["allowed"] = tuple(body.get("allowed", ()))
        registry[name] = _entry(ColumnInfo, {"name": name, **body}, name)
    return registry


def _load(name: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("transforms").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def _entry(kind: type[Entry], body: Mapping[str, Any], name: str) -> Entry:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(body) - known)
    try:
        if unknown:
            raise TypeError(f"unknown keys {unknown}")
        return kind(**body)
    except TypeError as error:
        raise PipelineError(
            f"the registry entry {name!r} is not a valid {kind.__name__}",
            found=str(error),
            expected=str(sorted(known)),
        ) from None
