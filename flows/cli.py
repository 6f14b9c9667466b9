"""The command line: ``alvh``. What each command does is in the module of its panel; heavy imports stay inside those.

A command line that begins with the name of a command loads and builds that one: all thirty-six take longer to build
than a short one takes to answer. Help, completion and a name that is none see them all.
"""

from __future__ import annotations

import gc
import sys
from functools import cache
from importlib import import_module

import typer

from flows.help_texts import AUDIT, CONTEXT, KEEP, LOOK, RULES, RUN, START_HERE, PanelGroup, run_app

COMMANDS = {
    RUN: {
        "nightly": "run_cli",
        "backfill": "run_cli",
        "schedule": "run_cli",
        "notify": "notify_cli",
        "recalibrate": "recalibrate_cli",
        "simulate": "run_cli",
    },
    LOOK: {
        "status": "look_cli",
        "report": "look_cli",
        "open": "open_cli",
        "explain": "explain_cli",
        "positions": "hedge_cli",
        "ledger": "hedge_cli",
        "revisions": "revisions_cli",
        "tables": "look_cli",
        "query": "look_cli",
    },
    AUDIT: {"audit": "audit_cli", "sweep": "sweep_cli"},
    KEEP: {
        "doctor": "keep_cli",
        "backup": "keep_cli",
        "verify": "keep_cli",
        "rebuild": "keep_cli",
        "upgrades": "keep_cli",
        "prune": "keep_cli",
        "export": "export_cli",
    },
    RULES: {"policy": "policy_cli", "book": "book_cli"},
}
"""Panel to its commands and the modules of ``flows`` they are in; in the order of the help."""
GROUPS = ("policy", "book")
"""Commands that are groups of commands."""
_OBJECTS_A_LOOK = 50_000
_OF_PYTHON = {"open": "open_"}
"""Functions that cannot have the name of their command."""


@cache
def build_app(only: str | None = None) -> typer.Typer:
    """Return the command line, built once.

    Parameters
    ----------
    only
        The command to build; all of them when None.
    """
    built = typer.Typer(
        name="alvh",
        cls=PanelGroup,
        help="Nightly VIX futures pipeline: settlements in, checked DuckDB warehouse and hedge-state report out.",
        epilog=START_HERE,
        context_settings=CONTEXT,
        no_args_is_help=True,
        add_completion=only is None,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for panel, modules in COMMANDS.items():
        for name, module in modules.items():
            if only not in (None, name):
                continue
            found = import_module(f"flows.{module}")
            if name in GROUPS:
                built.add_typer(getattr(found, f"{name}_app"), name=name, rich_help_panel=panel)
            else:
                built.command(name, rich_help_panel=panel)(getattr(found, _OF_PYTHON.get(name, name)))
    return built


def choose_command(arguments: list[str]) -> str | None:
    """Return the command that a command line runs; None where it begins with an option or with a name that is none."""
    first = arguments[0] if arguments else None
    return first if any(first in names for names in COMMANDS.values()) else None


def __getattr__(name: str) -> typer.Typer:
    # for who looks at all commands, as the tests do; `main` needs them seldom
    if name == "app":
        return build_app()
    raise AttributeError(name)


def main() -> None:
    """Run the command line."""
    # The modules of a night are objects by the hundred thousand, and none of them is garbage: at Python's own 700 new
    # ones a look, the collector walks all of them again and again, which is a tenth of the time they take to load.
    gc.set_threshold(_OBJECTS_A_LOOK)
    run_app(build_app(choose_command(sys.argv[1:])))
