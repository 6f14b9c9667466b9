"""Turning points, product launches, and the reading of the reference tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from transforms.errors import PipelineError
from transforms.events import etp_launches, nber_turning_points
from transforms.events.etp import MultipleChange, ProductEvent, check_launches
from transforms.events.nber import check_turning_points
from transforms.events.tables import day_of, refuse_unknown_keys, text_of

POINTS = list(nber_turning_points())
LAUNCHES = {launch.product_id: launch for launch in etp_launches()}


@pytest.mark.parametrize(
    ("month", "kind", "announced"),
    [
        (date(1980, 1, 1), "peak", date(1980, 6, 3)),
        (date(1991, 3, 1), "trough", date(1992, 12, 22)),
        (date(2001, 3, 1), "peak", date(2001, 11, 26)),
        (date(2001, 11, 1), "trough", date(2003, 7, 17)),
        (date(2007, 12, 1), "peak", date(2008, 12, 1)),
        (date(2009, 6, 1), "trough", date(2010, 9, 20)),
        (date(2020, 2, 1), "peak", date(2020, 6, 8)),
        (date(2020, 4, 1), "trough", date(2021, 7, 19)),
    ],
)
def test_turning_point_became_known_on_the_day_announced(month: date, kind: str, announced: date) -> None:
    (point,) = [one for one in POINTS if one.month == month]
    assert (point.kind, point.announced_date) == (kind, announced)


def test_turning_points_were_announced_four_to_twenty_one_months_late() -> None:
    late = [(one.announced_date - one.month) for one in POINTS]
    assert timedelta(days=95) < min(late) <= max(late) < timedelta(days=670)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"month": date(2008, 1, 2)}, "month 2008-01-02"),
        ({"announced_date": date(2008, 11, 30)}, "Sunday"),
        ({"announced_date": date(2007, 12, 31)}, "announced on 2007-12-31"),
        ({"announced_date": date(2011, 1, 3)}, "announced 2011-01-03"),
        ({"month": date(2000, 1, 1)}, "after 2001-11-01"),
        ({"kind": "trough"}, "a trough after a trough"),
    ],
)
def test_turning_point_that_cannot_be_right_is_named(change: dict[str, object], found: str) -> None:
    points = [replace(one, **change) if one.month == date(2007, 12, 1) else one for one in POINTS]  # type: ignore[arg-type]
    with pytest.raises(PipelineError, match=r"(peak|trough) of \d{4}-\d{2}") as raised:
        check_turning_points(points)
    assert found in str(raised.value.found)


@pytest.mark.parametrize(
    ("product_id", "day", "multiple"),
    [
        ("svxy", date(2011, 9, 30), None),
        ("svxy", date(2018, 2, 27), -1.0),
        ("svxy", date(2018, 2, 28), -0.5),
        ("uvxy", date(2018, 2, 27), 2.0),
        ("uvxy", date(2018, 2, 28), 1.5),
        ("xiv", date(2018, 2, 15), -1.0),
        ("xiv", date(2018, 2, 16), None),
        ("vxx_series_a", date(2009, 1, 29), None),
        ("vxx_series_a", date(2009, 1, 30), 1.0),
        ("uvix", date(2026, 1, 5), 2.0),
    ],
)
def test_product_multiple_is_the_one_of_the_day(product_id: str, day: date, multiple: float | None) -> None:
    assert LAUNCHES[product_id].multiple_on(day) == multiple


def test_product_ticker_repeats_only_where_a_series_replaced_another() -> None:
    tickers = [launch.ticker for launch in etp_launches()]
    assert {ticker for ticker in tickers if tickers.count(ticker) > 1} == {"VXX", "VXZ"}


def test_products_come_by_launch() -> None:
    assert [launch.product_id for launch in etp_launches()][:2] == ["vxx_series_a", "vxz_series_a"]
    assert len(LAUNCHES) == 15


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"launch_date": date(2011, 10, 1)}, "multiples from"),
        ({"multiples": ()}, "multiples from []"),
        ({"multiples": (MultipleChange(date(2011, 10, 3), -1.0), MultipleChange(date(2011, 10, 3), 1.0))}, "multiples"),
        ({"multiples": (MultipleChange(date(2011, 10, 3), 0.0),)}, "a multiple of 0"),
        (
            {"multiples": (MultipleChange(date(2011, 10, 3), 1.0), MultipleChange(date(2018, 2, 28), 1.0))},
            "same multiple",
        ),
        ({"end_date": date(2020, 1, 2)}, "reason None"),
        ({"end_reason": "matured"}, "reason 'matured'"),
        ({"end_date": date(2018, 2, 28), "end_reason": "matured"}, "end 2018-02-28"),
        ({"end_date": date(2020, 1, 4), "end_reason": "matured"}, "Saturday"),
        ({"events": (ProductEvent(date(2011, 10, 3), "split"),)}, "events on"),
    ],
)
def test_launch_that_cannot_be_right_is_named(change: dict[str, object], found: str) -> None:
    with pytest.raises(PipelineError, match="svxy") as raised:
        check_launches([replace(LAUNCHES["svxy"], **change)])  # type: ignore[arg-type]
    assert found in str(raised.value.found)


@pytest.mark.parametrize("found", [None, "2024-01-02", 20240102, datetime(2024, 1, 2, 3)])  # noqa: DTZ001
def test_table_value_that_is_no_date_is_an_error(found: object) -> None:
    with pytest.raises(PipelineError, match="an entry"):
        day_of({"day": found}, "day", "table", "an entry")


@pytest.mark.parametrize("found", [None, "", "  ", 3])
def test_table_value_that_says_nothing_is_an_error(found: object) -> None:
    with pytest.raises(PipelineError, match="an entry"):
        text_of({"text": found}, "text", "table", "an entry")


def test_table_key_that_no_loader_reads_is_an_error() -> None:
    with pytest.raises(PipelineError, match="an entry") as raised:
        refuse_unknown_keys({"anounced": 1}, {"announced"}, "table", "an entry")
    assert "anounced" in str(raised.value.found)
