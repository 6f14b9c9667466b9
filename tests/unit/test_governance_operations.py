"""Propose, sign, adopt: nothing is in force that k of the n signers did not sign."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.support.governance import ARTICLE, BOLD, CAUTIOUS, FIRST, LATER, NEXT, NOW, Desk, hash_of
from transforms.errors import ChecksFailedError, PipelineError, UsageError
from transforms.hash_chain import START, Head
from warehouse.governance import operations, store
from warehouse.governance.agent import AgentSigner
from warehouse.governance.log import read_log
from warehouse.governance.register import describe_entry
from warehouse.governance.signers import parse_signers, render_signers
from warehouse.home import Home


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(Home(tmp_path / "home"))
    desk.begin()
    return desk


@pytest.fixture
def team(desk: Desk) -> Desk:
    """Two of three: Ada, Ben, Cyd."""
    desk.hand_over(desk.team(2, "Ada", "Ben", "Cyd"), "local")
    return desk


def test_first_run_adopts_one_of_one_with_a_key_of_its_own(tmp_path: Path) -> None:
    desk = Desk(Home(tmp_path / "home"))
    adopted = desk.begin()
    assert (adopted.policy_hash, adopted.effective_from, adopted.signed_by) == (hash_of(ARTICLE), FIRST, ("local",))
    assert [entry["kind"] for entry in desk.entries()] == ["signers_set", "proposed", "signed", "adopted"]
    assert desk.folder.local_key.stat().st_mode & 0o777 == 0o600
    assert desk.folder.local_key.parent.stat().st_mode & 0o777 == 0o700
    assert b"PRIVATE" not in desk.folder.log.read_bytes()


def test_first_policy_applies_to_the_sessions_before_and_says_so(desk: Desk) -> None:
    before, on = store.active_policy(desk.home, date(2010, 5, 6)), store.active_policy(desk.home, FIRST)
    assert before is not None
    assert on is not None
    assert (before.policy_hash, before.is_retroactive) == (hash_of(ARTICLE), True)
    assert (on.policy_hash, on.is_retroactive) == (hash_of(ARTICLE), False)


def test_first_run_is_only_for_a_home_without_a_log(desk: Desk) -> None:
    with pytest.raises(UsageError, match="adopted a policy before"):
        operations.first_run(desk.home, BOLD, hash_of(BOLD), NOW, FIRST)


def test_first_run_does_not_begin_again_where_the_log_was_removed(desk: Desk) -> None:
    desk.night()
    desk.folder.log.unlink()
    for trace in (r"head\.json", "run record"):
        with pytest.raises(ChecksFailedError, match=f"(?s)log is gone.*{trace}"):
            operations.first_run(desk.home, BOLD, hash_of(BOLD), NOW, FIRST)
        with pytest.raises(ChecksFailedError, match="log is gone"):
            store.require_signed(desk.home, hash_of(BOLD), FIRST)
        desk.folder.head.unlink(missing_ok=True)


def test_first_run_takes_no_key_that_others_can_read(tmp_path: Path) -> None:
    desk = Desk(Home(tmp_path / "home"))
    key = desk.key("left")
    desk.folder.local_key.parent.mkdir(parents=True)
    desk.folder.local_key.write_bytes(key.path.read_bytes())
    desk.folder.local_key.chmod(0o644)
    with pytest.raises(UsageError, match="mode 0644"):
        desk.begin()
    assert not desk.folder.log.exists()


def test_change_takes_effect_with_its_session_and_the_past_is_kept(desk: Desk) -> None:
    desk.change_to(CAUTIOUS, "local", effective_from=LATER)
    found = [store.active_policy(desk.home, day) for day in (FIRST, NEXT, LATER, LATER + timedelta(days=300))]
    assert [policy and policy.policy_hash for policy in found] == [
        hash_of(p) for p in (ARTICLE, ARTICLE, CAUTIOUS, CAUTIOUS)
    ]
    assert [store.read_policy(desk.home, policy) for policy in found if policy] == [
        ARTICLE,
        ARTICLE,
        CAUTIOUS,
        CAUTIOUS,
    ]


def test_change_adopted_twice_for_one_session_is_the_later_one(desk: Desk) -> None:
    desk.change_to(CAUTIOUS, "local")
    desk.change_to(BOLD, "local")
    policy = store.active_policy(desk.home, NEXT)
    assert policy is not None
    assert policy.policy_hash == hash_of(BOLD)


@pytest.mark.parametrize("effective_from", [None, FIRST, FIRST - timedelta(days=1), date(1990, 1, 1)])
def test_change_does_not_take_effect_on_a_session_that_has_begun(desk: Desk, effective_from: date | None) -> None:
    proposal = desk.sign(desk.propose(CAUTIOUS), "local")
    with pytest.raises(UsageError, match="next session"):
        desk.adopt(proposal, effective_from)


def test_change_does_not_take_effect_before_the_one_adopted_last(desk: Desk) -> None:
    desk.change_to(CAUTIOUS, "local", effective_from=LATER)
    proposal = desk.sign(desk.propose(BOLD), "local")
    with pytest.raises(UsageError, match="a session after 2025-01-09"):
        desk.adopt(proposal, LATER - timedelta(days=1))


def test_change_does_not_take_effect_on_a_session_whose_states_are_on_record(desk: Desk) -> None:
    desk.night(LATER)
    proposal = desk.sign(desk.propose(CAUTIOUS), "local")
    with pytest.raises(UsageError, match=f"a session after {LATER}"):
        desk.adopt(proposal, LATER)


def test_two_of_three_do_not_adopt_with_one_signature(team: Desk) -> None:
    proposal = team.sign(team.propose(CAUTIOUS), "Ada")
    with pytest.raises(UsageError, match=r"(?s)signed by Ada; not by Ben, Cyd.*2 of 3"):
        team.adopt(proposal)
    policy = store.active_policy(team.home, LATER)
    assert policy is not None
    assert policy.policy_hash == hash_of(ARTICLE)


@pytest.mark.parametrize("names", [("Ada", "Ben"), ("Cyd", "Ada"), ("Ada", "Ben", "Cyd")])
def test_two_of_three_adopt_with_two_signatures(team: Desk, names: tuple[str, ...]) -> None:
    team.change_to(CAUTIOUS, *names)
    policy = store.active_policy(team.home, NEXT)
    assert policy is not None
    assert (policy.policy_hash, policy.signed_by) == (hash_of(CAUTIOUS), names)


def test_signature_counts_once_for_each_signer(team: Desk) -> None:
    proposal = team.sign(team.propose(CAUTIOUS), "Ada")
    with pytest.raises(UsageError, match="Ada has signed this proposal already"):
        team.sign(proposal, "Ada")


def test_signature_of_a_stranger_is_refused(team: Desk) -> None:
    proposal = team.propose(CAUTIOUS)
    for name in ("Eve", "local"):
        with pytest.raises(UsageError, match=r"(?s)not one of the signers.*Ada SHA256:"):
            team.sign(proposal, name)


def test_signature_of_an_agent_with_a_signers_name_on_it_is_checked(
    team: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = team.propose(CAUTIOUS)
    monkeypatch.setattr(AgentSigner, "sign", lambda self, message: b"\0" * 64)
    with pytest.raises(PipelineError, match="not valid"):
        operations.sign(team.home, proposal.proposal_id, AgentSigner(Path("s"), team.key("Ada").public_key), NOW)
    assert team.entries()[-1]["kind"] == "proposed"


def test_proposal_altered_since_is_neither_signed_nor_adopted(team: Desk) -> None:
    proposal = team.sign(team.propose(CAUTIOUS), "Ada", "Ben")
    team.folder.version(hash_of(CAUTIOUS)).write_bytes(BOLD)
    with pytest.raises(ChecksFailedError, match="altered after it was proposed"):
        team.sign(proposal, "Cyd")
    with pytest.raises(ChecksFailedError, match="altered after it was proposed"):
        team.adopt(proposal)


def test_proposal_altered_since_is_put_back_by_proposing_it_again(team: Desk) -> None:
    proposal = team.sign(team.propose(CAUTIOUS), "Ada", "Ben")
    team.folder.version(hash_of(CAUTIOUS)).unlink()
    with pytest.raises(UsageError, match="proposed already"):
        team.propose(CAUTIOUS)
    assert team.adopt(proposal).is_adopted


def test_proposal_of_a_known_hash_is_of_the_text_that_was_kept_first(desk: Desk) -> None:
    desk.change_to(CAUTIOUS, "local")
    commented = b"# with a comment\n" + ARTICLE
    proposal = operations.propose(desk.home, commented, hash_of(ARTICLE), "Ada", NOW)
    desk.adopt(desk.sign(proposal, "local"))
    policy = store.active_policy(desk.home, NEXT)
    assert policy is not None
    assert store.read_policy(desk.home, policy) == ARTICLE


def test_proposal_of_a_known_hash_does_not_replace_a_text_that_was_altered(desk: Desk) -> None:
    desk.change_to(CAUTIOUS, "local")
    desk.folder.version(hash_of(ARTICLE)).write_bytes(BOLD)
    with pytest.raises(ChecksFailedError, match="altered after it was proposed"):
        operations.propose(desk.home, BOLD, hash_of(ARTICLE), "Eve", NOW)


@pytest.mark.parametrize("policy_hash", ["", "../../x", "A" * 64, "a" * 63])
def test_proposal_needs_a_whole_hash(desk: Desk, policy_hash: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal"):
        operations.propose(desk.home, CAUTIOUS, policy_hash, "Ada", NOW)


@pytest.mark.parametrize("by", ["", " \n", "a\x1bb"])
def test_proposal_names_who_makes_it(desk: Desk, by: str) -> None:
    with pytest.raises(UsageError, match="names who"):
        operations.propose(desk.home, CAUTIOUS, hash_of(CAUTIOUS), by, NOW)


def test_proposal_of_the_policy_adopted_already_is_refused(desk: Desk) -> None:
    with pytest.raises(UsageError, match="adopted already"):
        desk.propose(ARTICLE)


def test_proposal_is_found_by_the_start_of_its_name(desk: Desk) -> None:
    proposal = desk.propose(CAUTIOUS)
    signed = operations.sign(desk.home, proposal.proposal_id[:4], desk.key("local"), NOW)
    assert signed.proposal_id == proposal.proposal_id


@pytest.mark.parametrize("name", ["", "f", "ffff0000ffff0000"])
def test_proposal_unknown_is_refused_with_the_open_ones(desk: Desk, name: str) -> None:
    proposal = desk.propose(CAUTIOUS)
    with pytest.raises(UsageError, match=proposal.proposal_id):
        operations.sign(desk.home, name, desk.key("local"), NOW)


def test_proposal_signed_but_overtaken_is_closed(desk: Desk) -> None:
    overtaken = desk.sign(desk.propose(CAUTIOUS), "local")
    desk.change_to(BOLD, "local")
    with pytest.raises(UsageError, match="another policy was adopted since"):
        desk.adopt(overtaken, LATER)


def test_proposal_is_adopted_once(desk: Desk) -> None:
    proposal = desk.change_to(CAUTIOUS, "local")
    with pytest.raises(UsageError, match="adopted already"):
        desk.adopt(proposal, LATER)


def test_earlier_policy_comes_back_only_with_new_signatures(desk: Desk) -> None:
    desk.change_to(CAUTIOUS, "local")
    desk.change_to(ARTICLE, "local", effective_from=LATER)
    policy = store.active_policy(desk.home, LATER)
    assert policy is not None
    assert policy.policy_hash == hash_of(ARTICLE)


def test_entry_that_would_break_a_rule_is_not_written(desk: Desk) -> None:
    proposal = desk.sign(desk.propose(CAUTIOUS), "local")
    body = desk.folder.log.read_bytes()
    with pytest.raises(PipelineError, match=r"(?s)nothing was written.*not before it was proposed"):
        operations.adopt(desk.home, proposal.proposal_id, NOW - timedelta(days=3), NEXT)
    assert desk.folder.log.read_bytes() == body


def test_signers_change_needs_the_present_signers(team: Desk) -> None:
    proposal = team.propose_team(team.team(1, "Eve"))
    with pytest.raises(UsageError, match="not one of the signers"):
        team.sign(proposal, "Eve")
    with pytest.raises(UsageError, match="signed by Ada; not by"):
        team.adopt(team.sign(proposal, "Ada"))


def test_signers_change_gives_the_word_to_the_new_ones(team: Desk) -> None:
    team.hand_over(team.team(1, "Dan", "Ada"), "Ada", "Ben")
    proposal = team.propose(CAUTIOUS)
    with pytest.raises(UsageError, match="not one of the signers"):
        team.sign(proposal, "Ben")
    assert team.adopt(team.sign(proposal, "Dan")).is_adopted
    assert parse_signers(team.folder.signers.read_bytes()) == team.team(1, "Dan", "Ada")


def test_signers_change_closes_what_was_proposed_to_the_old_ones(team: Desk) -> None:
    proposal = team.sign(team.propose(CAUTIOUS), "Ada", "Ben")
    team.hand_over(team.team(2, "Ada", "Dan"), "Ada", "Ben")
    with pytest.raises(UsageError, match="signers have changed"):
        team.adopt(proposal)


def test_signers_file_edited_by_hand_gives_nobody_a_say(team: Desk) -> None:
    team.folder.signers.write_bytes(render_signers(team.team(1, "Eve")))
    proposal = team.propose(CAUTIOUS)
    with pytest.raises(UsageError, match="not one of the signers"):
        team.sign(proposal, "Eve")


def test_signers_as_they_are_are_not_proposed(team: Desk) -> None:
    with pytest.raises(UsageError, match="signers already"):
        team.propose_team(team.team(2, "Ada", "Ben", "Cyd"))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("threshold = 2\n[[signer]]\nname='A'\npublic_key='{0}'\nadded=2025-01-07", "threshold 2 of 1"),
        ("threshold = 0\n[[signer]]\nname='A'\npublic_key='{0}'\nadded=2025-01-07", "threshold 0 of 1"),
        ("threshold = true\n[[signer]]\nname='A'\npublic_key='{0}'\nadded=2025-01-07", "threshold True of 1"),
        ("threshold = 1\nsigner = []", "threshold 1 of 0"),
        ("threshold = 1", "the entries threshold"),
        ("threshold = 1\n[[signer]]\nname='A'", "signer 1"),
        ("threshold = 1\n[[signer]]\nname='A'\npublic_key='x'\nadded=2025-01-07", "'x'"),
        ("threshold = 1\n[[signer]]\nname='A'\npublic_key='{0}'\nadded='soon'", "'soon'"),
        ("threshold = 1\n[[signer]]\nname='A\"'\npublic_key='{0}'\nadded=2025-01-07", "the name"),
        (
            "threshold=2\nsigner=[{{name='A',public_key='{0}',added=2025-01-07}},{{name='B',public_key='{0}',added=2025-01-07}}]",
            "there twice",
        ),
        (
            "threshold=2\nsigner=[{{name='A',public_key='{0}',added=2025-01-07}},{{name='a',public_key='{1}',added=2025-01-07}}]",
            "there twice",
        ),
        ("threshold =", "Invalid"),
    ],
)
def test_signers_file_that_cannot_be_meant_is_refused(desk: Desk, body: str, found: str) -> None:
    text = body.format(desk.key("A").public_key, desk.key("B").public_key)
    with pytest.raises(UsageError) as refused:
        parse_signers(text.encode())
    assert found in str(refused.value)


def test_require_signed_returns_the_policy_in_force(desk: Desk) -> None:
    assert store.require_signed(desk.home, hash_of(ARTICLE), FIRST).policy_hash == hash_of(ARTICLE)


def test_require_signed_stops_an_unsigned_policy_and_says_how_to_go_on(desk: Desk) -> None:
    with pytest.raises(ChecksFailedError) as stopped:
        store.require_signed(desk.home, hash_of(BOLD), FIRST)
    text = str(stopped.value)
    assert stopped.value.exit_code == 4
    for part in ("policy.toml", hash_of(BOLD), hash_of(ARTICLE), "signed by local", "alvh policy diff", "propose"):
        assert part in text


def test_require_signed_stops_a_policy_that_is_proposed_only_and_names_the_proposal(desk: Desk) -> None:
    proposal = desk.sign(desk.propose(BOLD), "local")
    with pytest.raises(ChecksFailedError, match=f"(?s)not adopted.*sign {proposal.proposal_id}"):
        store.require_signed(desk.home, hash_of(BOLD), FIRST)


def test_require_signed_keeps_the_policy_in_force_until_the_adopted_one_is(desk: Desk) -> None:
    desk.change_to(CAUTIOUS, "local", effective_from=LATER)
    for in_the_file in (ARTICLE, CAUTIOUS):
        assert store.require_signed(desk.home, hash_of(in_the_file), NEXT).policy_hash == hash_of(ARTICLE)
    assert store.require_signed(desk.home, hash_of(CAUTIOUS), LATER).policy_hash == hash_of(CAUTIOUS)


def test_require_signed_stops_a_policy_that_was_replaced(desk: Desk) -> None:
    desk.change_to(CAUTIOUS, "local")
    with pytest.raises(ChecksFailedError, match="not the one that was signed"):
        store.require_signed(desk.home, hash_of(ARTICLE), NEXT)


def test_require_signed_in_a_home_without_a_policy_stops(tmp_path: Path) -> None:
    assert store.active_policy(Home(tmp_path), FIRST) is None
    with pytest.raises(ChecksFailedError, match="no policy was ever adopted"):
        store.require_signed(Home(tmp_path), hash_of(ARTICLE), FIRST)


def test_command_in_a_home_without_a_policy_says_how_one_begins(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="alvh nightly"):
        operations.propose(Home(tmp_path), BOLD, hash_of(BOLD), "Ada", NOW)


def test_night_goes_on_record_with_the_head_for_its_run_record(desk: Desk) -> None:
    desk.night()
    entry = desk.entries()[-1]
    head = read_log(desk.folder).head
    assert (entry["kind"], entry["session"], entry["policy_hash"]) == ("nightly_state", "2025-01-07", hash_of(ARTICLE))
    assert head == Head(entry["seq"], entry["entry_sha256"])
    assert head != START


def test_night_under_a_policy_not_in_force_is_refused(desk: Desk) -> None:
    with pytest.raises(ChecksFailedError, match="not in force"):
        desk.night(policy=BOLD)


def test_log_reads_as_one_line_an_entry(team: Desk) -> None:
    team.change_to(CAUTIOUS, "Ada", "Ben")
    team.night()
    lines = [describe_entry(entry) for entry in team.entries()]
    assert all("\n" not in line for line in lines)
    assert "1 of 1 (local)" in lines[0]
    assert "and for all sessions before" in lines[3]
    assert "2 of 3 (Ada, Ben, Cyd)" in lines[6]
    assert "in force from 2025-01-08" in lines[-2]
    assert "night      2025-01-07" in lines[-1]
