"""Nights over HTTP: the loopback server as the mirror of every publisher."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.sources.loopback import LoopbackServer
from tests.support.nights import have_first_night


@contextmanager
def serve(archive: Path, patch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    with LoopbackServer(archive) as running:
        for name, value in {
            "MIRROR_URL": running.url,
            "PACE_SECONDS": "0",
            "BACKOFF_SECONDS": "0",
            "ATTEMPTS": "2",
            "READ_TIMEOUT_SECONDS": "0.5",
            "MAX_WAIT_SECONDS": "0.2",
        }.items():
            patch.setenv(f"ALVH_HTTP_{name}", value)
        yield running


def have_first_night_online(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, serve(folder / "archive", patch):
        have_first_night(folder, "cboe")
