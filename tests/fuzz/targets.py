"""What is fuzzed: every reader of what comes from outside, with what must hold for whatever it is given.

A target answers with its own errors or takes the input; what it takes must be possible. Anything else it raises, and
any impossible value it takes, is a find.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from tests.fuzz import seeds
from tests.support.policies import COLUMNS
from transforms.bars import parse_price_bars
from transforms.contracts import RefusedEntry, expiry_of_current_file, month_of_archive_file, parse_contract_list
from transforms.errors import BookError, PolicyError, SourceError, UsageError
from transforms.events.fomc_page import parse_fomc_page
from transforms.formats import inspect_file, last_breadth_date, last_trade_date
from transforms.hash_chain import read_chain
from transforms.notices.addresses import HIDDEN, link_report, redact_address, split_addresses
from transforms.notices.kinds import read_kinds
from transforms.options.chain import FIRST_OPTION_SESSION, parse_option_chain
from transforms.policy.expression import render_sql, render_text
from transforms.policy.identity import policy_hash
from transforms.policy.tokens import FUNCTIONS, check_words, tokenise
from transforms.policy.types import check_condition
from transforms.policy.writer import write_policy
from transforms.portfolio.book_reader import read_book
from transforms.positions.instruments import parse_instrument
from transforms.shiller import parse_shiller_workbook
from transforms.sweep.grid import MOST_POLICIES, read_grid
from transforms.vintages import parse_vintages
from transforms.wording import make_harmless
from warehouse.expressions import load_policy, parse_expression, preset, signal_columns

Run = Callable[[bytes], None]


@dataclass(frozen=True)
class Target:
    """Something that reads.

    Attributes
    ----------
    run
        Reads the input and judges the answer; raises where there is a find.
    seeds
        Inputs as they should be.
    words
        What its language is made of.
    speaks
        Whether inputs are also built of the words alone.
    quick
        Inputs of the ordinary test run.
    """

    name: str
    run: Run
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    speaks: bool = False
    quick: int = 150


def _is_price(value: float | None, *, lowest: float = 0.0) -> bool:
    return value is None or (math.isfinite(value) and value >= lowest)


def _check_refused(refused: Iterable[RefusedEntry]) -> None:
    for entry in refused:
        assert entry.line_no >= 0
        assert re.fullmatch(r"[a-z0-9_]+", entry.reason), entry.reason
        assert len(entry.text) <= 600


_NAMES = {
    "vx_contract": ("VX_2025-09-17.csv", seeds.CONTRACT),
    "vx_archive": ("CFE_M06_VX.csv", seeds.ARCHIVE),
    "vx_daily_settlement": ("settlement_2025-06-06.csv", seeds.EVENING),
    "vx_final_settlement": ("VRO_History.csv", seeds.FINAL),
    "index_history": ("VIX_History.csv", seeds.INDEX),
    "fred_series": ("DTB3.csv", seeds.SERIES),
    "fund_nav": ("UVXY-historical_nav.csv", seeds.FUND),
    "shiller_monthly": ("sp500_monthly.csv", seeds.SHILLER),
    "sector_price_cash_flow": ("sector_price_cash_flow.csv", seeds.SECTORS),
    "release_dates": ("release_dates.csv", seeds.RELEASES),
    "nyse_breadth": ("NYSE_advn.csv", seeds.BREADTH),
    "vx_contract_list": ("VX_product_list.json", seeds.CONTRACT_LIST),
    "vix_option_chain": ("_VIX.json", seeds.CHAIN),
    "price_bars": ("SPY_bars.json", seeds.BARS),
    "fred_vintages": ("GDPC1_vintages.json", seeds.VINTAGES),
    "fomc_calendar": ("fomccalendars.htm", seeds.FOMC),
    "shiller_workbook": ("ie_data.xls", seeds.WORKBOOK),
    "book": ("book.toml", seeds.BOOK),
}
_KINDS = tuple(_NAMES)


def inspect_any(body: bytes) -> None:
    """Look at a body as every format there is: its first byte says which."""
    if not body:
        return
    dataset = _KINDS[body[0] % len(_KINDS)]
    found = inspect_file(dataset, _NAMES[dataset][0], body[1:])
    assert found is None or found.strip()
    for day in (last_trade_date(body[1:]), last_breadth_date(body[1:])):
        assert day is None or isinstance(day, date)


def read_contract_list(body: bytes) -> None:
    """Entries are contracts with a path of their own expiry, or refused."""
    try:
        listed, refused = parse_contract_list(body)
    except SourceError:
        return
    assert listed
    assert len({one.expiry_date for one in listed}) == len(listed)
    assert {one.duration_type for one in listed} <= {"M", "W"}
    _check_refused(refused)


def read_option_chain(body: bytes) -> None:
    """Quotes are possible: no negative price, no bid above the ask, no expiry outside of the listing."""
    try:
        chain = parse_option_chain(body)
    except SourceError:
        return
    assert chain.snapshot_at_utc.date() >= FIRST_OPTION_SESSION
    assert chain.index_pts is None or 0 < chain.index_pts < math.inf
    for quote in chain.quotes:
        assert _is_price(quote.bid_pts)
        assert _is_price(quote.ask_pts)
        assert not quote.bid_pts > quote.ask_pts > 0
        assert 0 < quote.strike_pts < math.inf
        assert quote.option_right in ("C", "P")
        assert timedelta(0) <= quote.expiry_date - chain.snapshot_at_utc.date() + timedelta(1) <= timedelta(366 * 3 + 2)
        optional = (quote.bid_size_contracts, quote.ask_size_contracts, quote.published_iv_frac, quote.last_trade_pts)
        assert all(map(_is_price, (*optional, quote.open_interest_contracts, quote.volume_contracts)))
        assert quote.last_trade_at_utc is None or quote.last_trade_at_utc.year >= 2006
    assert len({quote.option_symbol for quote in chain.quotes}) == len(chain.quotes)
    _check_refused(chain.refused)


def read_bars(body: bytes) -> None:
    """Every entry has types or a reason; whether a bar can be used is judged in SQL."""
    try:
        bars, refused = parse_price_bars(body)
    except SourceError:
        return
    for one in bars:
        prices = (one.open_usd, one.high_usd, one.low_usd, one.close_usd)
        assert all(price is None or math.isfinite(price) for price in prices)
        assert one.volume_shares is None or abs(one.volume_shares) < 2**63
    numbers = [*(one.entry_no for one in bars), *(one.line_no for one in refused)]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    _check_refused(refused)


def read_vintages(body: bytes) -> None:
    """A value is known after its period began, for a period that does not end before it starts."""
    try:
        values, refused = parse_vintages(body)
    except SourceError:
        return
    for one in values:
        assert one.realtime_start > one.reference_date
        assert one.realtime_end is None or one.realtime_end >= one.realtime_start
        assert one.observed_value is None or math.isfinite(one.observed_value)
    assert len({(one.reference_date, one.realtime_start) for one in values}) == len(values)
    _check_refused(refused)


def read_fomc(body: bytes) -> None:
    """Meetings have one day of decision each, and what is known of them is not known before it is said."""
    meetings, refused = parse_fomc_page(body)
    assert meetings or refused
    days = [one.decision_date for one in meetings]
    assert len(set(days)) == len(days)
    assert all(1900 < day.year < 2200 for day in days)
    _check_refused(refused)


def read_workbook(body: bytes) -> None:
    """Months are first days, their numbers finite."""
    try:
        months, refused = parse_shiller_workbook(body)
    except SourceError:
        return
    for month in months:
        assert month.reference_date.day == 1
        numbers = (month.price, month.dividends, month.earnings, month.cape)
        assert all(number is None or math.isfinite(number) for number in numbers)
    assert any(month.is_newest for month in months)
    _check_refused(refused)


def read_policy_file(body: bytes) -> None:
    """A policy that is taken says the same when it is written and read again, and its rules are conditions."""
    columns = signal_columns()
    try:
        policy = load_policy(body.decode("utf-8", "replace"), columns=columns, where="policy.toml")
    except PolicyError as error:
        assert error.what
        return
    assert all(entry.lowest <= entry.value <= entry.highest for entry in policy.parameters)
    assert all(math.isfinite(entry.value) for entry in policy.parameters)
    again = load_policy(write_policy(policy), columns=columns, where="again")
    assert again == policy
    assert policy_hash(again) == policy_hash(policy)
    for rule in policy.rules:
        _check_sql(render_sql(rule.condition, policy.values))


_SIGNS = re.compile(r"'(?:[^']|'')*'|[a-z_][a-z0-9_]*|[0-9.e+-]+|<>|<=|>=|[=<>()*/,+-]|\s+", re.IGNORECASE)
_SQL_WORDS = {
    *("and", "or", "not", "between", "in", "is", "null", "case", "when", "then", "else", "end", "true", "false"),
    *("isfinite", "nullif", "coalesce", "date", "cast", "as", "double", "e0", *FUNCTIONS),
}


def _check_sql(sql: str) -> None:
    """Nothing but names of columns, numbers, texts and the words of conditions is in the SQL of a rule."""
    place = 0
    while place < len(sql):
        found = _SIGNS.match(sql, place)
        assert found, f"{sql[place : place + 20]!r} in a rule's SQL"
        place = found.end()
    names = {word.lower() for word in re.findall(r"(?<![0-9'.])\b[a-z_]\w*", re.sub(r"'(?:[^']|'')*'", "", sql), re.I)}
    assert names <= {*COLUMNS, *signal_columns(), *_SQL_WORDS}, names


def read_expression(body: bytes) -> None:
    """A condition that is taken has one spelling, which reads back as itself."""
    text = body.decode("utf-8", "replace")
    values = {"x": 25.0, "y": 0.5}
    try:
        check_words(tokenise(text), COLUMNS, values)
        node = check_condition(parse_expression(text), COLUMNS, {"x": "pts", "y": "frac"}, values)
    except PolicyError:
        return
    _check_sql(render_sql(node, values))
    spelled = render_text(node)
    assert (
        render_text(check_condition(parse_expression(spelled), COLUMNS, {"x": "pts", "y": "frac"}, values)) == spelled
    )


def read_book_file(body: bytes) -> None:
    """A book that is taken has a positive account, whole contracts and expiries that can be."""
    today = date(2026, 1, 9)
    try:
        book = read_book(body.decode("utf-8", "replace"), where="book.toml", today=today)
    except BookError as error:
        assert error.what
        assert error.where
        return
    assert 0 < book.nav_usd < math.inf
    assert book.as_of <= today
    assert _is_price(book.margin_usd)
    assert _is_price(book.bills_usd)
    for leg in (*book.legs, *book.options):
        assert 0 < leg.strike_pts < math.inf
        assert leg.quantity != 0
        assert leg.right in ("C", "P")
    for one in (*book.legs, *book.options, *book.futures):
        assert isinstance(one.quantity, int)
        assert one.expiry_date >= book.as_of
    for position in (*book.futures, *book.options):
        assert _is_price(position.cost_pts)
    assert all(_is_price(leg.price_pts) for leg in book.legs)


def read_grid_file(body: bytes) -> None:
    """A grid that is taken is bounded, and its axes lie inside the ranges of the policy."""
    try:
        grid = read_grid(body.decode("utf-8", "replace"), where="grid.toml", load_base=preset)
    except UsageError as error:
        assert error.what
        return
    assert 1 <= grid.size <= MOST_POLICIES
    for values in grid.axes.values():
        assert values
        assert all(isinstance(one, str) or math.isfinite(one) for one in values)


def read_instrument(body: bytes) -> None:
    """A code that is taken is the code of what it was taken for."""
    text = body.decode("utf-8", "replace")
    with suppress(ValueError):
        assert parse_instrument(text).code == text
    for name in (expiry_of_current_file(text), month_of_archive_file(text)):
        assert name is None or isinstance(name, date)


def read_log_chain(body: bytes) -> None:
    """Whatever lies in the log, it is entries and problems; nothing is lost and no entry is made up."""
    from warehouse.governance.register import replay

    chain = read_chain(body)
    assert chain.whole_bytes + len(chain.tail) == len(body)
    register = replay(chain.entries)
    for one in register.problems:
        assert one.found
    for policy in register.adoptions:
        assert isinstance(policy.effective_from, date)


def read_signers(body: bytes) -> None:
    """Signers that are taken read back as themselves."""
    from warehouse.governance.signers import parse_signers, render_signers

    try:
        signers = parse_signers(body)
    except UsageError:
        return
    assert 1 <= signers.threshold <= len(signers.keys)
    assert parse_signers(render_signers(signers)) == signers


def read_addresses(body: bytes) -> None:
    """No part of an address but its scheme is ever shown, and no setting of kinds is taken for another."""
    text = body.decode("utf-8", "replace")
    for address in split_addresses(text):
        shown = redact_address(address)
        assert shown == HIDDEN or re.fullmatch(r"[a-z][a-z0-9+.-]{1,15}://\*\*\*", shown)
    linked = link_report(text, date(2025, 6, 6))
    assert linked.endswith("/2025-06-06/hedge-state.html")
    host = linked.partition("://")[2].partition("/")[0]
    assert "@" not in host
    kinds, unknown = read_kinds(text)
    assert all(isinstance(kind, str) for kind in (*kinds, *unknown))


def show_text(body: bytes) -> None:
    """No text acts on the terminal once it is shown."""
    text = body.decode("utf-8", "replace")
    for shown in (make_harmless(text), str(UsageError("what", found=text))):
        assert all(sign.isprintable() or sign in "\n\t" or ord(sign) > 0x9F for sign in shown)


_ARM = (b"vix_close_pts", b"contango_frac", b"ad_divergence_z", b"is_big_top", b"curve_state", b"next_fomc_date")
_EXPRESSION_WORDS = (
    *_ARM,
    *(
        b"$x",
        b"$y",
        b"$z",
        b"and",
        b"or",
        b"not",
        b"between",
        b"in",
        b"is null",
        b"is not null",
        b"(",
        b")",
        b",",
        b"=",
    ),
    *(b"<", b">", b"<=", b">=", b"<>", b"+", b"-", b"*", b"/", b"0", b"25", b"0.5", b"1e12", b"'flat'", b"''", b"true"),
    *(b"abs(", b"least(", b"greatest(", b"null", b"case when", b"select", b"from", b"::", b"--", b"/*", b"||", b"[1]"),
)
_TOML_WORDS = (
    b"[a]",
    b"[[a]]",
    b"a = 1",
    b'a = "b"',
    b"= {",
    b"= [",
    b"true",
    b"1979-05-27",
    b"1_000",
    b"+inf",
    b"nan",
)
_JSON_WORDS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b":",
    b",",
    b"null",
    b"true",
    b"1e400",
    b'"\\ud800"',
    b"-0.0",
    b"[]",
    b"{}",
)
_SIGNED = b'{"entry_sha256":"0","kind":"signers_set","previous_sha256":"0","seq":1}\n'
_SIGNERS = (
    b'threshold = 1\n\n[[signer]]\nname = "local"\n'
    b'public_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="\nadded = "2025-01-07"\n'
)
_ADDRESSES = (
    b"ntfy://user:password@ntfy.example/topic, mailto://me:secret@mail.example?to=a@b.example,c@d.example",
    b"slack://T/A/B  json://localhost:8000/path?x=1",
    b"https://reports.example/alvh",
    b"transitions,degraded orders",
)

PURE: tuple[Target, ...] = (
    Target(
        "inspect_file",
        inspect_any,
        tuple(bytes([number]) + body for number, (_, body) in enumerate(_NAMES.values())),
        (*_JSON_WORDS, b"<!DOCTYPE html>", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        quick=400,
    ),
    Target("contract_list", read_contract_list, (seeds.CONTRACT_LIST,), (*_JSON_WORDS, b"expire_date", b"path")),
    Target(
        "option_chain", read_option_chain, (seeds.CHAIN,), (*_JSON_WORDS, b"VIXW250611C00020000", b"VIX"), quick=300
    ),
    Target("price_bars", read_bars, (seeds.BARS,), (*_JSON_WORDS, b"close", b"volume", b"2025-06-06T00:00:00Z")),
    Target("vintages", read_vintages, (seeds.VINTAGES,), (*_JSON_WORDS, b"realtime_end", b"9999-12-31")),
    Target(
        "fomc_page", read_fomc, (seeds.FOMC,), (b"<div", b"</div>", b"<!", b"<![", b"&#x", b"fomc-meeting__date", b"31")
    ),
    Target("shiller_workbook", read_workbook, (seeds.WORKBOOK,), (b"\x03\x02\x0e\x00", b"\x09\x08", b"Data")),
    Target("policy", read_policy_file, seeds.policies(), (*_TOML_WORDS, *_EXPRESSION_WORDS), quick=250),
    Target(
        "expression",
        read_expression,
        (b"vix_close_pts >= $x and contango_frac < $y", b"curve_state in ('flat', 'steep') or not is_big_top"),
        _EXPRESSION_WORDS,
        speaks=True,
        quick=300,
    ),
    Target("book", read_book_file, (seeds.BOOK, seeds.SECOND_BOOK), (*_TOML_WORDS, b"quantity", b"strike"), quick=300),
    Target(
        "sweep_grid", read_grid_file, (seeds.GRID, *seeds.EXAMPLES), (*_TOML_WORDS, b"from", b"to", b"step"), quick=200
    ),
    Target("instrument", read_instrument, (b"VX 2025-09-17", b"VIX 2025-09-17 C 25", b"NOTE A", b"VX_2025-09-17.csv")),
    Target("policy_log", read_log_chain, (_SIGNED, _SIGNED * 2), (*_JSON_WORDS, b"policy_adopted", b"policy_signed")),
    Target("signers", read_signers, (_SIGNERS,), (*_TOML_WORDS, b"ssh-ed25519")),
    Target("notice_settings", read_addresses, _ADDRESSES, (b"://", b"@", b",", b" ", b"mailto://", b"%40")),
    Target("shown_text", show_text, (b"plain", b"\x1b[31mred\x1b[0m", "‮".encode()), (b"\x1b]0;", b"\x9b", b"\xc2\x9b")),
)
