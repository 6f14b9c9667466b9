"""``alvh book``: whether a book can be used, and what the published warehouse says of the account it states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.command_line import DebugOption, HomeOption, JsonOption, reports_errors
from flows.help_texts import PanelGroup
from flows.homes import home_to_read
from flows.printing import print_json, print_lines
from transforms.errors import UsageError

if TYPE_CHECKING:
    from transforms.portfolio.book import Book

LARGEST = 8 * 1024 * 1024
"""Bytes, as a night reads at most."""

book_app = typer.Typer(
    name="book",
    cls=PanelGroup,
    rich_markup_mode=None,
    help="Check your own book.toml, and show what it wants and holds.",
    no_args_is_help=True,
)


@book_app.command()
@reports_errors
def check(
    file: Annotated[
        Path | None, typer.Argument(help="The book; inputs/book.toml of the home if left out.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Read a book as the night would, and say what was understood.

    Code 2 with the line where it cannot be used.

    \b
    Examples:
      alvh book check
      alvh book check ~/book.toml
      alvh book check --json
    """
    from transforms.portfolio.book import check_book
    from transforms.portfolio.book_reader import read_book
    from transforms.registry import parameters

    path = file if file is not None else home_to_read(home).path / "inputs" / "book.toml"
    today = datetime.now(UTC).date()
    book = read_book(_read_text(path), where=path.name, today=today)
    warnings = check_book(book, today, int(parameters()["book_longest_age_sessions"].value))
    if as_json:
        print_json({"file": str(path), "book": {**asdict(book), "protects": book.protects}, "warnings": warnings})
        return
    for line in describe_book(book):
        print(line)
    for warning in warnings:
        print(f"warning: {warning}")
    if not warnings:
        print("no warnings")


@book_app.command()
@reports_errors
def show(as_json: JsonOption = False, home: HomeOption = None, debug: DebugOption = False) -> None:
    """Show your account and the orders of its next session.

    What it protects, what the layers want, and what it holds.

    \b
    Examples:
      alvh book show
      alvh book show --json
    """
    from warehouse.book_data import read_book_orders
    from warehouse.query import open_published

    with open_published(home_to_read(home)) as connection:
        found = read_book_orders(connection)
    if as_json:
        print_json(found)
        return
    print_lines("\n".join(describe_orders(found)))


def describe_book(book: Book) -> Iterator[str]:
    """Yield a book as it was understood, line by line."""
    yield f"account      ${book.nav_usd:,.0f}, as of the close of {book.as_of}"
    parts = {"margin": book.margin_usd, "cash": book.cash_usd, "bills": book.bills_usd}
    stated = ", ".join(f"{name} {_dollars(value)}" for name, value in parts.items() if value is not None)
    if stated:
        yield f"             {stated}"
    if book.protects == "model_condor":
        yield "protects     the model condor, sized to the account"
    elif book.protects == "greeks":
        delta = "not stated" if book.net_delta_usd is None else f"{_dollars(book.net_delta_usd)} a point of the S&P 500"
        yield f"protects     stated greeks: vega {_dollars(book.net_vega_usd)} a point of volatility, delta {delta}"
    else:
        yield f"protects     {len(book.legs)} SPX legs"
        for leg in book.legs:
            price = _at(leg.price_pts)
            yield f"             {leg.quantity:+d} SPX {leg.expiry_date} {leg.right} {leg.strike_pts:g}{price}"
    yield f"hedge        positions in futures: {len(book.futures)}, in VIX options: {len(book.options)}"
    for future in book.futures:
        yield f"             {future.quantity:+d} {future.contract} {future.expiry_date}{_at(future.cost_pts)}"
    for option in book.options:
        terms = f"{option.expiry_date} {option.right} {option.strike_pts:g}"
        yield f"             {option.quantity:+d} VIX {terms}{_at(option.cost_pts)}"
    returns = {"required": book.returns.required_return_frac, "WACC": book.returns.wacc_frac}
    returns["equity premium"] = book.returns.equity_premium_frac
    asked = ", ".join(f"{name} {value:.2%}" for name, value in returns.items() if value is not None)
    yield f"returns      {asked or 'none stated'}"


def describe_orders(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the warehouse says of the book, line by line.

    Raises
    ------
    UsageError
        There is no book in use.
    """
    account, exposure = found["account"], found["exposure"]
    if account is None:
        raise UsageError(
            "no book is in use",
            found="; ".join(found["warnings"]) or "none in the published warehouse",
            expected="inputs/book.toml in the home, and a night after it",
            next_step="`alvh book check`, then `alvh nightly`; docs/book.md has an example",
        )
    if found["is_simulated"]:
        yield "SIMULATED market: none of these numbers is a market price"
    entered = account["entered_date"]
    yield (
        f"{found['session']}  your account of ${account['account_nav_usd']:,.0f}, book of {account['as_of_date']}"
        + (f", in the hedge since the close of {entered}" if entered else ", not in the hedge yet")
    )
    if exposure is not None:
        yield (
            f"protected      {exposure['exposure_source'].replace('_', ' ')}: vega "
            f"{_dollars(exposure['vega_usd_per_vix_pt'])} a point of the VIX, "
            f"delta {_dollars(exposure['delta_usd_per_pt'])} and gamma {_dollars(exposure['gamma_usd_per_pt2'], 2)} "
            "a point of the S&P 500"
        )
    for layer in found["layers"]:
        wanted = layer["target_vega_usd"]
        said = "" if wanted is None else f", wants {_dollars(wanted)} a point of its future"
        yield f"{layer['layer']:<15}{layer['state']}{said}: {layer['reason']}"
    yield from _order_lines(found)
    for warning in found["warnings"]:
        yield f"warning: {warning}"


def _order_lines(found: Mapping[str, Any]) -> Iterator[str]:
    orders = found["orders"]
    if not orders:
        yield "orders         none: nothing is wanted and nothing is held"
        return
    cells = [
        (one["instrument"], *(_count(one[f"{name}_contracts"]) for name in ("target", "held", "order")), one["reason"])
        for one in orders
    ]
    rows = [("instrument", "target", "held", "order", "reason"), *cells]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    yield ""
    for row in rows:
        numbers = "  ".join(cell.rjust(width) for cell, width in zip(row[1:4], widths[1:], strict=True))
        yield f"{row[0]:<{widths[0]}}  {numbers}  {row[4]}"
    count = sum(1 for one in orders if one["order_contracts"])
    yield f"({count} order{'' if count == 1 else 's'} for the session after {found['session']})"
    yield ""


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(
            "the book cannot be read",
            where=str(path),
            found=error.strerror or str(error),
            expected="a file like the example in docs/book.md",
        ) from None
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            "the book is not text",
            where=str(path),
            found=f"byte {body[error.start]:#04x} at offset {error.start}",
            expected="UTF-8",
        ) from None


def _dollars(value: float | None, digits: int = 0) -> str:
    if value is None:
        return "not known"
    return f"{'-' if value < 0 else ''}${abs(value):,.{digits}f}"


def _count(value: float | None) -> str:
    return "?" if value is None else f"{value:+g}" if value else "0"


def _at(price: float | None) -> str:
    return "" if price is None else f" at {price:g}"
