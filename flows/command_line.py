"""What every command shares: how errors are shown, and the options that mean the same everywhere."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer

from flows.completion import complete_sessions, complete_sources
from transforms.errors import PipelineError, UsageError
from transforms.wording import make_harmless

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_GROUPS = ("policy", "book")

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="ALVH_HOME",
        help="Home folder; by default warehouse/data of the checkout, warehouse/data/simulated for the sample.",
    ),
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]
OpenOption = Annotated[bool, typer.Option("--open", help="Open the page in a browser.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show Prefect's log as well.")]


def as_of_option(means: str) -> Any:
    """Return the option ``--as-of``, a day; what it means is told by its help."""
    return typer.Option(
        "--as-of", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help=means, autocompletion=complete_sessions
    )


AsOfOption = Annotated[datetime | None, as_of_option("Session; the newest if left out.")]
KnownAtOption = Annotated[
    str | None,
    typer.Option("--known-at", metavar="INSTANT", help="As known then: date, time and zone, 2026-01-07T23:45:00Z."),
]
SourceOption = Annotated[
    str | None,
    typer.Option(help="cboe, archive or sample (simulated).", envvar="ALVH_SOURCE", autocompletion=complete_sources),
]
ArchiveOption = Annotated[
    Path | None, typer.Option(help="Offline archive, laid out as <host>/<path>.", envvar="ALVH_ARCHIVE")
]


def reports_errors(command: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Turn errors into the messages and exit codes that the command line promises."""

    @wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except PipelineError as error:
            if isinstance(error, UsageError) and error.next_step is None:
                error.next_step = f"`alvh {_command_name()} --help` has its options and examples"
            _show(kwargs, error, _lines_of(error))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            print("alvh: broken off; nothing fetched is lost, run again to go on", file=sys.stderr)
            raise typer.Exit(1) from None
        except BrokenPipeError:
            # `alvh query ... | head`: the reader has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            refused = _refuse_settings(error)
            if refused is not None:
                _show(kwargs, error, _lines_of(refused))
                raise typer.Exit(refused.exit_code) from None
            text = f"alvh: unexpected error: {type(error).__name__}: {error}"
            _show(
                kwargs,
                error,
                text + "\n  next:     run again with --debug; if it stays, it is a bug worth reporting",
            )
            raise typer.Exit(1) from None

    return run


def unknown_name(kind: str, found: str, known: Sequence[str]) -> UsageError:
    """Return the error for a name that is none of those known: with the nearest one first where one is near."""
    from difflib import get_close_matches

    near = get_close_matches(found, known, n=1, cutoff=0.6)
    every = ", ".join(known)
    return UsageError(f"there is no such {kind}", found=found, expected=f"{near[0]} (of {every})" if near else every)


def show_error(error: PipelineError) -> None:
    """Show an error of the command line itself, before any command began."""
    print(_lines_of(error), file=sys.stderr)


def _refuse_settings(error: Exception) -> UsageError | None:
    """Return the error for settings that cannot be used, where it is one."""
    if "pydantic_core" not in sys.modules:
        return None  # no settings were read, and what reads them takes longest to load
    from pydantic import ValidationError

    from flows.settings import refuse_settings

    if isinstance(error, ValidationError) and error.title.endswith("Settings"):
        return refuse_settings(error)
    return None


def _command_name() -> str:
    """Return the command that is running, as it was typed: one word, or two of a group."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    return " ".join(words[: 2 if words[0] in _GROUPS else 1]) if words else ""


def _lines_of(error: PipelineError) -> str:
    first, *more = error.lines()
    return "\n".join([f"alvh: {first}", *more])


def _show(kwargs: Any, error: BaseException, text: str) -> None:
    if kwargs.get("debug"):
        traceback.print_exception(error)
    print(make_harmless(text), file=sys.stderr)
    # Prefect keeps the exception of a failed task, and with it every frame and open connection of
    # its traceback: let go of them, or DuckDB's bindings complain when the process ends.
    chain: BaseException | None = error
    while chain is not None:
        traceback.clear_frames(chain.__traceback__)
        chain = chain.__cause__ or chain.__context__
