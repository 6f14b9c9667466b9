"""Text and tables on standard output: coloured where somebody watches, plain where nobody does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

WIDTH = 100


class Page:
    """What a command prints, in at most `WIDTH` columns."""

    def __init__(self) -> None:
        from rich.console import Console

        console = Console(highlight=False, markup=False)
        self._written = None if console.is_terminal else StringIO()
        width = min(console.width, WIDTH) if console.is_terminal else WIDTH
        self._console = Console(highlight=False, markup=False, width=width, file=self._written)

    def line(self, text: str | Text | Table = "", indent: int = 0, style: str = "") -> None:
        """Print one paragraph."""
        from rich.padding import Padding
        from rich.text import Text

        shown = Text(text, style=style) if isinstance(text, str) and style else text
        self._console.print(Padding(shown, (0, 0, 0, indent)) if indent else shown)

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
                    Text(cell, style=known.get(cell.strip(), "") if place == styled else "")
                    for place, cell in enumerate(row)
                )
            )
        self.line(table, indent)

    def close(self) -> None:
        """Write what was kept back, without the spaces with which a table fills its cells: no program wants them."""
        if self._written is not None:
            print("\n".join(text.rstrip() for text in self._written.getvalue().splitlines()))
