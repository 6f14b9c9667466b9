from __future__ import annotations

from datetime import date

import pytest

from transforms.positions import IndexNote, Instrument, VixFuture, VixOption, parse_instrument
from transforms.positions.instruments import has_expired
from transforms.positions.money import round_half_away, to_cents, to_ticks, value_in_cents

SEP = date(2024, 9, 18)


@pytest.mark.parametrize(
    ("instrument", "code", "multiplier"),
    [
        (VixFuture(SEP), "VX 2024-09-18", 1000),
        (VixFuture(SEP, is_mini=True), "VXM 2024-09-18", 100),
        (VixOption(SEP, 25), "VIX 2024-09-18 C 25", 100),
        (VixOption(SEP, 17.5, is_call=False), "VIX 2024-09-18 P 17.5", 100),
        (IndexNote("SHORT_TERM_TR"), "NOTE SHORT_TERM_TR", 1),
    ],
)
def test_instrument_has_one_code_and_reads_back(instrument: Instrument, code: str, multiplier: int) -> None:
    assert instrument.code == code
    assert instrument.multiplier_usd == multiplier
    assert parse_instrument(code) == instrument


@pytest.mark.parametrize(
    "code",
    ["", "VX", "VX 2024-9-18", "VX 2024-02-30", "VXQ 2024-09-18", "VIX 2024-09-18 C 25.0", "VIX 2024-09-18 X 25",
     "VIX 2024-09-18 C -5", "VIX 2024-09-18 C nan", "vx 2024-09-18", "VX  2024-09-18", "NOTE "],
)  # fmt: skip
def test_instrument_code_is_refused_unless_canonical(code: str) -> None:
    with pytest.raises(ValueError, match="expected 'VX 2024-09-18'"):
        parse_instrument(code)


def test_option_pays_what_is_in_the_money() -> None:
    assert VixOption(SEP, 20).intrinsic_pts(23.5) == 3.5
    assert VixOption(SEP, 20).intrinsic_pts(18) == 0
    assert VixOption(SEP, 20, is_call=False).intrinsic_pts(18) == 2


def test_instrument_has_settled_on_its_expiry() -> None:
    assert not has_expired(VixFuture(SEP), date(2024, 9, 17))
    assert has_expired(VixFuture(SEP), SEP)
    assert not has_expired(IndexNote("X"), date(2999, 1, 1))


def test_money_is_whole_for_every_tick() -> None:
    assert value_in_cents(-3, 100, to_ticks(20.1234) or 0) == -603702
    assert value_in_cents(1, 1000, to_ticks(20.1234) or 0) == 2012340
    assert to_ticks(float("nan")) is None
    assert to_ticks(float("inf")) is None


def test_money_rounds_longs_and_shorts_alike() -> None:
    assert [round_half_away(value) for value in (0.5, -0.5, 1.5, -1.5, 0.49)] == [1, -1, 2, -2, 0]
    assert to_cents(-1.005) == -to_cents(1.005)
    with pytest.raises(ValueError, match="amount"):
        to_cents(float("nan"))
