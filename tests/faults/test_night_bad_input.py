"""Bad input: each kind ends with its exit code, touches nothing published, and loses no file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.market import Market, contract_lines, write_market
from tests.support.nights import Trader
from transforms.errors import ChecksFailedError, PipelineError, SourceError
from transforms.formats import VX_HEADER

ACCESS_DENIED = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>'
HTML = "<!DOCTYPE html><html><body>Just a moment...</body></html>"


def _spoil(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def _cut(text: str) -> str:
    return text[: len(text) * 2 // 3]


SPOILT_FILES: dict[str, tuple[Callable[[str], str], str]] = {
    "html": (lambda text: HTML, "web page or xml"),
    "xml": (lambda text: ACCESS_DENIED, "web page or xml"),
    "truncated": (_cut, "cut off"),
    "renamed column": (lambda text: text.replace("Settle", "Settlement", 1).replace("CLOSE", "LAST", 1), "header not"),
    "missing column": (lambda text: text.replace(",Settle", "", 1).replace(",CLOSE", "", 1), "header not found"),
    "empty": (lambda text: "", "no bytes"),
}


@pytest.mark.parametrize("kind", SPOILT_FILES)
@pytest.mark.parametrize("which", ["front contract", "VIX"])
def test_night_with_a_spoilt_required_file_ends_with_code_5_and_keeps_what_is_published(
    trader: Trader, market: Market, kind: str, which: str
) -> None:
    trader.begin()
    before, stored = trader.state(), trader.raw_bodies()
    spoil, words = SPOILT_FILES[kind]
    path = market.contract_path(market.front()[0]) if which == "front contract" else market.index_path("VIX")
    _spoil(path, spoil)

    with pytest.raises(SourceError, match=path.name) as caught:
        trader.run()

    assert caught.value.exit_code == 5
    assert words in str(caught.value.found).lower()
    assert trader.state() == before
    assert stored <= trader.raw_bodies()


def test_night_with_a_spoilt_first_download_keeps_every_other_file(trader: Trader, market: Market) -> None:
    _spoil(market.index_path("VIX"), lambda text: HTML)
    with pytest.raises(SourceError):
        trader.run()
    names = {Path(name).parent.name for name in trader.raw_bodies()}
    assert {market.contract_path(expiry).name for expiry in market.monthlies} <= names
    assert not trader.home.published.exists()


def test_night_after_the_publisher_mended_the_file_publishes(trader: Trader, market: Market) -> None:
    path = market.index_path("VIX")
    good = path.read_text(encoding="utf-8")
    _spoil(path, lambda text: HTML)
    with pytest.raises(SourceError):
        trader.run()
    path.write_text(good, encoding="utf-8")
    assert trader.run().exit_code == 0


def test_night_with_a_spoilt_expected_index_is_published_degraded_and_names_it(trader: Trader, market: Market) -> None:
    trader.begin()
    _spoil(market.index_path("VVIX"), lambda text: HTML)
    result = trader.run()
    assert result.exit_code == 3
    assert "VVIX_History.csv" in result.sentence
    report = json.loads((trader.home.reports / "latest" / "hedge-state.json").read_text(encoding="utf-8"))
    assert report["data_health"]["status"] == "degraded"
    assert any("VVIX" in reason for reason in report["data_health"]["reasons"])


def test_night_with_a_spoilt_index_goes_on_with_the_version_before(trader: Trader, market: Market) -> None:
    trader.begin()
    before = trader.rows("select count(*) from core.daily_index_levels where index_code = 'VVIX'")
    _spoil(market.index_path("VVIX"), lambda text: HTML)
    trader.run()
    assert trader.rows("select count(*) from core.daily_index_levels where index_code = 'VVIX'") == before


@pytest.mark.parametrize(
    ("factor", "reason"),
    # ten times is among the lies of a publisher
    [(4, "settle_far_from"), *(pytest.param(by, "settle_out_of", marks=pytest.mark.slow) for by in (10, 100))],
)
def test_night_with_a_contract_priced_at_another_scale_ends_with_code_4(
    trader: Trader, market: Market, factor: int, reason: str
) -> None:
    trader.begin()
    before = trader.state()
    expiry = market.front()[1]

    def scale(text: str) -> str:
        return re.sub(r"\d+\.\d{4}", lambda number: f"{float(number[0]) * factor:.4f}", text)

    market.edit(market.contract_path(expiry), scale)
    with pytest.raises(ChecksFailedError) as caught:
        trader.run()
    assert caught.value.exit_code == 4
    assert trader.state() == before
    record = max(trader.home.runs.glob("*.json"))
    assert reason in record.read_text(encoding="utf-8")


def test_night_whose_whole_newest_session_is_priced_tenfold_ends_with_code_4(trader: Trader, market: Market) -> None:
    trader.begin()
    before = trader.state()
    day = market.last.isoformat()

    def scale_last(text: str) -> str:
        lines = text.splitlines()
        scaled = [
            re.sub(r"\d+\.\d{4}", lambda number: f"{float(number[0]) * 10:.4f}", line) if line.startswith(day) else line
            for line in lines
        ]
        return "\n".join(scaled) + "\n"

    for expiry in [*market.front(), *[weekly for weekly in market.weeklies if weekly > market.last]]:
        market.edit(market.contract_path(expiry), scale_last)
    with pytest.raises(ChecksFailedError):
        trader.run()
    assert trader.state() == before


def test_night_with_another_contracts_rows_in_a_file_ends_with_code_4(trader: Trader, market: Market) -> None:
    trader.begin()
    before = trader.state()
    first, second = market.front()[:2]
    market.contract_path(first).write_text(
        "\n".join([VX_HEADER, *contract_lines(market, second)]) + "\n", encoding="utf-8"
    )
    with pytest.raises(ChecksFailedError) as caught:
        trader.run()
    assert "label_of_another_contract" in str(caught.value) or "newest" in str(caught.value)
    assert trader.state() == before


def test_night_with_a_climbing_path_in_the_contract_list_reads_nothing_outside_and_says_so(
    trader: Trader, market: Market, tmp_path: Path
) -> None:
    (tmp_path / "secret.csv").write_text("not yours\n", encoding="utf-8")
    weekly = market.weeklies[-1].isoformat()
    market.edit(
        market.list_path,
        lambda text: text.replace(
            f"data/us/futures/market_statistics/historical_data/VX/VX_{weekly}.csv", "../../secret.csv"
        ),
    )
    result = trader.run()
    assert result.exit_code == 3
    quarantined = trader.rows("select reason, line_text from ops.quarantined_rows where dataset = 'vx_contract_list'")
    assert [row[0] for row in quarantined] == ["path_is_not_the_contracts_own"]
    assert "../../secret.csv" in quarantined[0][1]
    assert not [name for name in trader.raw_bodies() if "secret" in name]


def test_night_with_a_contract_list_that_is_no_list_ends_with_code_5(trader: Trader, market: Market) -> None:
    trader.begin()
    before = trader.state()
    market.list_path.write_text('{"error": "try later"}', encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        trader.run()
    assert caught.value.exit_code == 5
    assert trader.state() == before


def test_night_with_a_file_missing_from_the_archive_goes_on_with_the_stored_one(trader: Trader, market: Market) -> None:
    trader.begin()
    past = market.monthlies[0]
    market.contract_path(past).unlink()
    assert trader.run().exit_code == 0


def test_night_without_any_contract_file_ends_with_code_5(trader: Trader, market: Market) -> None:
    for expiry in [*market.monthlies, *market.weeklies]:
        market.contract_path(expiry).unlink()
    with pytest.raises(SourceError) as caught:
        trader.run()
    assert caught.value.exit_code == 5


def test_night_without_the_front_month_ends_with_code_4(trader: Trader, market: Market) -> None:
    market.contract_path(market.front()[0]).unlink()
    with pytest.raises(ChecksFailedError) as caught:
        trader.run()
    assert "skips_no_month" in str(caught.value)


def test_every_error_says_what_where_found_expected_and_next(trader: Trader, market: Market) -> None:
    _spoil(market.index_path("VIX"), lambda text: HTML)
    with pytest.raises(PipelineError) as caught:
        trader.run()
    error = caught.value
    assert all([error.what, error.where, error.found, error.expected, error.next_step])


def test_run_record_of_a_refused_night_says_how_it_ended(trader: Trader, market: Market) -> None:
    _spoil(market.index_path("VIX"), lambda text: HTML)
    with pytest.raises(SourceError):
        trader.run()
    record = json.loads(max(trader.home.runs.glob("*.json")).read_text(encoding="utf-8"))
    assert (record["outcome"], record["exit_code"]) == ("source_unavailable", 5)
    assert record["error"]


def test_home_of_a_real_market_refuses_a_simulated_one(trader: Trader, market: Market) -> None:
    trader.begin()
    with pytest.raises(PipelineError, match="holds another market") as caught:
        trader.run(market="simulated sample")
    assert caught.value.exit_code == 2


def test_market_of_the_tests_is_clean(tmp_path: Path, trader: Trader) -> None:
    # the baseline of every test above: unspoilt, the market publishes without a word
    write_market(tmp_path / "again")
    result = trader.run()
    assert (result.exit_code, result.outcome) == (0, "published")
