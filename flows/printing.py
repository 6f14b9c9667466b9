"""Text and tables on standard output: coloured where somebody watches, plain where nobody does."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING

from transforms.wording import make_harmless

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

WIDTH = 100


def is_watched() -> bool:
    """Say whether somebody watches who wants colours and lines drawn: no pipe, no NO_COLOR, no dumb terminal."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_json(document: object) -> None:
    """Print a document as JSON: numbers as numbers, NULL as null, dates in ISO form, never NaN."""
    from warehouse.plain_json import dump_json

    print(dump_json(document))


_UNBOUNDED = 100_000
_FIELDS = re.compile(r" {2,}")
_NUMBER = re.compile(r"[+\-\u2212]?[\d,.]+")


def print_lines(text: str) -> None:
    """Print lines whose fields are parted by two blanks: as they are, or on a terminal with the last field wrapped.

    Lines of one field are sentences, and wrap by themselves.
    """
    text = make_harmless(text)
    if not is_watched():
        print(text)
        return
    page = Page(is_wide=True)
    for has_fields, group in groupby(text.split("\n"), lambda line: bool(_FIELDS.search(line.strip()))):
        if has_fields:
            page.grid([_FIELDS.split(line.strip()) for line in group])
        else:
            for line in group:
                page.line(line)
    page.close()


class Page:
    """What a command prints, in at most `WIDTH` columns.

    Parameters
    ----------
    is_wide
        As wide as the terminal; where there is none, a line is never broken.
    """

    def __init__(self, *, is_wide: bool = False) -> None:
        from rich.console import Console

        console = Console()
        self._written = None if is_watched() else StringIO()
        if console.is_terminal:
            width = console.width if is_wide else min(console.width, WIDTH)
        else:
            width = _UNBOUNDED if is_wide else WIDTH
        self.width = width
        self._console = Console(highlight=False, markup=False, width=width, file=self._written)

    def line(self, text: str | Text | Table = "", indent: int = 0, style: str = "") -> None:
        """Print one paragraph."""
        from rich.padding import Padding
        from rich.text import Text

        text = make_harmless(text) if isinstance(text, str) else text
        shown = Text(text, style=style) if isinstance(text, str) and style else text
        self._console.print(Padding(shown, (0, 0, 0, indent)) if indent else shown)

    def facts(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Print label and words of each row; words that are too long go on below themselves. The third is a style."""
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="bold", no_wrap=True)
        grid.add_column(overflow="fold")
        for label, said, style in rows:
            grid.add_row(label, Text(make_harmless(said), style=style))
        self.line(grid)

    def grid(self, rows: Sequence[Sequence[str]]) -> None:
        """Print rows of fields without heads: numbers to the right, the last field broken to the width."""
        from rich.table import Table

        grid = Table.grid(padding=(0, 2, 0, 0))
        count = max(len(row) for row in rows)
        for place in range(count):
            cells = [row[place] for row in rows if place < len(row)]
            is_number = sum(1 for cell in cells if _NUMBER.fullmatch(cell)) * 2 > len(cells)
            grid.add_column(justify="right" if is_number else "left", no_wrap=place < count - 1, overflow="fold")
        for row in rows:
            grid.add_row(*map(make_harmless, row))
        self.line(grid)

    def table(
        self,
        rows: Sequence[Sequence[str]],
        *columns: str,
        numbers: Collection[int] = (),
        styled: int | None = None,
        styles: Mapping[str, str] | None = None,
        whole: Collection[str] = (),
        indent: int = 2,
    ) -> None:
        """Print a table.

        Parameters
        ----------
        numbers
            Places of the columns that are set to the right.
        styled, styles
            Place of the column that is coloured, by what its cells say.
        whole
            Heads of columns whose cells are never broken.
        """
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(
            box=None if self._written is not None else box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            padding=(0, 2, 0, 0),
            header_style="dim",
        )
        for place, column in enumerate(columns):
            is_number = place in numbers
            table.add_column(
                column,
                overflow="fold",
                no_wrap=is_number or column in whole,
                justify="right" if is_number else "left",
            )
        known = styles or {}
        for row in rows:
            table.add_row(
                *(
                    Text(make_harmless(cell), style=known.get(cell.strip(), "") if place == styled else "")
                    for place, cell in enumerate(row)
                )
            )
        self.line(table, indent)

    def close(self) -> None:
        """Write what was kept back, without the spaces with which a table fills its cells: no program wants them."""
        if self._written is not None:
            print("\n".join(text.rstrip() for text in self._written.getvalue().splitlines()))
