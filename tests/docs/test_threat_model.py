"""Every test that the threat model names exists, and every defended line names one."""

from __future__ import annotations

import ast
import re

from tests.support.pages import DOCS, ROOT, read

PAGE = read(DOCS / "threat_model.md")
NAMED = re.findall(r"`(tests/[\w/.-]+?\.\w+)(?:::(\w+))?`", PAGE)


def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_named_test_exists() -> None:
    assert len(NAMED) > 40
    for path, function in NAMED:
        assert (ROOT / path).exists(), path
        assert not function or function in functions_of(path), f"{path}::{function}"


def test_every_line_that_is_defended_names_its_test() -> None:
    defended = PAGE.split("## Defended")[1].split("## Not defended")[0]
    lines = re.split(r"\n- ", defended)[1:]
    assert len(lines) > 20
    for line in lines:
        assert "tests/" in line, line[:100]
