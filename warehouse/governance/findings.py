"""What a verification found: each finding with its place, what is there and what should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was written.

    ``area`` is one of raw, warehouse, log, policy, runs, calibrations. ``is_error`` is False for traces that a killed
    run or a power cut leaves and that are no sign of a change.
    """

    area: str
    where: str
    what: str
    found: str
    expected: str
    is_error: bool = True

    def lines(self) -> list[str]:
        """Return the finding as lines for a terminal."""
        label = self.area if self.is_error else f"{self.area}, note"
        return [
            f"{label}: {self.what}",
            f"  where:    {self.where}",
            f"  found:    {self.found}",
            f"  expected: {self.expected}",
        ]


@dataclass(frozen=True)
class VerifyReport:
    """All findings, and how much was looked at."""

    findings: tuple[Finding, ...]
    checked: Mapping[str, int]

    @property
    def is_sound(self) -> bool:
        """True where nothing was found but notes."""
        return not any(finding.is_error for finding in self.findings)

    def lines(self) -> list[str]:
        """Return the report as lines for a terminal."""
        looked_at = ", ".join(f"{count} {what}" for what, count in self.checked.items())
        errors = sum(finding.is_error for finding in self.findings)
        notes = len(self.findings) - errors
        verdict = f"{errors} found that should not be" if errors else "as it was written"
        lines = [line for finding in self.findings for line in finding.lines()]
        return [*lines, f"checked {looked_at}: {verdict}" + (f"; {notes} to note" if notes else "")]
