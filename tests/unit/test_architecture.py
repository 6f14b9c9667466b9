"""Dependencies point one way, and the heavy ones stay where they belong."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("flows", "transforms", "warehouse")
MAY_IMPORT = {"flows": {"flows", "warehouse", "transforms"}, "warehouse": {"warehouse", "transforms"}}
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

# What would let the outside world into a pure function.
IMPURE = {
    "duckdb",
    "glob",
    "httpx",
    "os",
    "pathlib",
    "prefect",
    "random",
    "requests",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "time",
    "urllib",
    "urllib3",
}
CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter", "time_ns"}
HEAVY = (
    "prefect",
    "great_expectations",
    "matplotlib",
    "pandas",
    "pydantic",
    "numpy",
    "numba",
    "scipy",
    "exchange_calendars",
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def importers_of(package: str) -> list[str]:
    return [name_of(path) for path in MODULES if package in {name.split(".")[0] for name in imported(path)}]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_imports_go_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    ours = {name.split(".")[0] for name in imported(path)} & {*PACKAGES, "tests", "benchmarks"}
    assert ours <= MAY_IMPORT.get(package, {"transforms"})


def test_great_expectations_is_imported_in_one_module_only() -> None:
    assert importers_of("great_expectations") == ["warehouse/expectations.py"]


def test_prefect_is_imported_in_flows_only() -> None:
    found = importers_of("prefect")
    assert found
    assert all(name.startswith("flows/") for name in found)


@pytest.mark.parametrize("path", [path for path in MODULES if "transforms" in path.parts], ids=name_of)
def test_transform_imports_nothing_of_the_outside_world(path: Path) -> None:
    assert {name.split(".")[0] for name in imported(path)} & IMPURE == set()


@pytest.mark.parametrize("path", [path for path in MODULES if "transforms" in path.parts], ids=name_of)
def test_transform_reads_no_clock(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert calls & CLOCKS == set()


@pytest.mark.parametrize("path", [path for path in MODULES if "flows" not in path.parts], ids=name_of)
def test_module_outside_flows_asks_no_network(path: Path) -> None:
    assert {name.split(".")[0] for name in imported(path)} & {"requests", "urllib3", "httpx", "urllib"} == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 420


@pytest.mark.parametrize("module", ["flows.cli", "warehouse.query", "warehouse.status"])
def test_start_of_the_command_line_loads_nothing_heavy(module: str) -> None:
    code = f"import {module}, sys; print(*sorted({{name.split('.')[0] for name in sys.modules}} & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == []
