"""A night meets stored calibrations: it takes them as they were stored, and publishes nothing on a damaged one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flows.recalibration import recalibrate_home
from tests.support.nights import Trader
from transforms.errors import ChecksFailedError
from warehouse.stored_calibrations import StoredCalibration, folder_of

WEEKS = "select calibrated_on_date::varchar, is_stored from mart.weekly_calibrations order by 1 desc limit 2"
NOW = datetime(2025, 9, 13, 16, 30, tzinfo=UTC)


@pytest.fixture
def stored(trader: Trader) -> StoredCalibration:
    trader.begin()
    found = recalibrate_home(trader.home, now=NOW, run_id="20250913T163000.000Z").stored
    assert found is not None
    return found


def test_night_publishes_the_stored_calibration(trader: Trader, stored: StoredCalibration) -> None:
    assert trader.rows(WEEKS) == [("2025-09-12", False), ("2025-09-05", False)]
    assert trader.run().exit_code == 0
    assert trader.rows(WEEKS) == [("2025-09-12", True), ("2025-09-05", False)]
    query = "select content_sha256, used_from_date::varchar from ref.stored_calibrations"
    assert trader.rows(query) == [(stored.content_sha256, "2025-09-15")]


def test_night_does_not_publish_on_a_damaged_calibration(trader: Trader, stored: StoredCalibration) -> None:
    path = folder_of(trader.home) / stored.file_name
    path.write_bytes(path.read_bytes().replace(b'"rv_observed_sessions": ', b'"rv_observed_sessions": 1'))
    before = trader.state()
    with pytest.raises(ChecksFailedError) as refused:
        trader.run()
    assert (refused.value.exit_code, refused.value.where) == (4, str(path))
    assert trader.state() == before
    path.unlink()
    assert trader.run().exit_code == 0
