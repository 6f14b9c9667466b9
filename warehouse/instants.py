"""One spelling of an instant: UTC, ISO 8601, trailing Z."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_utc(instant: datetime) -> str:
    """Return an aware instant as ``2026-01-07T23:31:02Z``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
