"""Which source a run uses: said on the command line, or in the environment, never guessed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from transforms.errors import UsageError
from warehouse.plain_json import load_json

REAL_MARKET = "real"
SAMPLE_MARKET = "simulated sample"
SIMULATED_MARKER = "SIMULATED.json"

SOURCES = ("cboe", "archive", "sample")


def choose_source(source: str | None, archive: Path | None) -> str:
    """Return the source to use: what is said, else the archive where a folder is, else the sample.

    Raises
    ------
    UsageError
        If it is unknown, or the archive's folder is not named.
    """
    chosen = source or ("archive" if archive else "sample")
    if chosen not in SOURCES:
        raise UsageError(
            "unknown source",
            found=chosen,
            expected="cboe (downloads for your own use, under Cboe's terms), archive (a folder you have), "
            "or sample (a simulated market)",
            next_step="say `--source cboe`, `--archive DIR` or `--source sample`, or set ALVH_SOURCE or ALVH_ARCHIVE",
        )
    if chosen == "archive" and archive is None:
        raise UsageError(
            "the archive source needs a folder",
            expected="a folder laid out as <host>/<path>",
            next_step="say `--archive DIR`, or set ALVH_ARCHIVE",
        )
    return chosen


def market_of(source: str, archive: Path | None) -> str:
    """Name the market a run is about: ``real``, or ``simulated ...`` with what tells it from others.

    A home folder is tied to this name, so that no two markets ever meet in one warehouse.
    """
    if source == "sample":
        return SAMPLE_MARKET
    if source == "archive":
        marker = read_marker(archive) if archive is not None else None
    else:
        marker = _ask_mirror_for_marker()
    return REAL_MARKET if marker is None else name_simulated(marker)


def name_simulated(marker: dict[str, object]) -> str:
    """Name a simulated market by what made it."""
    crisis = f", crisis {marker['crisis']}" if marker.get("crisis") else ""
    return f"simulated market of seed {marker.get('seed')} from {marker.get('first_session')}{crisis}"


def is_simulated(market: str) -> bool:
    """Return whether a market's name is that of a simulated one."""
    return market != REAL_MARKET


def read_marker(folder: Path) -> dict[str, object] | None:
    """Return what an archive folder says of its simulated market, or None where it is not one."""
    try:
        marker = load_json((folder / SIMULATED_MARKER).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        # A marker that cannot be read is still one: never take such a folder for a real market.
        return {}
    return marker if isinstance(marker, dict) else {}


def _ask_mirror_for_marker() -> dict[str, object] | None:
    # Whoever rehearses on a mirror of a simulated market must see it labelled as one.
    import requests

    from flows.settings import HttpSettings

    mirror = HttpSettings().mirror_url
    if mirror is None:
        return None
    try:
        with requests.get(
            f"{str(mirror).rstrip('/')}/{SIMULATED_MARKER}",
            timeout=5,
            allow_redirects=False,
            stream=True,
            auth=lambda prepared: prepared,  # nothing of ~/.netrc
        ) as answer:
            is_there = answer.status_code == requests.codes.ok
            marker = load_json(b"".join(islice(answer.iter_content(4096), 16))) if is_there else None
    except (requests.RequestException, ValueError):
        return None
    return marker if isinstance(marker, dict) and marker.get("is_simulated") is True else None
