"""The whole statement of a session: what the commands, ``hedge-state.json`` and the page have in common."""

from __future__ import annotations

from typing import Any

from transforms.page.text import to_plain
from transforms.statement.facts import StatementFacts
from transforms.statement.ledger import build_ledger_statement
from transforms.statement.months import build_ledger_months
from transforms.statement.positions import build_position_statement
from transforms.statement.words import say_funding

NO_VALUATION = "This warehouse has no valuation of the layers: it was built by a version that made none."


def build_statement(facts: StatementFacts) -> dict[str, Any]:
    """Return positions, ledger and valuation of a session as plain JSON types.

    Returns
    -------
    dict
        The entries of :func:`build_position_statement`; ``funding`` (:func:`build_ledger_statement` with its one
        ``sentence`` and its ``months``); ``valuation``: ``layers``, one row each, or None where the warehouse has none.
    """
    funding = build_ledger_statement(facts)
    return {
        **build_position_statement(facts),
        "funding": {"sentence": say_funding(funding), **funding, "months": build_ledger_months(facts)},
        "valuation": None if facts.valuation is None else {"layers": [to_plain(dict(row)) for row in facts.valuation]},
    }
