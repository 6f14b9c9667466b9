"""``alvh recalibrate`` and what ``alvh verify`` and ``alvh status`` say of it, as a user types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.commands import Commands
from tests.support.market import LAST
from tests.support.nights import have_first_night
from tests.support.shared import SharedFolders
from tests.support.shell import Shell


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, shared_folders: SharedFolders) -> Path:
    """A home with one night on the made-up market, which ends on a Friday."""
    begun = shared_folders.get("first-night", have_first_night)
    return shutil.copytree(begun / "home", tmp_path_factory.mktemp("recalibrate") / "home")


@pytest.fixture
def commands(home: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(home, capsys)


def test_recalibrate_stores_once_says_so_and_is_verified(commands: Commands) -> None:
    first = Shell(commands.home).alvh("recalibrate").stdout
    assert first.startswith(f"calibrated after {LAST}, used from 2025-09-15: betas ")
    path = Path(first.rsplit("calibration: ", 1)[1].strip())
    assert path == commands.home / "calibrations" / "2025-09-15.json"
    body = path.read_bytes()
    again = commands.run("recalibrate").out
    assert again.startswith(f"nothing new: the week to {LAST} is calibrated already")
    assert path.read_bytes() == body
    said = json.loads(commands.run("recalibrate", "--json").out)
    assert (said["outcome"], said["file"], said["differences"]) == ("nothing_new", str(path), [])
    assert said["calibration"]["values"] == json.loads(body)["values"]
    verified = commands.run("verify").out
    assert "1 stored calibrations, " in verified
    assert " MB: as it was written" in verified
    assert f"calibrated         0  calibrated after {LAST}" in commands.run("status").out


def test_recalibrate_as_of_a_day_takes_the_week_that_had_ended(commands: Commands) -> None:
    said = json.loads(commands.run("recalibrate", "--as-of", "2025-08-21", "--json").out)
    assert said["calibration"]["calibrated_on_date"] == "2025-08-15"
    assert said["calibration"]["used_from_date"] == "2025-08-18"


def test_recalibrate_refuses_a_damaged_file_with_code_4(commands: Commands) -> None:
    path = Path(json.loads(commands.run("recalibrate", "--as-of", "2025-08-08", "--json").out)["file"])
    body = path.read_bytes()
    path.write_bytes(body.replace(b'"beta_calibration_status": "', b'"beta_calibration_status": "x'))
    try:
        said = commands.run("recalibrate", code=4).err
        assert "a stored calibration cannot be used" in said
        assert str(path) in said
        assert "content of hash" in said
        assert (
            f"calibrations: a stored calibration cannot be used\n  where:    {path}"
            in commands.run("verify", code=4).out
        )
    finally:
        path.write_bytes(body)


@pytest.mark.parametrize("as_of", ["2025-06-03", "2999-01-01", "friday"])
def test_recalibrate_of_a_day_that_cannot_be_is_a_usage_error(commands: Commands, as_of: str) -> None:
    said = commands.run("recalibrate", "--as-of", as_of, code=2)
    assert said.out == ""


def test_recalibrate_without_a_warehouse_is_a_usage_error(empty: Commands) -> None:
    said = empty.run("recalibrate", code=2)
    assert "nothing has been published yet" in said.err
