"""What could run what it reads, hand it to a shell, or trust whoever answers: nowhere in the program."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path
    for package in ("flows", "transforms", "warehouse", "benchmarks")
    for path in (ROOT / package).rglob("*.py")
    # the environments of rivals are beside the measurements, and none of ours
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)

MODULES_THAT_RUN = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "yaml", "pty", "ctypes"}
MODULES_WITHOUT_A_BOUND = {"xml", "lxml", "tarfile", "telnetlib", "ftplib"}
"""Parsers and protocols that are not needed, and need care."""

BUILTINS = {"eval", "exec", "compile", "__import__"}
CALLS_OF_OS = {"system", "popen", "execv", "execve", "execvp", "execl", "spawnv", "spawnl", "posix_spawn", "startfile"}
CALLS = {"load_module", "read_pickle", "to_pickle", "mktemp", "_create_unverified_context"}

ALLOWED = {
    # a stamp of compiled code: written into a hash, never read back
    ("transforms/sweep/compiling.py", "import marshal"),
    # Prefect's own server, by its module and a list of arguments
    ("flows/prefect_server.py", "import subprocess"),
    # the entries of a laid out market, each held against the bytes that are there
    ("warehouse/sweep_market_file.py", "import zipfile"),
    # escapes texts of a drawing; nothing is parsed
    ("transforms/lineage.py", "import xml"),
    # the function that a model of this checkout names in its header
    ("warehouse/models.py", "importlib.import_module"),
}
"""Where one of them stands all the same, and why."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def find_dangers(text: str) -> Iterator[str]:
    """Yield what a module does that it must not."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for root in {name.split(".")[0] for name in names}:
                if root in MODULES_THAT_RUN | MODULES_WITHOUT_A_BOUND | {"subprocess", "zipfile"}:
                    yield f"import {root}"
        elif isinstance(node, ast.Call):
            yield from _find_in_call(node)
        elif isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Attribute) and target.attr == "verify" for target in node.targets
        ):
            if not (isinstance(node.value, ast.Constant) and node.value.value is True):
                yield "verify is set to something else than True"
        elif isinstance(node, ast.Attribute) and node.attr == "CERT_NONE":
            yield "CERT_NONE"


def _find_in_call(call: ast.Call) -> Iterator[str]:
    called = dotted(call.func)
    last = called.rpartition(".")[2]
    if isinstance(call.func, ast.Name) and called in BUILTINS:
        yield f"{called}()"
    if called.startswith("os.") and last in CALLS_OF_OS:
        yield called
    if last in CALLS or called in ("importlib.import_module", "pd.eval"):
        yield called
    if called in ("np.load", "numpy.load") and not _is_without_objects(call):
        yield called
    if last == "eval" and isinstance(call.func, ast.Attribute):
        yield called
    for keyword in call.keywords:
        is_true = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        is_false = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        if keyword.arg == "verify" and not is_true:
            yield "verify is given as something else than True"
        if keyword.arg in ("shell", "allow_pickle") and not is_false:
            yield f"{keyword.arg} is not False"
        if keyword.arg == "autoescape" and is_false:
            yield "autoescape=False"
    if called.startswith("subprocess.") and call.args and isinstance(call.args[0], ast.Constant | ast.JoinedStr):
        yield f"{called} with a text"


def _is_without_objects(call: ast.Call) -> bool:
    given = next((one.value for one in call.keywords if one.arg == "allow_pickle"), None)
    return isinstance(given, ast.Constant) and given.value is False


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_does_nothing_dangerous(path: Path) -> None:
    found = {what for what in find_dangers(path.read_text(encoding="utf-8")) if (name_of(path), what) not in ALLOWED}
    # Markdown has no markup to escape; its values are escaped by a filter of their own.
    # Measurements start what they measure, by a list of arguments; they are no part of the program.
    found -= {"import subprocess"} if name_of(path).startswith("benchmarks/") else set()
    found -= {"autoescape=False"} if name_of(path) == "transforms/page/templating.py" else set()
    assert found == set()


@pytest.mark.parametrize("where", sorted(ALLOWED), ids=lambda where: f"{where[0]}-{where[1]}")
def test_what_is_allowed_is_still_there(where: tuple[str, str]) -> None:
    assert where[1] in set(find_dangers((ROOT / where[0]).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from yaml import load",
        "import xml.etree.ElementTree",
        "eval('1')",
        "frame.eval('a + b')",
        "exec(text)",
        "import os\nos.system('ls')",
        "import subprocess",
        "run('ls', shell=True)",
        "run('ls', shell=flag)",
        "np.load(path)",
        "read(path, allow_pickle=True)",
        "pd.read_pickle(path)",
        "requests.get(url, verify=False)",
        "requests.get(url, verify=path)",
        "session.verify = False",
        "ssl.CERT_NONE",
        "importlib.import_module(name)",
        "Environment(autoescape=False)",
        "tempfile.mktemp()",
    ],
)
def test_guard_sees_what_it_is_for(text: str) -> None:
    assert list(find_dangers(text))


def test_marshal_is_only_written() -> None:
    tree = ast.parse((ROOT / "transforms/sweep/compiling.py").read_text(encoding="utf-8"))
    used = {dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {name for name in used if name.startswith("marshal.")} == {"marshal.dumps"}
