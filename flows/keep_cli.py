"""``alvh verify``: whether everything is as it was written. Heavy imports stay inside."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.command_line import DebugOption, HomeOption, JsonOption, reports_errors
from flows.homes import home_to_read


@reports_errors
def verify(
    head: Annotated[
        list[str] | None,
        typer.Option("--head", help="Hash of a log entry that you noted elsewhere; may be given again."),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Read everything again, and say whether it is as it was written.

    Raw files, warehouse, policy log, signatures, run records. Code 4 if anything was changed.

    \b
    Examples:
      alvh verify
      alvh verify --head HASH      as `alvh policy log` printed it the last time
    """
    from flows.verification import verify_and_describe

    text, is_sound = verify_and_describe(home_to_read(home), head or [], as_json=as_json)
    print(text)
    if not is_sound:
        raise typer.Exit(4)
