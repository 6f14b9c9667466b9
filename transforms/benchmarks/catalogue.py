"""The list of benchmarks and their numbers, each with whose word it is."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from transforms.policy.loader import preset_text
from transforms.registry import Parameter


@dataclass(frozen=True)
class BenchmarkInfo:
    """One benchmark.

    Parameters
    ----------
    name
        What it is asked for by.
    what
        What it holds, in a sentence.
    provenance
        Whose rule it is: ``article``, ``canon``, ``literature`` or ``ours``.
    label
        ``computed`` (from exchange data) or ``model-priced`` (needs an option model).
    needs
        Inputs beside futures and NAV that it cannot be built without, by their names in `BenchmarkInputs`.
    derived
        What was chosen or left out here, and by what it differs from its source.
    preset
        Policy whose numbers it takes; None: it has none.
    """

    name: str
    what: str
    provenance: str
    label: str
    needs: tuple[str, ...]
    derived: str
    preset: str | None = None


def list_benchmarks() -> tuple[BenchmarkInfo, ...]:
    """List the benchmarks in the order of ``benchmarks.toml``."""
    return tuple(
        BenchmarkInfo(
            name=name,
            what=entry["what"],
            provenance=entry["provenance"],
            label=entry["label"],
            needs=tuple(entry["needs"]),
            derived=entry["derived"],
            preset=entry.get("preset"),
        )
        for name, entry in _read()["benchmarks"].items()
    )


def find_benchmark(name: str) -> BenchmarkInfo:
    """Return a benchmark.

    Raises
    ------
    ValueError
        There is none of this name.
    """
    known = {info.name: info for info in list_benchmarks()}
    if name not in known:
        raise ValueError(f"benchmark {name!r}: expected one of {', '.join(known)}")
    return known[name]


def benchmark_parameters() -> dict[str, Parameter]:
    """Return the numbers of the benchmarks that no preset states, by name."""
    return {name: Parameter(parameter=name, **entry) for name, entry in _read()["parameters"].items()}


@lru_cache(maxsize=16)
def read_preset_values(name: str) -> Mapping[str, float]:
    """Value of every parameter of a shipped policy by name.

    Raises
    ------
    PolicyError
        There is no such preset.
    """
    stated = tomllib.loads(preset_text(name)).get("parameters", {})
    return {parameter: float(entry["value"]) for parameter, entry in stated.items()}


@lru_cache(maxsize=1)
def _read() -> dict[str, Any]:
    return tomllib.loads(files("transforms.benchmarks").joinpath("benchmarks.toml").read_text(encoding="utf-8"))
