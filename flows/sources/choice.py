"""Which source a run uses: said on the command line, or in the environment, never guessed."""

from __future__ import annotations

from pathlib import Path

from transforms.errors import UsageError

SOURCES = ("cboe", "archive")


def choose_source(source: str | None, archive: Path | None) -> str:
    """Return the source to use; a folder alone means the archive.

    Raises
    ------
    UsageError
        If none is chosen, it is unknown, or the archive's folder is not named.
    """
    chosen = source or ("archive" if archive else None)
    if chosen not in SOURCES:
        raise UsageError(
            "no source is chosen" if chosen is None else "unknown source",
            found=chosen,
            expected="cboe (downloads for your own use, under Cboe's terms) or archive (a folder you have)",
            next_step="say `--source cboe` or `--archive DIR`; ALVH_SOURCE and ALVH_ARCHIVE do the same",
        )
    if chosen == "archive" and archive is None:
        raise UsageError(
            "the archive source needs a folder",
            expected="a folder laid out as <host>/<path>",
            next_step="say `--archive DIR`, or set ALVH_ARCHIVE",
        )
    return chosen
