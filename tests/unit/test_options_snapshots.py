"""Which session a snapshot belongs to. Times in comments are New York's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from transforms.options.snapshots import choose_snapshots, option_sessions, session_of_snapshot

SESSIONS = option_sessions(date(2025, 11, 3), date(2026, 1, 30))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("snapshot", "session"),
    [
        ("2025-11-17 23:35", date(2025, 11, 17)),  # 18:35 on a Monday
        ("2025-11-18 05:00", date(2025, 11, 17)),  # midnight
        ("2025-11-18 14:20", date(2025, 11, 17)),  # 9:20 the next morning
        ("2025-11-17 21:30", date(2025, 11, 17)),  # 16:30: shows the quotes of the close
        ("2025-11-22 20:00", date(2025, 11, 21)),  # a Saturday
        ("2025-11-27 20:00", date(2025, 11, 26)),  # Thanksgiving
        ("2025-11-28 18:30", date(2025, 11, 28)),  # short day: closed at 13:15
        ("2025-12-24 18:30", date(2025, 12, 24)),  # short day that XCBF does not know
    ],
)
def test_snapshot_after_the_close_belongs_to_its_session(snapshot: str, session: date) -> None:
    found = session_of_snapshot(utc(snapshot), SESSIONS)
    assert (found.session_date, found.status) == (session, "after_the_close")


@pytest.mark.parametrize(
    "snapshot",
    [
        "2025-11-18 14:45",  # 9:45: shows the quotes of the open
        "2025-11-18 18:00",
        "2025-11-18 21:29",  # 16:29: the quotes are of 16:14
        "2025-11-28 18:29",
    ],
)
def test_snapshot_of_an_open_market_belongs_to_no_session(snapshot: str) -> None:
    found = session_of_snapshot(utc(snapshot), SESSIONS)
    assert (found.session_date, found.status) == (None, "taken_during_the_session")


@pytest.mark.parametrize("snapshot", ["2025-10-01 23:00", "2026-01-30 23:00"])
def test_snapshot_outside_the_given_sessions_is_not_guessed(snapshot: str) -> None:
    assert session_of_snapshot(utc(snapshot), SESSIONS).status == "outside_the_calendar"


@pytest.mark.parametrize(
    ("snapshot", "is_extended"),
    [
        ("2025-11-18 01:29", False),  # Monday 20:29: quotes of 20:14
        ("2025-11-18 01:30", True),
        ("2025-11-22 03:44", False),  # Friday night: extended hours begin on Sunday
        ("2025-11-24 02:00", True),  # Sunday 21:00
    ],
)
def test_snapshot_in_extended_hours_is_marked(snapshot: str, is_extended: bool) -> None:
    assert session_of_snapshot(utc(snapshot), SESSIONS).is_in_extended_hours is is_extended


def frame(*snapshots: str, index: str | None = None) -> pd.DataFrame:
    stamps = [utc(text) for text in snapshots]
    shown = utc(index) if index else None
    return pd.DataFrame({"snapshot_at_utc": stamps, "index_at_utc": pd.Series([shown] * len(stamps), dtype=object)})


def test_first_snapshot_after_the_close_is_used() -> None:
    nights = ("18 16:30", "18 02:00", "17 23:35", "17 19:00", "17 23:35")
    chosen = choose_snapshots(frame(*(f"2025-11-{night}" for night in nights)))
    assert chosen["status"].tolist() == [
        "taken_during_the_session",
        "used",
        "later_than_another",
        "taken_during_the_session",
    ]
    assert chosen["trade_date"].dt.date.tolist()[1:3] == [date(2025, 11, 17)] * 2
    assert chosen["trade_date"].isna().tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("index", "status"),
    [
        (None, "used"),
        ("2025-11-17 21:15", "used"),
        ("2025-11-14 21:15", "index_of_another_session"),  # an old copy
        ("2025-11-18 09:00", "index_of_another_session"),  # the next morning's extended hours
    ],
)
def test_snapshot_showing_the_index_of_another_day_is_not_used(index: str | None, status: str) -> None:
    assert choose_snapshots(frame("2025-11-18 12:00", index=index))["status"].tolist() == [status]


def test_snapshot_that_is_not_used_leaves_its_session_to_the_next() -> None:
    stale, sound = frame("2025-11-17 22:00", index="2025-11-14 21:15"), frame("2025-11-17 23:35")
    assert choose_snapshots(pd.concat([stale, sound]))["status"].tolist() == ["index_of_another_session", "used"]


def test_no_snapshots_give_the_columns_all_the_same() -> None:
    chosen = choose_snapshots(frame())
    assert chosen.dtypes.equals(choose_snapshots(frame("2025-11-17 23:35")).dtypes)
    assert len(chosen) == 0


def test_sessions_close_a_quarter_of_an_hour_after_equities() -> None:
    hours = {session.session_date: session.close_at_utc for session in SESSIONS}
    assert hours[date(2025, 11, 17)] == utc("2025-11-17 21:15")
    assert hours[date(2025, 11, 28)] - utc("2025-11-28 18:00") == timedelta(minutes=15)
