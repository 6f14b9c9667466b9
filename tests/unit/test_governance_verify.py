"""Verification: tampering of every kind is found, with its place, and an honest home is left in peace."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.support.governance import ARTICLE, BOLD, CAUTIOUS, FIRST, LATER, NEXT, Desk, hash_of
from transforms.errors import ChecksFailedError
from warehouse.governance import store
from warehouse.governance.findings import Finding, VerifyReport
from warehouse.governance.signers import render_signers
from warehouse.governance.verify import verify_home
from warehouse.home import Home
from warehouse.run_log import write_record

Change = Callable[[Desk], object]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Two of three signers, two policies, three nights, some raw files; made once and copied."""
    desk = Desk(Home(tmp_path_factory.mktemp("template") / "home"))
    desk.home.prepare()
    for number in range(4):
        desk.land(number)
    desk.begin()
    desk.night(FIRST)
    desk.hand_over(desk.team(2, "Ada", "Ben", "Cyd"), "local")
    desk.change_to(CAUTIOUS, "Ada", "Cyd")
    desk.folder.policy.write_bytes(CAUTIOUS)
    desk.night(NEXT, policy=CAUTIOUS)
    desk.night(LATER, policy=CAUTIOUS)
    return desk


@pytest.fixture
def desk(template: Desk, tmp_path: Path) -> Desk:
    shutil.copytree(template.home.path, tmp_path / "home")
    return Desk(Home(tmp_path / "home"), dict(template.keys))


def verify(desk: Desk, *trusted_heads: str) -> VerifyReport:
    return verify_home(desk.home, hash_policy=hash_of, trusted_heads=trusted_heads)


def errors(desk: Desk) -> list[Finding]:
    return [finding for finding in verify(desk).findings if finding.is_error]


def lines_of(desk: Desk) -> list[bytes]:
    return desk.folder.log.read_bytes().splitlines(keepends=True)


def write_lines(desk: Desk, lines: list[bytes]) -> None:
    desk.folder.log.write_bytes(b"".join(lines))


def test_home_as_it_was_written_has_no_findings(desk: Desk) -> None:
    report = verify(desk)
    assert report.findings == ()
    assert report.is_sound
    expected = {"raw files": 4, "warehouses": 1, "log entries": 14, "signatures": 4, "run records": 3}
    assert report.checked == expected
    looked_at, *rest = report.lines()
    assert looked_at.startswith("checked 4 raw files, 1 warehouses, 14 log entries, 4 signatures, 3 run records, ")
    assert looked_at.endswith(" MB: as it was written")
    assert len(rest) == 1  # what was not looked at: this warehouse lists nothing
    assert rest[0].startswith("not looked at: sidecars against the published list")
    assert "the published list of raw files" in rest[0]


def test_verify_changes_nothing(desk: Desk) -> None:
    def facts() -> dict[str, tuple[int, int]]:
        paths = [path for path in desk.home.path.rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in paths}

    before = facts()
    verify(desk)
    assert facts() == before


def test_home_without_anything_is_sound(tmp_path: Path) -> None:
    assert verify_home(Home(tmp_path / "none")).findings == ()


def test_finding_says_where_what_was_found_and_what_was_expected(desk: Desk) -> None:
    path = desk.land(0)
    path.write_bytes(b"observation_date,S0\n2025-01-06,9\n")
    report = verify(desk)
    text = "\n".join(report.lines())
    assert not report.is_sound
    for part in (
        "raw: a raw file was changed",
        str(path),
        "found:    33 bytes",
        path.stem,
        "1 found that should not be",
    ):
        assert part in text


def edit_entry(desk: Desk) -> None:
    write_lines(desk, [line.replace(b'"session":"2025-01-07"', b'"session":"2025-01-06"') for line in lines_of(desk)])


def delete_entry(desk: Desk) -> None:
    write_lines(desk, lines_of(desk)[:4] + lines_of(desk)[5:])


def delete_first_entry(desk: Desk) -> None:
    write_lines(desk, lines_of(desk)[1:])


def swap_entries(desk: Desk) -> None:
    lines = lines_of(desk)
    write_lines(desk, [*lines[:12], lines[13], lines[12]])


def repeat_entry(desk: Desk) -> None:
    write_lines(desk, [*lines_of(desk), lines_of(desk)[-1]])


def drop_last_entries(desk: Desk) -> None:
    write_lines(desk, lines_of(desk)[:-2])


def empty_log(desk: Desk) -> None:
    desk.folder.log.write_bytes(b"")


def cut_last_line(desk: Desk) -> None:
    desk.folder.log.write_bytes(desk.folder.log.read_bytes()[:-10])


def zero_last_line(desk: Desk) -> None:
    lines = lines_of(desk)
    write_lines(desk, [*lines[:-1], lines[-1][:30] + b"\0" * 50 + b"\n"])


def delete_log(desk: Desk) -> None:
    desk.folder.log.unlink()


def delete_log_and_head(desk: Desk) -> None:
    desk.folder.log.unlink()
    desk.folder.head.unlink()


def spoil_head(desk: Desk) -> None:
    desk.folder.head.write_text("{}", encoding="utf-8")


def forge_log(desk: Desk) -> None:
    entries = desk.entries()
    night = next(entry for entry in entries if entry["kind"] == "nightly_state")
    night["states_sha256"] = "0" * 64
    desk.forge(entries)


def forge_without_last_night(desk: Desk) -> None:
    desk.forge(desk.entries()[:-1])


LOG_CHANGES: dict[str, tuple[Change, str]] = {
    "edited": (edit_entry, "an entry was edited"),
    "deleted": (delete_entry, "entries are missing"),
    "first deleted": (delete_first_entry, "entries are missing"),
    "reordered": (swap_entries, "stands in another place"),
    "repeated": (repeat_entry, "is there twice"),
    "end dropped": (drop_last_entries, "lost its end"),
    "emptied": (empty_log, "lost its end"),
    "last line cut": (cut_last_line, "lost its end"),
    "last line zeroed": (zero_last_line, "lost its end"),
    "deleted whole": (delete_log, "log is gone"),
    "deleted with its note": (delete_log_and_head, "log is gone"),
    "note spoilt": (spoil_head, "was edited"),
    "all hashes made right": (forge_log, "is not the one that the run record keeps"),
    "last night forged away": (forge_without_last_night, "is not the one that the run record keeps"),
}


@pytest.mark.parametrize("name", LOG_CHANGES)
def test_verify_finds_a_log_that_was_changed(desk: Desk, name: str) -> None:
    change, what = LOG_CHANGES[name]
    change(desk)
    found = errors(desk)
    assert any(what in finding.what for finding in found), found
    assert all(finding.where and finding.found and finding.expected for finding in found)


@pytest.mark.parametrize("name", [name for name in LOG_CHANGES if "made right" not in name and "forged" not in name])
def test_command_adds_nothing_to_a_log_that_was_changed(desk: Desk, name: str) -> None:
    LOG_CHANGES[name][0](desk)
    before = desk.folder.log.read_bytes() if desk.folder.log.exists() else None
    with pytest.raises(ChecksFailedError):
        desk.propose(BOLD)
    with pytest.raises(ChecksFailedError):
        store.require_signed(desk.home, hash_of(CAUTIOUS), LATER)
    assert (desk.folder.log.read_bytes() if desk.folder.log.exists() else None) == before


def test_verify_finds_every_change_of_a_byte_of_the_log(desk: Desk) -> None:
    body = desk.folder.log.read_bytes()
    # The log alone: its own reading is what must find it (each byte in the property tests of the chain).
    for place in [*range(0, len(body), 97), len(body) - 2, len(body) - 1]:
        desk.folder.log.write_bytes(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
        assert not verify(desk).is_sound, place


def add_adoption_nobody_signed(desk: Desk) -> None:
    entries = desk.entries()
    adopted = next(e for e in reversed(entries) if e["kind"] == "adopted")
    desk.forge([*entries, {**adopted, "effective_from": "2025-01-20"}])


def _signed_last(desk: Desk) -> dict[str, object]:
    desk.propose(BOLD)
    return next(entry for entry in reversed(desk.entries()) if entry["kind"] == "signed")


def move_signatures_to_another_proposal(desk: Desk) -> None:
    signed = _signed_last(desk)
    proposal_id = desk.entries()[-1]["proposal_id"]
    desk.forge([*desk.entries(), {**signed, "proposal_id": proposal_id}])


def adopt_with_one_signature(desk: Desk) -> None:
    proposal = desk.sign(desk.propose(BOLD), "Ada")
    content = {"kind": "adopted", "at_utc": "2025-01-08T00:00:00Z", "proposal_id": proposal.proposal_id}
    adopted = {**content, "policy_hash": hash_of(BOLD), "effective_from": "2025-01-20", "is_first": False}
    desk.forge([*desk.entries(), adopted])


def adopt_for_the_past(desk: Desk) -> None:
    proposal = desk.sign(desk.propose(BOLD), "Ada", "Ben")
    content = {"kind": "adopted", "at_utc": "2025-01-08T00:00:00Z", "proposal_id": proposal.proposal_id}
    adopted = {**content, "policy_hash": hash_of(BOLD), "effective_from": "2025-01-08", "is_first": False}
    desk.forge([*desk.entries(), adopted])


def adopt_with_a_time_before_the_proposal(desk: Desk) -> None:
    proposal = desk.sign(desk.propose(BOLD), "Ada", "Ben")
    content = {"kind": "adopted", "at_utc": "2025-01-01T00:00:00Z", "proposal_id": proposal.proposal_id}
    adopted = {**content, "policy_hash": hash_of(BOLD), "effective_from": "2025-01-20", "is_first": False}
    desk.forge([*desk.entries(), adopted])


def set_signers_without_a_proposal(desk: Desk) -> None:
    signers = {"kind": "signers_set", "signers": desk.team(1, "Eve").as_entry(), "proposal_id": None}
    desk.forge([*desk.entries(), {"at_utc": "2025-01-08T00:00:00Z", **signers}])


def change_a_proposal(desk: Desk) -> None:
    entries = desk.entries()
    next(e for e in reversed(entries) if e["kind"] == "proposed")["statement"]["policy_hash"] = hash_of(BOLD)
    desk.forge(entries)


def add_a_strange_entry(desk: Desk) -> None:
    desk.forge([*desk.entries(), {"kind": "comment", "at_utc": "2025-01-08T00:00:00Z"}])


def add_an_entry_without_fields(desk: Desk) -> None:
    desk.forge([*desk.entries(), {"kind": "adopted"}])


def claim_another_policy_for_a_night(desk: Desk) -> None:
    night = desk.entries()[-1]
    desk.forge([*desk.entries(), {**night, "policy_hash": hash_of(BOLD)}])


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (add_adoption_nobody_signed, "adopted already"),
        (move_signatures_to_another_proposal, "not valid"),
        (adopt_with_one_signature, "1 valid signatures"),
        (adopt_for_the_past, "in force from 2025-01-08"),
        (adopt_with_a_time_before_the_proposal, "adopted 2025-01-01"),
        (set_signers_without_a_proposal, "signers without a proposal"),
        (change_a_proposal, "proposal "),
        (add_a_strange_entry, "the kind 'comment'"),
        (add_an_entry_without_fields, "cannot be read"),
        (claim_another_policy_for_a_night, "under policy"),
    ],
)
def test_verify_believes_no_entry_that_breaks_the_rules_though_its_hashes_are_right(
    desk: Desk, change: Change, found: str
) -> None:
    change(desk)
    invented = [finding for finding in errors(desk) if "no command would have written" in finding.what]
    assert any(found in finding.found for finding in invented), errors(desk)
    with pytest.raises(ChecksFailedError, match="no command would have written"):
        store.active_policy(desk.home, LATER)


def test_verify_finds_a_head_noted_elsewhere_missing(desk: Desk) -> None:
    head = desk.entries()[-1]["entry_sha256"]
    assert verify(desk, head).is_sound
    desk.forge(desk.entries()[:-1])
    # The forger took the run records along.
    for path in desk.home.runs.iterdir():
        path.unlink()
    found = verify(desk, head).findings
    assert any("whose head you noted" in finding.what for finding in found)


def test_verify_cannot_find_what_was_forged_with_the_run_records_and_says_no_untruth(desk: Desk) -> None:
    """The limit that the documentation names: with everything rewritten, only a head kept elsewhere tells."""
    last = max(desk.home.runs.iterdir())
    desk.forge(desk.entries()[:-1])
    record = json.loads(last.read_text(encoding="utf-8"))
    del record[store.RECORD_KEY]
    write_record(last, record)
    report = verify(desk)
    assert report.is_sound
    assert ["does not name" in finding.what for finding in report.findings] == [True]


def edit_raw(desk: Desk) -> None:
    desk.land(1).write_bytes(b"observation_date,S1\n2025-01-06,9\n")


def delete_raw(desk: Desk) -> None:
    desk.land(1).unlink()


def edit_sidecar(desk: Desk) -> None:
    path = desk.land(1)
    sidecar = path.with_name(path.name + ".meta.json")
    sidecar.write_text(sidecar.read_text(encoding="utf-8").replace(path.stem, "0" * 16), encoding="utf-8")


def spoil_sidecar(desk: Desk) -> None:
    path = desk.land(1)
    path.with_name(path.name + ".meta.json").write_text("{", encoding="utf-8")


def swap_sidecars(desk: Desk) -> None:
    first, second = (path.with_name(path.name + ".meta.json") for path in (desk.land(1), desk.land(2)))
    first.write_bytes(second.read_bytes())


def delete_version(desk: Desk) -> None:
    path = desk.land(1)
    path.unlink()
    path.with_name(path.name + ".meta.json").unlink()


def delete_file_folder(desk: Desk) -> None:
    folder = desk.land(1).parent
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def replace_with_all_hashes_right(desk: Desk) -> None:
    delete_file_folder(desk)
    desk.land(1, b"observation_date,S1\n2025-01-06,9\n")


@pytest.mark.parametrize(
    "change",
    [
        edit_raw,
        delete_raw,
        edit_sidecar,
        spoil_sidecar,
        swap_sidecars,
        delete_version,
        delete_file_folder,
        replace_with_all_hashes_right,
    ],
)
def test_verify_finds_raw_files_that_were_changed(desk: Desk, change: Change) -> None:
    change(desk)
    found = errors(desk)
    assert found
    assert {finding.area for finding in found} == {"raw"}
    assert all("S1.csv" in finding.where for finding in found)


def test_verify_finds_an_older_version_that_was_changed(desk: Desk) -> None:
    old = desk.land(1)
    desk.land(1, b"observation_date,S1\n2025-01-06,1\n2025-01-07,2\n")
    assert verify(desk).is_sound
    old.write_bytes(b"other")
    assert [finding.where for finding in errors(desk)] == [str(old)]


def test_verify_notes_a_raw_file_whose_fetch_was_killed(desk: Desk) -> None:
    (desk.land(1).parent / "0123456789abcdef.csv").write_bytes(b"x")
    report = verify(desk)
    assert [(f.what, f.is_error) for f in report.findings] == [("a raw file without a sidecar", False)]


def test_verify_finds_another_warehouse(desk: Desk) -> None:
    desk.home.published.write_bytes(desk.home.published.read_bytes() + b"\0")
    assert ["the published warehouse was changed" in f.what for f in errors(desk)] == [True]


def test_verify_finds_a_warehouse_gone(desk: Desk) -> None:
    desk.home.published.unlink()
    assert [finding.what for finding in errors(desk)] == ["no warehouse"]


def test_verify_finds_an_earlier_warehouse_changed(desk: Desk) -> None:
    (desk.home.earlier / f"{'0' * 16}.duckdb").write_bytes(b"x")
    assert [finding.what for finding in errors(desk)] == ["an earlier warehouse was changed"]


def edit_record(desk: Desk, **changes: object) -> Path:
    path = max(desk.home.runs.iterdir())
    write_record(path, {**json.loads(path.read_text(encoding="utf-8")), **changes})
    return path


def test_verify_finds_a_run_record_gone(desk: Desk) -> None:
    min(desk.home.runs.iterdir()).unlink()
    assert [finding.what for finding in errors(desk)] == ["a run record is gone"]


@pytest.mark.parametrize(
    "head", [{"seq": 2, "sha256": "0" * 64}, {"seq": 99, "sha256": "0" * 64}, {"seq": "x"}, None, 7]
)
def test_verify_finds_a_run_record_with_another_head(desk: Desk, head: object) -> None:
    path = edit_record(desk, **{store.RECORD_KEY: head})
    assert [finding.where for finding in errors(desk)] == [str(path)]


def test_verify_finds_a_run_record_with_another_warehouse(desk: Desk) -> None:
    edit_record(desk, published={"sha256": "0" * 64})
    assert {finding.area for finding in errors(desk)} == {"warehouse", "runs"}


@pytest.mark.parametrize("body", ["", "[]", "{", "{}", '{"run_id": "other"}', '{"run_id": "RUN", "inputs": [1]}'])
def test_verify_finds_a_run_record_that_cannot_be_read(desk: Desk, body: str) -> None:
    path = max(desk.home.runs.iterdir())
    path.write_text(body.replace("RUN", path.stem), encoding="utf-8")
    assert any("cannot be read" in finding.what for finding in errors(desk))


def test_verify_notes_a_night_killed_before_its_record_kept_the_head(desk: Desk) -> None:
    desk.night(date(2025, 1, 13), policy=CAUTIOUS, keeps_head=False)
    report = verify(desk)
    assert report.is_sound
    assert ["does not keep the head" in finding.what for finding in report.findings] == [True]


def test_verify_notes_a_night_killed_behind_its_swap(desk: Desk) -> None:
    edit_record(desk, published=None, outcome="running")
    report = verify(desk)
    assert report.is_sound
    assert ["killed before it wrote down its hash" in finding.what for finding in report.findings] == [True]


def test_verify_finds_signers_edited_by_hand(desk: Desk) -> None:
    desk.folder.signers.write_bytes(render_signers(desk.team(1, "Eve")))
    found = errors(desk)
    assert [finding.what for finding in found] == ["signers.toml is not what was adopted"]
    assert "1 of 1 (Eve)" in found[0].found


def test_verify_finds_a_signers_key_edited_by_hand(desk: Desk) -> None:
    body = desk.folder.signers.read_bytes()
    desk.folder.signers.write_bytes(
        body.replace(desk.key("Ada").public_key.encode(), desk.key("Eve").public_key.encode())
    )
    assert [finding.what for finding in errors(desk)] == ["signers.toml is not what was adopted"]


def test_verify_finds_a_policy_that_was_not_adopted(desk: Desk) -> None:
    desk.folder.policy.write_bytes(BOLD)
    assert [finding.what for finding in errors(desk)] == ["policy.toml is not the policy adopted last"]
    desk.folder.policy.unlink()
    assert [finding.found for finding in errors(desk)] == ["no such file"]


@pytest.mark.parametrize("policy", [ARTICLE, CAUTIOUS])
def test_verify_finds_a_kept_policy_altered(desk: Desk, policy: bytes) -> None:
    desk.folder.version(hash_of(policy)).write_bytes(BOLD)
    found = errors(desk)
    assert [finding.where for finding in found] == [str(desk.folder.version(hash_of(policy)))]


def test_verify_finds_a_policy_that_cannot_be_read(desk: Desk) -> None:
    def refuse(body: bytes) -> str:
        raise ValueError(body)

    found = verify_home(desk.home, hash_policy=refuse).findings
    assert all("cannot be read (ValueError)" in finding.found for finding in found)
    assert len(found) == 3


def test_verify_counts_what_it_looked_at_in_a_home_of_many_files(tmp_path: Path) -> None:
    desk = Desk(Home(tmp_path / "home"))
    desk.home.prepare()
    paths = [desk.land(number) for number in range(60)]
    os.truncate(paths[31], 5)
    report = verify(desk)
    assert report.checked["raw files"] == 60
    assert [finding.where for finding in report.findings] == [str(paths[31])]
