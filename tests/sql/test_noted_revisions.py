"""What a build notes of the published warehouse for its checks: a publisher's doing, not that of other code."""

from __future__ import annotations

import shutil
from datetime import date

import duckdb
import pytest

from tests.support.bench import Bench, rows, vx_line

FRONT, MONDAY, TUESDAY = date(2025, 9, 17), date(2025, 9, 8), date(2025, 9, 9)
NOTED = (
    "select trade_date, column_name, round(old_value::double, 2), round(new_value::double, 2) from ops.value_revisions"
)


def publish(bench: Bench, *, code: str | None) -> None:
    """Publish what has been landed, as built by this code or by other code."""
    shutil.copyfile(bench.build_file(run_id="earlier").path, bench.home.published)
    if code is not None:
        with duckdb.connect(str(bench.home.published)) as connection:
            connection.execute("update ref.run set code_sha256 = ?", [code])


@pytest.fixture
def two_sessions(bench: Bench) -> Bench:
    bench.contract(FRONT, vx_line(MONDAY, FRONT, 17), vx_line(TUESDAY, FRONT, 17.5))
    return bench


def test_restated_settlement_is_noted_for_the_checks(two_sessions: Bench) -> None:
    publish(two_sessions, code=None)
    two_sessions.contract(FRONT, vx_line(MONDAY, FRONT, 17.4, prices="17,17,17,17"), vx_line(TUESDAY, FRONT, 17.5))
    found = rows(two_sessions.build(), NOTED + " where column_name = 'settle_pts'")
    assert found == [(MONDAY, "settle_pts", 17.0, 17.4)]


def test_what_other_code_changed_is_not_noted_but_a_session_that_is_gone_is(two_sessions: Bench) -> None:
    publish(two_sessions, code="other")
    two_sessions.contract(FRONT, vx_line(MONDAY, FRONT, 17.4, prices="17,17,17,17"))
    found = rows(two_sessions.build(), NOTED + " where column_name = 'settle_pts'")
    assert found == [(TUESDAY, "settle_pts", 17.5, None)]
