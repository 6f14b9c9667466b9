"""What a verification found: each finding with its place, what is there and what should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was written.

    ``area`` is one of raw, warehouse, log, policy, runs, calibrations, reports, home. ``is_error`` is False for traces
    that a killed run or a power cut leaves and that are no sign of a change. ``lost``: what cannot be told without it.
    """

    area: str
    where: str
    what: str
    found: str
    expected: str
    is_error: bool = True
    lost: str = ""

    def lines(self) -> list[str]:
        """Return the finding as lines for a terminal."""
        label = self.area if self.is_error else f"{self.area}, note"
        return [
            f"{label}: {self.what}",
            f"  where:    {self.where}",
            f"  found:    {self.found}",
            f"  expected: {self.expected}",
            *([f"  lost:     {self.lost}"] if self.lost else []),
        ]


@dataclass(frozen=True)
class VerifyReport:
    """All findings, how much was looked at, and what was not."""

    findings: tuple[Finding, ...]
    checked: Mapping[str, int]
    bytes: int = 0
    not_looked_at: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """True where nothing was found but notes."""
        return not any(finding.is_error for finding in self.findings)

    @property
    def sentence(self) -> str:
        """Say in a line what was looked at, and the verdict."""
        looked_at = ", ".join(f"{count} {what}" for what, count in self.checked.items())
        errors = sum(finding.is_error for finding in self.findings)
        notes = len(self.findings) - errors
        verdict = f"{errors} found that should not be" if errors else "as it was written"
        return f"checked {looked_at}, {self.bytes / 1e6:.1f} MB: {verdict}" + (f"; {notes} to note" if notes else "")

    def lines(self) -> list[str]:
        """Return the report as lines for a terminal."""
        lines = [line for finding in self.findings for line in finding.lines()]
        left = [f"not looked at: {'; '.join(self.not_looked_at)}"] if self.not_looked_at else []
        return [*lines, self.sentence, *left]
