"""The policy at the door of a night: what lets it in, what stops it, and what it leaves in the log."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from flows.run import Steps
from tests.support.kept_build import first_steps
from tests.support.killed_night import run_and_die
from tests.support.known_builds import known_steps
from tests.support.market import LAST
from tests.support.nights import Trader, have_first_night
from tests.support.policy_desk import ARM, PolicyDesk, desk_from
from tests.support.shared import SharedFolders
from transforms.errors import ChecksFailedError, PipelineError, PolicyError
from transforms.policy.loader import preset_text
from warehouse.governance.log import PolicyFolder
from warehouse.governance.store import read_register
from warehouse.governance.verify import verify_home

MONDAY = date(2025, 9, 15)


@pytest.fixture(scope="module")
def begun(shared_folders: SharedFolders) -> Path:
    return shared_folders.get("first-night", have_first_night)


@pytest.fixture(scope="module")
def same(begun: Path) -> Steps:
    """Steps of a night that would build what the first one did: what lets it in is what is tested."""
    return first_steps(begun)


@pytest.fixture
def desk(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_folders: SharedFolders) -> PolicyDesk:
    return desk_from(begun, tmp_path, monkeypatch, known_steps(shared_folders))


def refused(desk: PolicyDesk, **changes: object) -> ChecksFailedError:
    """Run a night that has to be refused, and leave everything as it was."""
    before, stored = desk.trader.state(), desk.trader.raw_bodies()
    for path in desk.market.root.rglob("*_History.csv"):
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(ChecksFailedError) as caught:
        desk.trader.run(**changes)
    assert caught.value.exit_code == 4
    assert desk.trader.state() == before
    assert desk.trader.raw_bodies() == stored, "it fetched before it was refused"
    last = desk.records()[-1]
    assert (last["exit_code"], last.get("published")) == (4, None)
    return caught.value


# ---- the first night ----


def test_first_night_adopts_the_article_with_a_key_of_its_own_and_says_so_in_a_line(
    trader: Trader, capsys: pytest.CaptureFixture[str]
) -> None:
    trader.run()
    folder = PolicyFolder.of(trader.home)
    register = read_register(trader.home)
    assert register.newest is not None
    assert folder.policy.read_text(encoding="utf-8") == preset_text("article")
    assert (register.newest.is_first, register.newest.effective_from) == (True, LAST)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("policy")]
    assert len(said) == 1
    for word in ("preset article", register.newest.policy_hash[:12], "1 of 1", str(folder.local_key)):
        assert word in said[0]


def test_first_night_takes_the_policy_that_lies_in_the_home(trader: Trader) -> None:
    folder = PolicyFolder.of(trader.home)
    folder.root.mkdir(parents=True)
    folder.policy.write_text(preset_text("static"), encoding="utf-8")
    trader.run()
    assert trader.rows("select distinct layer from mart.daily_hedge_state where state = 'active'") == [("base",)]


def test_first_night_takes_the_file_named_and_sets_the_other_aside(trader: Trader, tmp_path: Path) -> None:
    folder = PolicyFolder.of(trader.home)
    folder.root.mkdir(parents=True)
    folder.policy.write_text("# mine\n", encoding="utf-8")
    named = tmp_path / "mine.toml"
    named.write_text(preset_text("static"), encoding="utf-8")
    trader.run(policy_file=named)
    assert folder.policy.read_text(encoding="utf-8") == preset_text("static")
    assert [path.read_text(encoding="utf-8") for path in (folder.root / "set_aside").iterdir()] == ["# mine\n"]


def test_first_night_with_a_named_file_that_cannot_be_used_is_a_usage_error(trader: Trader, tmp_path: Path) -> None:
    named = tmp_path / "mine.toml"
    named.write_text("name = \n", encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        trader.run(policy_file=named)
    assert (caught.value.exit_code, caught.value.where) == (2, f"{named}:1")
    assert not PolicyFolder.of(trader.home).log.exists()


def test_first_night_with_a_policy_in_the_home_that_cannot_be_used_stops(trader: Trader) -> None:
    folder = PolicyFolder.of(trader.home)
    folder.root.mkdir(parents=True)
    folder.policy.write_text("schema_version = 2\n", encoding="utf-8")
    with pytest.raises(ChecksFailedError, match=r"policy\.toml"):
        trader.run()
    assert not folder.log.exists()
    assert not trader.raw_bodies()


def test_first_night_killed_before_its_policy_is_signed_begins_again(trader: Trader) -> None:
    trader.home.prepare()
    run_and_die(trader, "before-the-first-policy-is-signed")
    assert not PolicyFolder.of(trader.home).log.exists()
    assert trader.run().exit_code == 0
    assert verify_home(trader.home).is_sound


# ---- later nights ----


def test_night_is_let_in_by_a_policy_that_says_the_same_in_other_words(desk: PolicyDesk, same: Steps) -> None:
    desk.edit_policy(ARM + ".0", "# a note\n" + ARM)
    assert desk.trader.run(same).exit_code == 0


def test_night_is_refused_when_a_threshold_was_changed_and_says_what_and_how_to_go_on(desk: PolicyDesk) -> None:
    adopted = desk.hash_of(desk.folder.policy)
    desk.edit_policy()
    altered = desk.hash_of(desk.folder.policy)
    assert altered != adopted
    text = str(refused(desk))
    for words in (
        altered,
        adopted,
        "parameter arm_vix_pts: value changes from 25 pts to 28 pts",
        f"alvh policy restore --home {desk.home.path}",
        f"alvh policy propose {desk.folder.policy} --home {desk.home.path}",
        f"alvh policy sign ID --key {desk.folder.local_key}",
        "alvh policy adopt ID",
    ):
        assert words in text


def test_night_that_is_refused_names_five_changes_at_most(desk: PolicyDesk) -> None:
    desk.folder.policy.write_text(preset_text("canon"), encoding="utf-8")
    found = refused(desk).found
    assert found is not None
    assert len(found.splitlines()) == 6
    assert "more changes" in found.splitlines()[-1]


def test_night_that_is_refused_names_the_proposal_that_is_open(desk: PolicyDesk) -> None:
    desk.edit_policy()
    name = desk.propose(desk.folder.policy)
    text = str(refused(desk))
    assert f"alvh policy sign {name} " in text
    assert "alvh policy propose" not in text


@pytest.mark.parametrize(
    "expression",
    [
        "vix_close_pts >= $arm_vix_pts); drop table mart.daily_signals; --",
        "(select count(*) from read_text('secret')) > 0",
        "getenv('HOME') = 'x'",
        "vix_close_pts >= $arm_vix_pts and exists (select 1)",
        "copy_database('a') and vix_close_pts >= $arm_vix_pts",
    ],
)
def test_night_refuses_a_hostile_expression_with_its_line(desk: PolicyDesk, expression: str) -> None:
    rule = 'expression = "vix_close_pts >= $arm_vix_pts"'
    desk.edit_policy(rule, f'expression = "{expression}"')
    lines = desk.folder.policy.read_text(encoding="utf-8").splitlines()
    number = next(number for number, line in enumerate(lines, start=1) if expression in line)
    error = refused(desk)
    assert error.where is not None
    assert error.where.startswith(f"{desk.folder.policy}:{number} ")
    assert "alvh policy restore" in str(error)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"name = 'a'\nname = 'b'\n", b"[" * 100_000, b"x" * 2_000_000])
def test_night_refuses_a_policy_that_cannot_be_read_until_it_is_restored(
    desk: PolicyDesk, same: Steps, body: bytes
) -> None:
    desk.folder.policy.write_bytes(body)
    assert "alvh policy restore" in str(refused(desk))
    desk.says("policy", "restore")
    if body:  # what lets the next night in is the text, whatever stood in its place
        assert desk.folder.policy.read_text(encoding="utf-8") == preset_text("article")
    else:
        assert desk.trader.run(same).exit_code == 0


def test_night_refuses_a_policy_that_is_gone(desk: PolicyDesk) -> None:
    desk.folder.policy.unlink()
    error = refused(desk)
    assert error.found == "no such file"
    desk.says("policy", "restore")
    assert desk.folder.policy.read_text(encoding="utf-8") == preset_text("article")


def test_night_with_a_named_file_that_was_not_adopted_is_refused(desk: PolicyDesk) -> None:
    named = desk.draft()
    assert str(named) in str(refused(desk, policy_file=named))


def test_night_with_a_named_file_that_was_adopted_runs(desk: PolicyDesk, same: Steps) -> None:
    named = desk.draft(new="# other words\n" + ARM)
    assert desk.trader.run(same, policy_file=named).exit_code == 0


# ---- a change of policy ----


def test_policy_adopted_decides_from_the_next_session_on_the_past_keeps_the_old_one_and_the_home_is_sound(
    desk: PolicyDesk, same: Steps
) -> None:
    old, draft = desk.hash_of(desk.folder.policy), desk.draft()
    new = desk.hash_of(draft)
    before = desk.trader.rows("select * from mart.daily_hedge_state order by all")
    desk.change_to(draft)
    # before its first session it changes no row but its own in the list of policies
    assert desk.trader.run(same).exit_code == 0
    assert desk.records()[-1]["policy_hash"] == old

    desk.go_on_to(MONDAY)
    assert desk.trader.run().exit_code == 0
    assert desk.records()[-1]["policy_hash"] == new
    spans = "select policy_hash, min(trade_date), max(trade_date) from mart.daily_hedge_state group by 1 order by 2"
    assert [(row[0], row[2]) for row in desk.trader.rows(spans)] == [(old, LAST), (new, MONDAY)]
    after = desk.trader.rows(f"select * from mart.daily_hedge_state where trade_date <= '{LAST}' order by all")
    assert after == before
    nights = [(night.session, night.policy_hash) for night in read_register(desk.home).nights]
    assert nights == [(LAST, old), (LAST, old), (MONDAY, new)]
    assert "as it was written" in desk.says("verify")


def test_policy_adopted_never_comes_into_force_on_an_archive_that_has_ended(desk: PolicyDesk) -> None:
    old = desk.hash_of(desk.folder.policy)
    desk.change_to(desk.draft())
    desk.trader.now = desk.trader.now.replace(month=10)
    desk.trader.run()
    assert desk.records()[-1]["policy_hash"] == old
    assert desk.trader.rows("select distinct policy_hash from mart.daily_hedge_state") == [(old,)]


def test_night_of_an_earlier_session_is_on_record_for_the_newest_one(desk: PolicyDesk, same: Steps) -> None:
    desk.trader.run(same, as_of=date(2025, 9, 8))
    assert [night.session for night in read_register(desk.home).nights] == [LAST, LAST]


# ---- what a night leaves, and what was touched since ----


def test_night_leaves_its_policy_and_the_head_of_the_log_in_its_record_and_the_hash_in_its_report(
    desk: PolicyDesk,
) -> None:
    record = desk.records()[-1]
    night = read_register(desk.home).nights[-1]
    assert record["policy_log"] == {"seq": night.seq, "sha256": night.entry_sha256}
    assert record["policy_hash"] == night.policy_hash
    assert record["published"]["sha256"] == night.warehouse_sha256
    report = json.loads((desk.home.reports / "latest" / "hedge-state.json").read_text(encoding="utf-8"))
    assert report["policy_hash"] == night.policy_hash


def test_night_refuses_a_log_with_an_edited_line_and_verify_finds_it(desk: PolicyDesk) -> None:
    lines = desk.folder.log.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"first run"', b'"first RUN"')
    desk.folder.log.write_bytes(b"".join(lines))
    found = desk.alvh("verify")
    assert found.exit_code == 4
    assert f"{desk.folder.log}, line 2" in found.stdout
    error = refused(desk)
    assert error.where == f"{desk.folder.log}, line 2"


def test_night_does_not_begin_again_where_the_policy_folder_was_removed(desk: PolicyDesk) -> None:
    for path in sorted(desk.folder.root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert "run record" in str(refused(desk).found)


def test_night_refuses_a_signed_text_that_was_altered(desk: PolicyDesk) -> None:
    version = next(desk.folder.versions.iterdir())
    version.write_text(version.read_text(encoding="utf-8").replace(ARM, ARM.replace("25", "28")), encoding="utf-8")
    assert str(version) in str(refused(desk))


def test_night_that_the_log_does_not_take_says_that_it_is_published(
    desk: PolicyDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise ChecksFailedError("the policy log was changed", where="log.jsonl")

    monkeypatch.setattr("flows.policies.record_night", fail)
    desk.go_on_to(MONDAY)
    with pytest.raises(PipelineError, match="the warehouse is published, but") as caught:
        desk.trader.run()
    assert caught.value.exit_code == 1
    assert desk.trader.rows("select max(trade_date) from mart.daily_hedge_state") == [(MONDAY,)]
    assert desk.records()[-1]["published"]
    assert verify_home(desk.home).is_sound


def test_nights_killed_around_the_policy_log_are_noted_and_the_next_one_runs(
    desk: PolicyDesk, same: Steps, begun: Path
) -> None:
    for point in ("before-the-night-is-on-record", "before-the-run-record-keeps-the-head"):
        run_and_die(desk.trader, point, begun)
        assert "killed before it" in desk.says("verify")
    assert desk.trader.run(same).exit_code == 0
    assert "killed before it could" in desk.says("verify")


def test_private_key_is_in_its_file_and_nowhere_else(
    desk: PolicyDesk, same: Steps, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = desk.folder.local_key.read_text(encoding="ascii").splitlines()[1]
    desk.change_to(desk.draft())
    desk.trader.run(same)
    said = desk.says("policy", "log") + desk.says("policy", "show") + "".join(capsys.readouterr())
    assert secret not in said
    holders = [path for path in desk.home.path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert holders == [desk.folder.local_key]
