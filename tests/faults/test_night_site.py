"""A night writes the pages around its report, and publishes whether or not they can be written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.nights import Trader, report_with_pages
from tests.support.site_fixtures import parse_page


def test_night_writes_index_and_checks_of_its_session_and_is_published_where_they_cannot_be_written(
    trader: Trader, capsys: pytest.CaptureFixture[str]
) -> None:
    trader.begin()
    with_site = replace(trader.do, report=report_with_pages)
    result = trader.run(with_site)
    assert result.exit_code == 0
    assert f"{result.as_of}/hedge-state.html" in parse_page(trader.home.reports / "index.html").links
    checks = (trader.home.reports / str(result.as_of) / "checks.html").read_text(encoding="utf-8")
    for (name,) in trader.rows("select check_name from ops.check_results where kind = 'sql'"):
        assert f'id="{name}"' in checks

    (trader.home.reports / "index.html").unlink()
    (trader.home.reports / "index.html").mkdir()
    result = trader.run(with_site)
    assert (result.exit_code, result.outcome) == (0, "published")
    assert result.report is not None
    assert result.report.is_file()
    assert "site     not written: a file could not be written" in capsys.readouterr().err
    assert not list(trader.home.reports.rglob("*.tmp"))
