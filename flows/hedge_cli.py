"""``alvh positions`` and ``alvh ledger``: what the hedge holds and has on order, and what it cost and earned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.command_line import AsOfOption, DebugOption, HomeOption, JsonOption, reports_errors, unknown_name
from flows.completion import complete_layers
from flows.homes import home_to_read
from flows.printing import print_json
from transforms.errors import UsageError

if TYPE_CHECKING:
    from transforms.statement.facts import StatementFacts

POSITION_PARTS = ("next_session", "account", "positions", "totals", "trades", "time_shifts")
LEDGER_PARTS = ("funding", "valuation")


@reports_errors
def positions(
    as_of: AsOfOption = None,
    layer: Annotated[
        str | None,
        typer.Option(
            "--layer", help="One layer only: base, temporal_vega or second_engine.", autocompletion=complete_layers
        ),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Show what each layer wants, holds and has on order.

    At which marks, with vega and notional, what was traded in the session, and the Time-Shifts.

    \b
    Examples:
      alvh positions
      alvh positions --as-of 2020-03-16 --layer second_engine
      alvh positions --json
    """
    from flows.hedge_texts import print_positions
    from transforms.policy.model import LAYERS
    from transforms.statement.build import build_statement

    if layer is not None and layer not in LAYERS:
        raise unknown_name("layer", layer, LAYERS)
    facts = _read(home, as_of)
    document = _document(facts, build_statement(facts), POSITION_PARTS)
    if as_json:
        print_json(choose_layer(document, layer))
        return
    print_positions(document, layer)


@reports_errors
def ledger(
    month: Annotated[
        datetime | None,
        typer.Option(
            "--month", formats=["%Y-%m"], metavar="YYYY-MM", help="A calendar month with its days; up to --as-of."
        ),
    ] = None,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Show what every layer made and cost, and how it was funded.

    The session, a month, 12 months and all of history, in pieces that add up; or one calendar month with its days.

    \b
    Examples:
      alvh ledger
      alvh ledger --month 2020-03
      alvh ledger --as-of 2020-03-16 --json
    """
    from flows.hedge_texts import print_ledger, print_month
    from transforms.statement.build import build_statement
    from transforms.statement.ledger import build_month_statement

    chosen = f"{month:%Y-%m}" if month else None
    # a month alone is told to its own end, which is where later sessions have no say
    facts = _read(home, as_of, month)
    document = _document(facts, build_statement(facts), LEDGER_PARTS)
    if chosen is not None:
        found = build_month_statement(facts, chosen)
        if found is None:
            first = facts.sessions["trade_date"].iloc[0].date()
            raise UsageError(
                "the ledger has no session of that month",
                found=chosen,
                expected=f"a month from {first:%Y-%m} to {facts.as_of:%Y-%m}",
                next_step="choose another --month, or leave out --as-of",
            )
        document["month"] = found
    if as_json:
        print_json(document)
    elif chosen is not None:
        print_month(document)
    else:
        print_ledger(document)


def choose_layer(document: Mapping[str, Any], layer: str | None) -> dict[str, Any]:
    """Return the positions, or what of them belongs to one layer."""
    if layer is None:
        return dict(document)

    def mine(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row["layer"] == layer]

    shifts = document["time_shifts"]
    is_concerned = {name: [row for row in shifts[name] if layer in (row["from_layer"], row["to_layer"])]
                    for name in ("session", "last")}  # fmt: skip
    return {
        **document,
        "positions": mine(document["positions"]),
        "totals": mine(document["totals"]),
        "trades": mine(document["trades"]),
        "time_shifts": {**shifts, **is_concerned},
    }


def _read(home: Any, as_of: datetime | None, month: datetime | None = None) -> StatementFacts:
    from warehouse.hedge_data import read_statement_facts
    from warehouse.query import open_published
    from warehouse.report_data import latest_session, require_session

    with open_published(home_to_read(home)) as connection:
        day: date = as_of.date() if as_of else latest_session(connection)
        if month is not None and as_of is None:
            last = connection.execute(
                "select max(trade_date) from mart.daily_term_structure where strftime(trade_date, '%Y-%m') = ?",
                [f"{month:%Y-%m}"],
            ).fetchone()
            day = last[0] if last and last[0] else day
        require_session(connection, day)
        return read_statement_facts(connection, day)


def _document(facts: StatementFacts, statement: Mapping[str, Any], parts: tuple[str, ...]) -> dict[str, Any]:
    return {
        "as_of": facts.as_of.isoformat(),
        "is_simulated": facts.is_simulated,
        **{name: statement[name] for name in parts},
    }
