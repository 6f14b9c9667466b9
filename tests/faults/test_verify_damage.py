"""A flipped byte is found wherever it is: in every kind of file that a night leaves behind."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.policy_texts import parse_policy_text
from flows.verification import verify_and_describe
from tests.faults.test_night_history import _restate
from tests.support.market import LAST, Market, write_market
from tests.support.nights import Trader, evening_of, have_first_night
from tests.support.shared import SharedFolders
from transforms.errors import ChecksFailedError
from warehouse.governance.findings import Finding, VerifyReport
from warehouse.governance.verify import verify_home
from warehouse.home import Home
from warehouse.raw_store import render_sidecar

KINDS: dict[str, Callable[[Home], Iterator[Path]]] = {
    "raw body": lambda home: (path for path in home.raw.glob("*/*/*") if path.suffix == ".csv"),
    "sidecar": lambda home: home.raw.glob("*/*/*.meta.json"),
    "versions seen": lambda home: home.raw.glob("*/*/observed.jsonl"),
    "published": lambda home: iter([home.published]),
    "earlier": lambda home: home.earlier.glob("*.duckdb"),
    "policy log": lambda home: iter([home.path / "policy" / "log.jsonl"]),
    "adopted policy": lambda home: (home.path / "policy" / "versions").glob("*.toml"),
    "run record": lambda home: home.runs.glob("*.json"),
    "report": lambda home: home.reports.glob("2*/hedge-state.*"),
    "list of a report's hashes": lambda home: home.reports.glob("2*/SHA256SUMS"),
}
AREAS = {
    "raw body": {"raw"},
    "sidecar": {"raw"},
    "versions seen": {"raw"},
    "published": {"warehouse"},
    "earlier": {"warehouse"},
    # an entry that is not there any more is missed by the records that name it
    "policy log": {"log", "policy", "runs"},
    "adopted policy": {"policy"},
    "run record": {"runs", "log", "raw"},
    "report": {"reports"},
    "list of a report's hashes": {"reports"},
}


def have_two_nights(folder: Path, begun: Path) -> None:
    """A home with a restated file: two versions, an earlier warehouse, two records."""
    market = write_market(folder / "archive")
    trader = Trader(Home(folder / "home"), market.root, evening_of(LAST), begun=begun)
    trader.begin()
    _restate(market)
    trader.run()


@pytest.fixture(scope="module")
def two_nights(shared_folders: SharedFolders) -> Path:
    begun = shared_folders.get("first-night", have_first_night)
    return shared_folders.get("two-nights", lambda folder: have_two_nights(folder, begun)) / "home"


@pytest.fixture
def home(two_nights: Path, tmp_path: Path) -> Home:
    shutil.copytree(two_nights, tmp_path / "home")
    return Home(tmp_path / "home")


def verify(home: Home) -> VerifyReport:
    return verify_home(home, hash_policy=lambda body: parse_policy_text(body, "policy").policy_hash)


def errors(home: Home) -> list[Finding]:
    return [finding for finding in verify(home).findings if finding.is_error]


def test_home_of_two_nights_is_sound_and_says_what_was_looked_at(home: Home) -> None:
    text, is_sound = verify_and_describe(home, [], as_json=False)
    assert is_sound
    looked_at, left = text.splitlines()
    for part in ("2 warehouses", "6 report files", "2 run records", "6 log entries", " MB: as it was written"):
        assert part in looked_at
    assert left == "not looked at: private keys"
    document = json.loads(verify_and_describe(home, [], as_json=True)[0])
    assert document["not_looked_at"] == ["private keys"]
    assert document["bytes"] > 1_000_000
    assert document["checked"]["identities"] >= 3


def flip(path: Path, place: int, mask: int) -> bytes:
    body = path.read_bytes()
    path.write_bytes(body[:place] + bytes([body[place] ^ mask]) + body[place + 1 :])
    return body


@pytest.mark.parametrize("flips", [pytest.param(1), pytest.param(30, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", KINDS)
def test_flipped_byte_is_found_in_every_kind_of_file(home: Home, kind: str, flips: int) -> None:
    draw = random.Random(f"{kind} {flips}")  # noqa: S311 - which byte, not a secret
    paths = sorted(KINDS[kind](home))
    assert paths
    for _ in range(flips):
        path = draw.choice(paths)
        place, mask = draw.randrange(path.stat().st_size), 1 << draw.randrange(8)
        whole = flip(path, place, mask)
        found = errors(home)
        said = f"{path.name}, byte {place}, {mask}: {whole[max(0, place - 20) : place + 20]!r}"
        assert found, said
        assert {finding.area for finding in found} <= AREAS[kind], said
        path.write_bytes(whole)
    assert errors(home) == []


def test_finding_names_the_file_what_is_lost_and_what_to_do(home: Home) -> None:
    path = next(path for path in sorted(home.raw.glob("*/*/*.csv")) if len(list(path.parent.glob("*.csv"))) == 2)
    versions = [json.loads(line)["sha256"] for line in (path.parent / "observed.jsonl").read_text().splitlines()]
    for sha256, lost in zip(
        versions, ("a superseded version: what was known", "the version that nights read"), strict=True
    ):
        body = path.parent / f"{sha256[:16]}.csv"
        whole = flip(body, 5, 1)
        text, is_sound = verify_and_describe(home, [], as_json=False)
        assert not is_sound
        assert f"  where:    {body}" in text
        assert f"  lost:     {lost}" in text
        assert "  next:     copy it back" in text
        body.write_bytes(whole)


def test_body_and_sidecar_changed_together_are_found_by_what_was_published(home: Home) -> None:
    sidecar = min(home.raw.glob("fred/*/*.meta.json"))
    note = json.loads(sidecar.read_text(encoding="utf-8"))
    sidecar.write_bytes(render_sidecar({**note, "fetched_at_utc": "2020-01-01T00:00:00Z"}))
    found = errors(home)
    assert [(finding.where, finding.what) for finding in found] == [
        (str(sidecar), "a sidecar is not the one that the published warehouse lists")
    ]


def test_version_taken_away_with_every_trace_of_it_is_found_by_what_was_published(home: Home) -> None:
    folder = next(
        path.parent for path in sorted(home.raw.glob("*/*/observed.jsonl")) if path.read_bytes().count(b"\n") == 2
    )
    first, second = (folder / "observed.jsonl").read_bytes().splitlines(keepends=True)
    gone = json.loads(first)["sha256"]
    for path in folder.glob(f"{gone[:16]}*"):
        path.unlink()
    (folder / "observed.jsonl").write_bytes(second)
    assert any(
        "published warehouse lists is gone" in finding.what or "changed" in finding.what for finding in errors(home)
    )


def test_missing_and_strange_files_are_named(home: Home) -> None:
    body = min(home.raw.glob("fred/*/*.csv"))
    body.unlink()
    (home.raw / "fred" / "notes.txt").write_text("mine", encoding="utf-8")
    (home.raw / "readme").write_text("mine", encoding="utf-8")
    report = verify(home)
    assert [(f.where, f.what) for f in report.findings if f.is_error] == [(str(body), "a raw file is gone")]
    strangers = [finding.where for finding in report.findings if finding.what == "a file that no night stored"]
    assert strangers == [str(home.raw / "fred" / "notes.txt"), str(home.raw / "readme")]


def test_market_of_another_home_is_found(home: Home) -> None:
    (home.path / "market.json").write_text('{"market": "simulated, seed 1"}', encoding="utf-8")
    assert [finding.area for finding in errors(home)] == ["home"]


def test_report_written_again_is_as_it_was_written(home: Home) -> None:
    """Old and new hashes stand in the list while a report is replaced: killed in between, no file is a stranger."""
    folder = home.reports / LAST.isoformat()
    sums = (folder / "SHA256SUMS").read_text(encoding="ascii")
    (folder / "SHA256SUMS").write_text(sums.replace(sums[:64], "0" * 64) + sums, encoding="ascii")
    assert errors(home) == []


def test_night_reads_no_damaged_file_and_asks_for_it_again(trader: Trader, market: Market) -> None:
    trader.begin()
    path = min(path for path in trader.home.raw.glob("*/*/*.csv"))
    whole = flip(path, 10, 1)
    assert trader.run().exit_code == 0  # the archive was asked as if there were no such file
    assert path.read_bytes() == whole
    assert errors(trader.home) == []


def test_night_that_cannot_have_a_damaged_file_again_says_which(trader: Trader, market: Market) -> None:
    trader.begin()
    day = market.monthlies[1]
    path = min((trader.home.raw / "cboe" / f"VX_{day}.csv").glob("*.csv"))
    flip(path, 10, 1)
    market.contract_path(day).unlink()
    with pytest.raises(ChecksFailedError, match="not what was fetched") as error:
        trader.run()
    assert error.value.where == str(path)
