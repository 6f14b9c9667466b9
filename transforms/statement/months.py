"""The ledger by calendar month: cost beside credit, and the self-funding ratio at the end of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from transforms.page.text import to_number
from transforms.statement.facts import PORTFOLIO, StatementFacts
from transforms.statement.ledger import Books, read_books

AMOUNTS = ("pnl", "protection_cost", "credit_kept", "credit_received", "cost")


def build_ledger_months(facts: StatementFacts) -> list[dict[str, Any]]:
    """Return all layers together, month by month, oldest first; the first and the last month may be in part.

    Returns
    -------
    list of dict
        ``month`` (``2020-03``), ``sessions``, ``last_trade_date``, the sums ``pnl_usd``, ``protection_cost_usd``,
        ``credit_kept_usd``, ``credit_received_usd``, ``cost_usd``, and ``self_funding_ratio_12m`` of the month's last
        session: None where it is undefined.
    """
    books = read_books(facts)
    names = [day.isoformat()[:7] for day in books.days]
    # the first session of every month
    starts = [place for place, name in enumerate(names) if place == 0 or name != names[place - 1]]
    ends = [*(start - 1 for start in starts[1:]), len(names) - 1]
    sums = {name: _sum_up(books, name, starts) for name in AMOUNTS}
    ratios = books.ratios[PORTFOLIO]["12m"]
    return [
        {
            "month": names[start],
            "sessions": end - start + 1,
            "last_trade_date": books.days[end].isoformat(),
            **{f"{name}_usd": values[place] for name, values in sums.items()},
            "self_funding_ratio_12m": to_number(ratios[end]),
        }
        for place, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


def _sum_up(books: Books, name: str, starts: Sequence[int]) -> list[float]:
    return [int(cents) / 100 for cents in np.add.reduceat(books.cents[PORTFOLIO][name], starts)]
