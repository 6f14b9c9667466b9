"""Which home folder a command works on when none is named.

A real and a simulated market never share one: the sample has a folder of its own inside the default
home, and commands that read prefer the real market as soon as there is one.
"""

from __future__ import annotations

from pathlib import Path

from warehouse.home import Home

DEFAULT_HOME = Path(__file__).resolve().parent.parent / "warehouse" / "data"
SAMPLE_HOME = DEFAULT_HOME / "simulated"


def home_to_write(given: Path | None, *, is_simulated: bool) -> Home:
    """Home of a run that writes: the one named (``--home``, ``ALVH_HOME``), else the market's default."""
    return Home((given or (SAMPLE_HOME if is_simulated else DEFAULT_HOME)).expanduser().resolve())


def home_to_read(given: Path | None) -> Home:
    """Home of a command that reads: the one named, else the real market's, else the sample's."""
    if given is not None:
        return Home(given.expanduser().resolve())
    real, sample = Home(DEFAULT_HOME), Home(SAMPLE_HOME)
    return sample if sample.published.exists() and not real.published.exists() else real
