"""What the doctor found as text: a line a finding, what to do below it."""

from __future__ import annotations

from collections.abc import Sequence

from flows.doctor import Finding
from flows.printing import Page, is_watched

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}
_WIDTHS = (9, 12)


def print_findings(findings: Sequence[Finding]) -> None:
    """Print the findings and how many of each kind there are."""
    counts = {status: sum(1 for one in findings if one.status == status) for status in ("problem", "warning")}
    words = [f"{count} {status}{'' if count == 1 else 's'}" for status, count in counts.items() if count]
    ended = ", ".join(words) or "nothing to mend"
    if not is_watched():
        for one in findings:
            print(f"{one.status:<{_WIDTHS[0]}}{one.check:<{_WIDTHS[1]}}{one.says}")
            if one.next_step:
                print(f"{'':<{sum(_WIDTHS)}}-> {one.next_step}")
        print(ended)
        return
    from rich.table import Table
    from rich.text import Text

    page = Page(is_wide=True)
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        grid.add_column(overflow="fold")
    for one in findings:
        said = Text(one.says)
        if one.next_step:
            said.append(f"\n-> {one.next_step}", style="bold")
        grid.add_row(Text(one.status, style=_STYLES[one.status]), Text(one.check), said)
    page.line(grid)
    page.line(ended, style="bold")
    page.close()
