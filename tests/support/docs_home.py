"""The published warehouse that the documentation asks: a simulated market that is the same each time.

``python -m tests.support.docs_home`` makes it anew and writes the answers of ``docs/questions.md`` into the page.
"""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

from typer.testing import CliRunner

from flows.cli import app
from flows.night import Night
from flows.sample import SAMPLE_YEARS, first_session_of, write_simulated_archive
from flows.sources.choice import market_of
from tests.support.nights import QUICK, Trader, evening_of
from tests.support.pages import DOCS, read
from transforms.simulate import DEFAULT_SEED
from warehouse.home import Home
from warehouse.reports import WrittenReport

LAST = date(2026, 1, 16)
"""Newest session of the market that the pages show: with it and the default seed, every value is the same each time."""

ANSWERED = re.compile(r"^\$ (alvh query .*)\n((?:(?!\$ |```).*\n)+)", re.MULTILINE)
"""A command with the answer shown below it."""


def publish_docs_home(folder: Path) -> None:
    """Run one night on the market of the pages: the home is ``folder/home``."""
    # As many years as the sample has.
    archive = folder / "market"
    write_simulated_archive(archive, first_session_of(LAST, SAMPLE_YEARS), LAST, DEFAULT_SEED)
    home = Home(folder / "home")
    home.prepare()
    trader = Trader(home, archive, evening_of(LAST))
    result = trader.run(replace(QUICK, report=_no_report), market=market_of("archive", archive))
    assert result.exit_code == 0


def answer(home: Home, line: str) -> str:
    """What a command of a page prints."""
    said = CliRunner().invoke(app, [*shlex.split(line)[1:], "--home", str(home.path)])
    assert said.exit_code == 0, said.output
    return said.stdout


def fill_answers(text: str, ask: Callable[[str], str]) -> str:
    """Return a page with every shown answer replaced by the answer of today."""
    return ANSWERED.sub(lambda found: f"$ {found[1]}\n{ask(found[1])}", text)


def _no_report(night: Night, *_: object) -> WrittenReport:
    """Instead of the report step: no page here shows a report, and its charts would be most of the time."""
    return WrittenReport(night.home.reports / "none.html", "ok", [], "no report")


def main() -> None:
    """Write the answers of today into the pages that show any."""
    page = DOCS / "questions.md"
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(sys.argv[1])) if len(sys.argv) > 1 else Home(Path(folder) / "home")
        if len(sys.argv) == 1:
            publish_docs_home(Path(folder))
        page.write_text(fill_answers(read(page), lambda line: answer(home, line)), encoding="utf-8")


if __name__ == "__main__":
    main()
