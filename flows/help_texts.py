"""Help that teaches: commands grouped by what they are for, an example each, plain text that can be piped and searched.

Typer's own panels are drawn by Rich, which takes longer to load than everything else here and cuts words where nobody
watches; these are the same groups without the boxes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperGroup

from flows.command_line import show_error
from flows.printing import is_watched
from transforms.errors import PipelineError, UsageError

RUN = "Run"
LOOK = "Look"
RULES = "Rules"
AUDIT = "Audit"
KEEP = "Keep house"
PANELS = {
    RUN: "make nights happen",
    LOOK: "what is published, and why",
    RULES: "the policy, and your own book",
    AUDIT: "is it true, and is it robust",
    KEEP: "is it sound, and where else it goes",
}
"""What each group is for, in the order of the page."""

START_HERE = """\
\b
Start here:
  alvh nightly           a night on a simulated market, which needs no network
  alvh status            what is published
  alvh open report       its page in the browser
  alvh explain           why each layer stands where it stands
  alvh doctor            when something does not work

\b
Exit codes: 0 done; 1 anything else; 2 usage; 3 published, degraded; 4 not published,
or `alvh verify` found a change; 5 source unavailable; 6 another run holds the home.
`alvh COMMAND --help` has examples of each command.
"""

_NO_DATE = re.compile(r"'(?P<found>.*)' does not match the formats? '(?P<form>[^']*)'")
_OUT_OF_RANGE = re.compile(r"(?P<found>\S+) is not in the range (?P<range>\S+)")

CONTEXT = {"max_content_width": 100, "help_option_names": ["-h", "--help"]}


class PanelGroup(TyperGroup):
    """A group of commands whose help has a section a panel, and whose errors say what to do next."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands by panel; what has none comes last."""
        shown = [(name, command) for name, command in self.commands.items() if not command.hidden]
        given = {name: getattr(command, "rich_help_panel", None) for name, command in shown}
        width = max((len(name) for name, _ in shown), default=0)
        for panel in [*PANELS, None]:
            # a command without a panel has typer's own mark of that, or None
            rows = [
                (name.ljust(width), first_sentence(command))
                for name, command in shown
                if given[name] == panel or (panel is None and given[name] not in PANELS)
            ]
            if rows:
                title = f"{panel} ({PANELS[panel]})" if panel else "Commands"
                with formatter.section(_bold(title)):
                    formatter.write_dl(rows)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command.

        Raises
        ------
        UsageError
            If there is none of that name, with the names nearest to it.
        """
        name = args[0]
        if not ctx.resilient_parsing and not name.startswith("-") and name not in self.commands:
            near = get_close_matches(name, self.commands, n=3, cutoff=0.6)
            raise UsageError(
                "there is no such command",
                where=ctx.command_path,
                found=name,
                expected=" or ".join(near) or None,
                next_step=f"`{ctx.command_path} --help` lists the commands",
            )
        return super().resolve_command(ctx, args)


def first_sentence(command: Any) -> str:
    """Return what a command does in one line: the first sentence of its help."""
    text = " ".join((command.short_help or command.help or "").partition("\n\n")[0].split())
    return text.partition(". ")[0].rstrip(".")


def examples_of(command: Any) -> Iterator[str]:
    """Yield the commands that a help shows as examples, without what is said beside them."""
    _, _, below = (command.help or "").partition("Examples:\n")
    for line in below.splitlines():
        text = line.strip()
        if not text.startswith("alvh "):
            return
        yield text.partition("  ")[0]


def run_app(app: typer.Typer) -> None:
    """Run the command line; what cannot be used as given is said as every other error is, with exit code 2."""
    is_group = app.registered_groups or len(app.registered_commands) > 1
    # typer makes a command alone the whole command line, and takes its name for an argument
    command: Any = typer.main.get_command(app) if is_group else typer.main.get_group(app)
    try:
        code = command.main(prog_name="alvh", standalone_mode=False)
    except PipelineError as error:
        show_error(error)
        code = error.exit_code
    except typer.Abort:
        print("alvh: broken off", file=sys.stderr)
        code = 1
    except Exception as error:
        # Typer's own errors, whose class is click's or that of the copy which newer versions bring
        if not hasattr(error, "format_message"):
            raise
        code = _show_usage(error)
    sys.exit(code if isinstance(code, int) else 0)


def _show_usage(error: Any) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return int(error.exit_code)
    path = error.ctx.command_path if getattr(error, "ctx", None) is not None else "alvh"
    what, found, expected = _say_usage(error)
    next_step = f"`{path} --help` has its options and examples"
    show_error(UsageError(what, where=path, found=found, expected=expected, next_step=next_step))
    return int(error.exit_code)


def _say_usage(error: Any) -> tuple[str, str | None, str | None]:
    """Return what is wrong with a command, what was found and what was expected."""
    message = str(error.format_message()).rstrip(".")
    name = getattr(error, "option_name", None)
    if name is not None and message.startswith("No such option"):
        near = sorted(getattr(error, "possibilities", None) or ())
        return "there is no such option", str(name), " or ".join(near) or None
    parameter = getattr(error, "param", None)
    if parameter is None or message.startswith("Missing"):
        return message[:1].lower() + message[1:], None, None
    said = str(error.message).removeprefix("Value error, ").rstrip(".")
    what = f"{parameter.opts[0]} cannot be used as given"
    is_date = _NO_DATE.match(said)
    if is_date:
        form = is_date["form"].replace("%Y", "YYYY").replace("%m", "MM").replace("%d", "DD")
        return what, is_date["found"], f"a date that exists, as {form}"
    is_out_of_range = _OUT_OF_RANGE.fullmatch(said)
    if is_out_of_range:
        return what, is_out_of_range["found"], is_out_of_range["range"]
    return what, said, None


def _bold(text: str) -> str:
    """Return a heading, bold where somebody watches who wants that."""
    return typer.style(text, bold=True) if is_watched() else text
