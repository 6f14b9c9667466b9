"""A book is read whole, or refused at a line; what makes it doubtful is said in words."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from datetime import date

import pytest

from tests.support.book import ACCOUNT, DOC, EXAMPLE
from transforms.errors import BookError, UsageError
from transforms.portfolio.book import Book, OptionLeg, check_book
from transforms.portfolio.book_reader import read_book

TODAY = date(2026, 1, 8)
GREEKS = "[condor]\nnet_delta = -12.5\nnet_vega_usd = -850\n"


def read(text: str = EXAMPLE) -> Book:
    return read_book(text, where="book.toml", today=TODAY)


def refusal(text: str) -> BookError:
    with pytest.raises(BookError) as caught:
        read(text)
    return caught.value


def changed(old: str, new: str) -> str:
    assert old in EXAMPLE
    return EXAMPLE.replace(old, new, 1)


def line(piece: str, text: str) -> int:
    return next(number for number, held in enumerate(text.split("\n"), start=1) if held.startswith(piece))


def test_book_of_the_doc_is_read_with_everything_in_it() -> None:
    book = read()
    assert (book.nav_usd, book.as_of, book.margin_usd, book.bills_usd) == (250_000, date(2026, 1, 7), 41_000, 180_000)
    assert book.protects == "legs"
    assert [(leg.right, leg.strike_pts, leg.quantity) for leg in book.legs] == [
        ("P", 6300, 1),
        ("P", 6600, -1),
        ("C", 7150, -1),
        ("C", 7300, 1),
    ]
    assert [(item.contract, item.quantity, item.cost_pts) for item in book.futures] == [("VXM", 4, 17.85)]
    assert [(item.expiry_date, item.strike_pts) for item in book.options] == [(date(2026, 3, 18), 25.0)]
    assert book.returns.wacc_frac == 0.09


def test_account_alone_protects_the_model_condor() -> None:
    book = read(ACCOUNT)
    assert (book.protects, book.legs, book.futures, book.cash_usd) == ("model_condor", (), (), None)


def test_stated_greeks_are_protected() -> None:
    book = read(ACCOUNT + GREEKS)
    assert (book.protects, book.net_delta_usd, book.net_vega_usd) == ("greeks", -12.5, -850.0)


def test_stated_vega_of_nothing_is_not_the_model_condor() -> None:
    assert read(ACCOUNT + "[condor]\nnet_vega_usd = 0\n").protects == "greeks"


def test_refusal_of_the_doc_is_what_happens() -> None:
    text = changed("quantity = -1", "quantitiy = -1")
    error = refusal(text)
    shown = re.sub(r":\d+ ", ":LINE ", str(error))
    assert shown in re.sub(r":\d+ ", ":LINE ", DOC)
    assert error.where == f"book.toml:{line('quantitiy', text)} (condor.legs[2].quantitiy)"


def test_refusal_is_a_usage_error_and_goes_through_a_pickle() -> None:
    error = refusal("")
    assert isinstance(error, UsageError)
    assert error.exit_code == 2
    after = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(after), str(after)) == (BookError, str(error))


@pytest.mark.parametrize(
    ("old", "new", "place", "key", "expected"),
    [
        ("nav_usd", "navusd", "navusd", "account.navusd", "nav_usd"),
        ("[account]", "[acount]", "[acount]", "acount", "account"),
        ("[returns]", "[return]", "[return]", "return", "returns"),
        ("wacc_frac", "wac_frac", "wac_frac", "returns.wac_frac", "wacc_frac"),
        ("[[hedge.futures]]", "[[hedge.future]]", "[[hedge.future]]", "hedge.future", "futures"),
        ("[[hedge.options]]", "[[hegde.options]]", "[[hegde.options]]", "hegde", "hedge"),
        ('contract = "VXM"', 'contrakt = "VXM"', "contrakt", "hedge.futures[1].contrakt", "contract"),
    ],
)
def test_unknown_key_is_refused_at_its_line_with_the_nearest(
    old: str, new: str, place: str, key: str, expected: str
) -> None:
    text = changed(old, new)
    error = refusal(text)
    assert error.where == f"book.toml:{line(place, text)} ({key})"
    assert expected in (error.expected or "").split(" or ")


@pytest.mark.parametrize(
    ("old", "new", "key", "what"),
    [
        ("nav_usd = 250_000", "nav_usd = -1", "account.nav_usd", "nothing to protect"),
        ("nav_usd = 250_000", "nav_usd = 0", "account.nav_usd", "nothing to protect"),
        ("nav_usd = 250_000", 'nav_usd = "250,000"', "account.nav_usd", "not a number"),
        ("nav_usd = 250_000", "nav_usd = nan", "account.nav_usd", "not a number"),
        ("nav_usd = 250_000", "nav_usd = 1e300", "account.nav_usd", "not a number"),
        ("nav_usd = 250_000", "nav_usd = true", "account.nav_usd", "not a number"),
        ("as_of = 2026-01-07", "as_of = 2026-01-09", "account.as_of", "cannot be of"),
        ("as_of = 2026-01-07", "as_of = 1999-01-07", "account.as_of", "cannot be of"),
        ("as_of = 2026-01-07", 'as_of = "2026-01-07"', "account.as_of", "not a day"),
        ("as_of = 2026-01-07", "as_of = 2026-01-07T16:00:00Z", "account.as_of", "not a day"),
        ("margin_usd = 41_000", "margin_usd = -1", "account.margin_usd", "negative"),
        ("bills_usd = 180_000", "bills_usd = -1", "account.bills_usd", "negative"),
        ('right = "P"', 'right = "put"', "condor.legs[1].right", "call or a put"),
        ("strike = 6300", "strike = 6302", "condor.legs[1].strike", "no such strike"),
        ("strike = 6300", "strike = -6300", "condor.legs[1].strike", "no such strike"),
        ("quantity = 1\n", "quantity = 0\n", "condor.legs[1].quantity", "number of contracts"),
        ("quantity = 1\n", "quantity = 1.5\n", "condor.legs[1].quantity", "number of contracts"),
        ("quantity = 1\n", "quantity = true\n", "condor.legs[1].quantity", "number of contracts"),
        ("price = 14.20", "price = -1", "condor.legs[1].price", "no price"),
        ("expiry = 2026-02-20", "expiry = 2026-01-07", "condor.legs[1].expiry", "has expired"),
        ("expiry = 2026-02-20", "expiry = 2026-02-21", "condor.legs[1].expiry", "without a session"),
        ("expiry = 2026-02-20", "expiry = 2026-04-03", "condor.legs[1].expiry", "without a session"),
        ("expiry = 2026-02-20", "expiry = 9999-12-31", "condor.legs[1].expiry", "listed yet"),
        ("expiry = 2026-02-18", "expiry = 2026-02-20", "hedge.futures[1].expiry", "settles on this day"),
        ("expiry = 2026-03-18", "expiry = 2026-03-20", "hedge.options[1].expiry", "settles on this day"),
        ("expiry = 2026-03-18", "expiry = 2028-03-22", "hedge.options[1].expiry", "listed yet"),
        ('contract = "VXM"', 'contract = "VIX"', "hedge.futures[1].contract", "no such VIX future"),
        ("cost = 17.85", "cost = 0", "hedge.futures[1].cost", "at 0"),
        ("cost = 17.85", "cost = 1785", "hedge.futures[1].cost", "no price"),
        ("strike = 25\n", "strike = 25.3\n", "hedge.options[1].strike", "no such strike"),
        ("wacc_frac = 0.09", "wacc_frac = 9", "returns.wacc_frac", "no return a year"),
        ("wacc_frac = 0.09", "wacc_frac = -0.1", "returns.wacc_frac", "no return a year"),
    ],
)
def test_impossible_value_is_refused_at_its_line(old: str, new: str, key: str, what: str) -> None:
    text = changed(old, new)
    error = refusal(text)
    assert what in error.what
    assert error.where == f"book.toml:{EXAMPLE[: EXAMPLE.index(old)].count(chr(10)) + 1} ({key})"
    assert error.expected


def test_expiry_of_the_second_entry_is_refused_at_its_own_line() -> None:
    second = '[[hedge.futures]]\ncontract = "VX"\nexpiry = 2026-03-20\nquantity = 1\n'
    text = f"{EXAMPLE}\n{second}"
    error = refusal(text)
    assert error.where == f"book.toml:{line('expiry = 2026-03-20', text)} (hedge.futures[2].expiry)"
    assert error.expected == "a settlement date, such as 2026-03-18 or 2026-04-15"


@pytest.mark.parametrize(
    ("expiry", "is_settlement"),
    [
        ("2026-05-19", True),  # a Tuesday: Juneteenth takes the third Friday of June
        ("2026-05-20", False),  # the Wednesday of that week
        ("2026-02-25", True),  # a weekly
        ("2026-02-24", False),
        ("2026-11-18", True),
    ],
)
def test_vix_expiry_is_a_settlement_date_of_the_rule(expiry: str, *, is_settlement: bool) -> None:
    text = changed("expiry = 2026-02-18", f"expiry = {expiry}")
    if is_settlement:
        assert read(text).futures[0].expiry_date == date.fromisoformat(expiry)
    else:
        assert "settles on this day" in refusal(text).what


def test_legs_and_greeks_together_are_refused() -> None:
    inline = "legs = [{expiry = 2026-02-20, right = 'P', strike = 6300, quantity = 1}]\n"
    error = refusal(ACCOUNT + GREEKS + inline)
    assert "stated twice" in error.what
    assert error.where == "book.toml:5 (condor.net_delta)"


@pytest.mark.parametrize(
    ("condor", "what"),
    [
        ("[condor]\n", "neither legs nor a vega"),
        ("[condor]\nnet_delta = 1\n", "neither legs nor a vega"),
        ("[condor]\nlegs = []\n", "empty"),
        ("[condor]\nlegs = 3\n", "not a list of tables"),
        ("[condor]\nlegs = [3]\n", "not a list of tables"),
        ("condor = 3\n", "unknown key"),  # it stands inside of [account]
    ],
)
def test_condor_that_says_nothing_is_refused(condor: str, what: str) -> None:
    assert what in refusal(ACCOUNT + condor).what


def test_leg_that_stands_twice_is_refused_at_the_second() -> None:
    text = changed("strike = 6600", "strike = 6300")
    error = refusal(text)
    assert "twice" in error.what
    assert "(condor.legs[2])" in (error.where or "")


@pytest.mark.parametrize("text", ["[account", "nav = = 1", "a" * 300_000, "x = " + "[" * 5_000, "[account]\n[account]"])
def test_text_that_is_no_toml_is_refused(text: str) -> None:
    assert "book" in str(refusal(text))


def test_fresh_book_has_no_warning() -> None:
    assert check_book(read(), date(2026, 1, 14), 5) == ()


def test_old_book_is_warned_of_with_its_age_in_sessions() -> None:
    # 01-08 to 01-15 are six sessions
    (warning,) = check_book(read(ACCOUNT), date(2026, 1, 15), 5)
    assert "2026-01-07, 6 sessions before 2026-01-15" in warning


def test_weekend_and_holiday_do_not_age_a_book() -> None:
    friday = replace(read(ACCOUNT), as_of=date(2026, 1, 16))
    assert check_book(friday, date(2026, 1, 20), 1) == ()  # Martin Luther King's day lies between


def test_book_of_a_later_day_is_warned_of() -> None:
    (warning,) = check_book(read(ACCOUNT), date(2026, 1, 5), 5)
    assert "after 2026-01-05" in warning


def test_expired_positions_are_warned_of() -> None:
    found = check_book(read(), date(2026, 2, 20), 100)
    assert found == (
        "4 of 4 condor legs expired by 2026-02-20 and count nothing",
        "1 of 1 futures expired by 2026-02-20 and count nothing",
    )


def test_uncovered_call_is_warned_of() -> None:
    book = read(ACCOUNT)
    leg = OptionLeg(expiry_date=date(2026, 2, 20), right="C", strike_pts=7150, quantity=-2)
    (warning,) = check_book(replace(book, legs=(leg,)), date(2026, 1, 8), 5)
    assert "2 calls of 2026-02-20 are sold without" in warning


def test_margin_above_the_account_is_warned_of() -> None:
    (warning,) = check_book(replace(read(ACCOUNT), margin_usd=100_001.0), date(2026, 1, 8), 5)
    assert "more than the account" in warning
