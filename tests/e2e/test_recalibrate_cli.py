"""``alvh recalibrate`` and what ``alvh verify`` and ``alvh status`` say of it, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.market import LAST, write_market
from tests.support.nights import Trader, evening_of
from tests.support.shell import Shell
from warehouse.home import Home


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A home with one night on the made-up market, which ends on a Friday."""
    folder = tmp_path_factory.mktemp("recalibrate")
    market = write_market(folder / "archive")
    Trader(Home(folder / "home"), market.root, evening_of(LAST)).run()
    return Shell(folder / "home")


def test_recalibrate_stores_once_says_so_and_is_verified(shell: Shell) -> None:
    first = shell.alvh("recalibrate").stdout
    assert first.startswith(f"calibrated after {LAST}, used from 2025-09-15: betas ")
    path = Path(first.rsplit("calibration: ", 1)[1].strip())
    assert path == shell.home / "calibrations" / "2025-09-15.json"
    body = path.read_bytes()
    again = shell.alvh("recalibrate").stdout
    assert again.startswith(f"nothing new: the week to {LAST} is calibrated already")
    assert path.read_bytes() == body
    said = json.loads(shell.alvh("recalibrate", "--json").stdout)
    assert (said["outcome"], said["file"], said["differences"]) == ("nothing_new", str(path), [])
    assert said["calibration"]["values"] == json.loads(body)["values"]
    verified = shell.alvh("verify").stdout
    assert "1 stored calibrations, " in verified
    assert " MB: as it was written" in verified
    assert f"calibrated         0  calibrated after {LAST}" in shell.alvh("status").stdout


def test_recalibrate_as_of_a_day_takes_the_week_that_had_ended(shell: Shell) -> None:
    said = json.loads(shell.alvh("recalibrate", "--as-of", "2025-08-21", "--json").stdout)
    assert said["calibration"]["calibrated_on_date"] == "2025-08-15"
    assert said["calibration"]["used_from_date"] == "2025-08-18"


def test_recalibrate_refuses_a_damaged_file_with_code_4(shell: Shell) -> None:
    path = Path(json.loads(shell.alvh("recalibrate", "--as-of", "2025-08-08", "--json").stdout)["file"])
    body = path.read_bytes()
    path.write_bytes(body.replace(b'"beta_calibration_status": "', b'"beta_calibration_status": "x'))
    try:
        said = shell.alvh("recalibrate", code=4).stderr
        assert "a stored calibration cannot be used" in said
        assert str(path) in said
        assert "content of hash" in said
        assert (
            f"calibrations: a stored calibration cannot be used\n  where:    {path}"
            in shell.alvh("verify", code=4).stdout
        )
    finally:
        path.write_bytes(body)


@pytest.mark.parametrize("as_of", ["2025-06-03", "2999-01-01", "friday"])
def test_recalibrate_of_a_day_that_cannot_be_is_a_usage_error(shell: Shell, as_of: str) -> None:
    said = shell.alvh("recalibrate", "--as-of", as_of, code=2)
    assert said.stdout == ""


def test_recalibrate_without_a_warehouse_is_a_usage_error(tmp_path: Path) -> None:
    said = Shell(tmp_path / "none").alvh("recalibrate", code=2)
    assert "nothing has been published yet" in said.stderr
