"""Commands run inside of the test's own process: what they print and their exit code, without the time to start."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from flows.cli import main


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it printed as JSON; NaN and infinity are none."""
        return json.loads(self.out, parse_constant=_refuse)


@dataclass(frozen=True)
class Commands:
    """A command line on one home."""

    home: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str, code: int = 0) -> Said:
        """Run a command and return what it said; it must end with the code."""
        self.capture.readouterr()
        environment = {"ALVH_HOME": str(self.home)}
        with (
            patch("sys.argv", ["alvh", *arguments]),
            patch.dict("os.environ", environment),
            pytest.raises(SystemExit) as ended,
        ):
            main()
        said = self.capture.readouterr()
        assert ended.value.code == code, said.err
        assert "Traceback" not in said.err
        return Said(code, said.out, said.err)


def list_numbers(document: Any) -> list[float]:
    """Every number of a document."""
    if isinstance(document, dict):
        return [number for value in document.values() for number in list_numbers(value)]
    if isinstance(document, list):
        return [number for value in document for number in list_numbers(value)]
    is_number = isinstance(document, int | float) and not isinstance(document, bool)
    assert not is_number or math.isfinite(document)
    return [document] if is_number else []


def _refuse(name: str) -> float:
    raise AssertionError(f"{name} is not JSON")
