"""``alvh open``: the newest page of a kind, in the browser. Nothing is made; what is not there says who makes it."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.command_line import AsOfOption, DebugOption, HomeOption, reports_errors, unknown_name
from flows.completion import complete_pages
from flows.console import say
from flows.homes import home_to_read
from transforms.errors import UsageError

if TYPE_CHECKING:
    from warehouse.home import Home


@reports_errors
def open_(
    page: Annotated[
        str, typer.Argument(help="report, site, audit or sweep.", autocompletion=complete_pages, metavar="[PAGE]")
    ] = "report",
    as_of: AsOfOption = None,
    print_only: Annotated[bool, typer.Option("--print", help="Print the path, and open nothing.")] = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Open the newest page in the browser, and print its path.

    `report` is that of the newest session, or of --as-of; `site` all reports with their pages around them; `audit` and
    `sweep` the newest one. Where there is no browser the path is printed all the same.

    \b
    Examples:
      alvh open
      alvh open report --as-of 2020-03-16
      alvh open audit --print
    """
    if page not in _PAGES:
        raise unknown_name("page", page, tuple(_PAGES))
    path = find_page(home_to_read(home), page, as_of.date() if as_of else None)
    print(path)
    if not print_only and not _launch(path):
        say("no browser was found; the page is at the path above")


def find_page(home: Home, page: str, day: date | None) -> Path:
    """Return the newest page of a kind, or that of a session.

    Raises
    ------
    UsageError
        If it is not there, with the command that makes it.
    """
    find, made_by = _PAGES[page]
    found = [path for path in find(home, day) if path.is_file()]
    if not found:
        asked = f"of {day} " if day else ""
        raise UsageError(
            f"there is no {page} {asked}in this home",
            where=str(home.path),
            expected="a page made before",
            next_step=made_by.format(day=f" --as-of {day}" if day and page == "report" else ""),
        )
    return found[0]


def _find_report(home: Home, day: date | None) -> list[Path]:
    folder = day.isoformat() if day else "latest"
    return [home.reports / folder / "hedge-state.html"]


def _find_site(home: Home, day: date | None) -> list[Path]:
    return [home.reports / "index.html"]


def _find_audit(home: Home, day: date | None) -> list[Path]:
    return sorted((home.path / "audit").glob(f"{day or '*'}/audit.html"), reverse=True)


def _find_sweep(home: Home, day: date | None) -> list[Path]:
    pages = (home.path / "sweeps").glob(f"{day or ''}*/sweep.html")
    return sorted(pages, key=lambda path: path.stat().st_mtime_ns, reverse=True)


_PAGES: dict[str, tuple[Callable[[Home, date | None], list[Path]], str]] = {
    "report": (_find_report, "`alvh report{day}` writes it"),
    "site": (_find_site, "`alvh nightly` or `alvh report` writes it"),
    "audit": (_find_audit, "`alvh audit` makes one"),
    "sweep": (_find_sweep, "`alvh sweep --grid FILE` makes one"),
}


def _launch(path: Path) -> bool:
    try:
        return webbrowser.open(path.as_uri())
    except (webbrowser.Error, OSError):
        return False
