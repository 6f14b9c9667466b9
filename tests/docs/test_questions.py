"""Every question of the documentation runs on a published warehouse and gets an answer.

The market is simulated: the answers are made up, the columns are not.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.sample import SAMPLE_YEARS, first_session_of, write_simulated_archive
from tests.support.nights import Trader, evening_of
from transforms.simulate import DEFAULT_SEED
from warehouse.home import Home

DOCS = Path(__file__).resolve().parents[2] / "docs"
LAST = date(2026, 1, 16)
# As many as the sample has.
YEARS = SAMPLE_YEARS

COLUMNS = {
    1: "trade_date vix_close_pts vol_level contango_frac curve_state curve_regime days_in_regime",
    2: "signal signal_status status_column",
    3: "vol_level sessions mean_slope_frac in_contango_frac",
    4: "from_date to_date sessions",
    5: "trade_date vix_close_pts ts_macd_log ts_macd_signal_log ts_macd_histogram_log",
    6: "year vx1 vx2 vix_to_spx",
    7: "trade_date breadth_source ad_divergence_z spx_from_high_frac",
    8: "trade_date spx_from_high_frac spx_rsi14 vix_over_rv21_frac contango_frac",
    9: "trade_date cpi_known_date cpi_known_basis cpi_yoy_frac cpi_surprise_frac cpi_surprise_z cpi_surprise_status",
    10: "trade_date next_fomc_date sessions_to_fomc_decision next_cpi_date next_cpi_basis "
    "chain_implied_future_pts chain_parity_gap_pts chain_status",
}
"""What each answer must show, by the number of its question."""

_QUESTION = re.compile(r"^\*\*(\d+)\. [^\n]*\?\*\*(.*?)^\$ (alvh query .*?)$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (alvh query .*)$", re.MULTILINE)

Ask = Callable[[str], list[dict[str, Any]]]


def questions() -> dict[int, str]:
    text = (DOCS / "questions.md").read_text(encoding="utf-8")
    return {int(number): line for number, _, line in _QUESTION.findall(text)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A published warehouse of a simulated market."""
    folder = tmp_path_factory.mktemp("questions")
    write_simulated_archive(folder / "market", first_session_of(LAST, YEARS), LAST, DEFAULT_SEED)
    home = Home(folder / "home")
    home.prepare()
    result = Trader(home, folder / "market", evening_of(LAST)).run()
    assert result.exit_code == 0
    return home


@pytest.fixture(scope="module")
def ask(home: Home) -> Iterator[Ask]:
    """Runs a line of the documentation as it stands; its rows."""

    def run(line: str) -> list[dict[str, Any]]:
        arguments = [*shlex.split(line)[1:], "--home", str(home.path), "--format", "json"]
        said = CliRunner().invoke(app, arguments)
        assert said.exit_code == 0, said.output
        return list(json.loads(said.stdout))

    return run


def test_each_of_the_ten_questions_has_a_command() -> None:
    asked = questions()
    assert set(asked) == set(COLUMNS) == set(range(1, 11))
    assert list(asked.values()) == _COMMAND.findall((DOCS / "questions.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("number", COLUMNS)
def test_question_is_answered_with_its_columns(ask: Ask, number: int) -> None:
    answer = ask(questions()[number])
    assert answer != []
    assert " ".join(answer[0]) == COLUMNS[number]


@pytest.mark.parametrize("page", ["methodology.md", "signals.md"])
def test_other_queries_of_the_page_are_answered(ask: Ask, page: str) -> None:
    for line in _COMMAND.findall((DOCS / page).read_text(encoding="utf-8")):
        assert ask(line) != []
