"""Nights whose build was made before: for tests of what happens around a build, not of what is in it.

A warehouse is a pure function of what is stored and of the policies, so a night that builds the same again may take
the file of the night before it, under its own name. Checks, publishing, records and report files are the real ones.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from flows import steps
from flows.night import Night
from flows.run import Steps
from tests.support import nights
from tests.support.market import LAST, Market, write_market
from tests.support.nights import QUICK, Trader, evening_of
from tests.support.shared import SharedFolders
from transforms.errors import PipelineError
from warehouse.build import Built
from warehouse.hedge_states import PolicyInForce
from warehouse.home import Home

NEXT = date(2025, 9, 16)
"""The newest session of the market of :func:`have_next_night`; it adds two."""


def have_next_night(first: Path) -> Callable[[Path], None]:
    """Return what fills a folder: the market moved on to `NEXT`, and the home, build and charts of a night on it.

    Parameters
    ----------
    first
        What :func:`tests.support.nights.have_first_night` made.
    """

    def make(folder: Path) -> None:
        shutil.copytree(first / "home", folder / "home")
        write_market(folder / "archive").extend_to(NEXT)
        trader = Trader(Home(folder / "home"), folder / "archive", evening_of(LAST), nights=1)
        trader.run(replace(QUICK, build=_keeping(folder)))
        charts = [[*key, text] for key, text in nights._CHARTS.items()]
        (folder / "charts.json").write_text(json.dumps(charts), encoding="utf-8")

    return make


def _keeping(folder: Path) -> Callable[[Night, Sequence[PolicyInForce]], Built]:
    def build(night: Night, policies: Sequence[PolicyInForce]) -> Built:
        # With its comments, which readers of the home may look at.
        built = steps.build_step(night, policies)
        shutil.copyfile(built.path, folder / "built.duckdb")
        about = {"rows": built.rows, "last_session": str(built.last_session)}
        (folder / "built.json").write_text(json.dumps(about), encoding="utf-8")
        return built

    return build


def kept_steps(folder: Path) -> Steps:
    """Return steps that take the build, and the charts, of what :func:`have_next_night` made."""
    for *key, text in json.loads((folder / "charts.json").read_text(encoding="utf-8")):
        nights._CHARTS[(key[0], key[1], key[2])] = text
    about: dict[str, Any] = json.loads((folder / "built.json").read_text(encoding="utf-8"))
    return _taking(folder / "built.duckdb", about["rows"], date.fromisoformat(about["last_session"]))


def first_steps(first: Path) -> Steps:
    """Return steps that take the warehouse of a first night: for nights on its market, under its policy."""
    (record,) = (first / "home" / "runs").glob("*.json")
    rows: dict[str, int] = json.loads(record.read_text(encoding="utf-8"))["rows"]
    return _taking(first / "home" / "alvh.duckdb", rows, LAST)


def _taking(built: Path, rows: dict[str, int], last_session: date) -> Steps:
    def build(night: Night, policies: Sequence[PolicyInForce]) -> Built:
        try:
            shutil.copyfile(built, night.build_path)
        except OSError as error:  # as a build that finds no room
            raise PipelineError("the next warehouse cannot be built", found=str(error), next_step="as told") from error
        with duckdb.connect(str(night.build_path)) as connection:
            connection.execute("update ref.run set run_id = ?", [night.run_id])
        return Built(night.build_path, rows, last_session)

    return replace(QUICK, build=build)


def go_to_next(trader: Trader, market: Market, shared: SharedFolders) -> Steps:
    """Take over a first night, move the market on to `NEXT`, and return the steps of nights on it."""
    trader.begin()
    market.extend_to(NEXT)
    first = trader.begun
    assert first is not None
    return kept_steps(next_night(shared, first))


def next_night(shared: SharedFolders, first: Path) -> Path:
    """Return the folder of the second night of the test run."""
    return shared.get("next-night", have_next_night(first))
