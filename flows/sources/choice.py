"""Which source a run uses: said on the command line, or in the environment, never guessed."""

from __future__ import annotations

from pathlib import Path

from transforms.errors import UsageError

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
            next_step="say `--source cboe` or `--archive DIR`; ALVH_SOURCE and ALVH_ARCHIVE do the same",
        )
    if chosen == "archive" and archive is None:
        raise UsageError(
            "the archive source needs a folder",
            expected="a folder laid out as <host>/<path>",
            next_step="say `--archive DIR`, or set ALVH_ARCHIVE",
        )
    return chosen
