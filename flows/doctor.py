"""``alvh doctor``: whether this machine and this home can do a night, and what to do where they cannot.

Each check looks at one thing, says what it found in a line, and what to do about it. A check that fails itself is a
finding too: the doctor always comes to the end. Nothing is written, and Prefect and Great Expectations are asked for
their versions without being loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from transforms.errors import PipelineError
from warehouse.home import Home

Status = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """What a check says.

    Attributes
    ----------
    status
        ``ok``; ``warning``: a night runs, and something is worth knowing; ``problem``: a night or a reader fails.
    next_step
        What to do; empty where there is nothing to do.
    """

    check: str
    status: Status
    says: str
    next_step: str = ""


@dataclass(frozen=True)
class Patient:
    """What is looked at.

    Attributes
    ----------
    now
        The instant of the command, with its zone.
    is_offline
        Ask nothing outside of this machine.
    source
        The source that nights would use: what the environment says, else what the home holds, else the sample.
    """

    home: Home
    now: datetime
    is_offline: bool
    source: str


Check = Callable[[Patient], Iterable[Finding]]


def examine(patient: Patient, checks: Iterable[tuple[str, Check]] | None = None) -> list[Finding]:
    """Run every check. Return the findings in their order."""
    return [finding for name, check in checks or all_checks() for finding in _guarded(name, check, patient)]


def all_checks() -> list[tuple[str, Check]]:
    """Return the checks by name: the machine, the home, what is outside."""
    from flows import doctor_home, doctor_machine, doctor_network

    return [*doctor_machine.CHECKS, *doctor_home.CHECKS, *doctor_network.CHECKS]


def is_sound(findings: Iterable[Finding]) -> bool:
    """Say whether no finding is a problem."""
    return all(finding.status != "problem" for finding in findings)


def _guarded(name: str, check: Check, patient: Patient) -> Iterator[Finding]:
    try:
        yield from check(patient)
    except PipelineError as error:
        found = f" ({error.found})" if error.found else ""
        yield Finding(name, "problem", f"{error.what}{found}", error.next_step or f"look at {error.where or name}")
    except Exception as error:  # a doctor that falls over helps nobody
        yield Finding(
            name, "problem", f"could not be looked at: {type(error).__name__}: {error}", "see docs/runbook.md"
        )
