"""Doing what a how-to page says: each block is applied to the file that is named above it, in a copy of the code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.pages import ROOT, read

_STEP = re.compile(
    r"^(?:[^\n]*\. )?(?P<what>New file|Append to|In) `(?P<file>[\w./]+)`:\n\n```(?P<kind>\w+)\n(?P<body>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
_COPIED = ("flows", "sql", "transforms", "warehouse", "pyproject.toml", "tests/__init__.py", "tests/conftest.py")


def copy_code(folder: Path, *tests: str) -> Path:
    """Copy what a build and its tests need; ``tests`` are further files or folders. Return the copy."""
    for name in (*_COPIED, "tests/support", *tests):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "data"))
        else:
            shutil.copy(source, target)
    return folder


def follow(page: Path, folder: Path) -> list[str]:
    """Apply every step of a page. Return the files that it touched, in order.

    A ``diff`` must fit the file: its lines without ``+`` are there exactly once, in a row. ``~`` marks words within
    a line.
    """
    touched = []
    for step in _STEP.finditer(read(page)):
        path = folder / step["file"]
        body = step["body"]
        if step["what"] == "New file":
            assert not path.exists(), f"{step['file']} is no new file any more"
            path.write_text(body, encoding="utf-8")
        elif step["what"] == "Append to":
            path.write_text(path.read_text(encoding="utf-8") + body, encoding="utf-8")
        else:
            assert step["kind"] == "diff"
            path.write_text(apply_change(path.read_text(encoding="utf-8"), body), encoding="utf-8")
        touched.append(step["file"])
    return touched


def apply_change(text: str, change: str) -> str:
    """Apply the lines of a ``diff`` block to a text.

    Raises
    ------
    AssertionError
        If what it starts from is not in the text exactly once.
    """
    lines = change.splitlines()
    if lines[0].startswith("~"):
        before, after = lines[0][1:], lines[1][1:]
    else:
        before = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
        after = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
    assert text.count(before) == 1, f"found {text.count(before)} times:\n{before}"
    return text.replace(before, after)


def run_tests(folder: Path, *arguments: str) -> str:
    """Run pytest in a copy of the code, without network, in a process of its own. Return what it said."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "ALVH_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout
