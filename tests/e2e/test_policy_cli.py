"""``alvh policy`` and ``alvh verify`` as a user types them, and the nightly's word on the policy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from flows.policy_cli import PASSPHRASE
from tests.support.policy_desk import PolicyDesk, begin, desk_from
from transforms.policy.loader import PRESETS, preset_text
from warehouse.expressions import check_rules_on_data
from warehouse.governance.keys import open_key_file
from warehouse.governance.store import read_register

ROOT = Path(__file__).resolve().parents[2]
MONDAY, TUESDAY = date(2025, 9, 15), date(2025, 9, 16)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("begun")
    begin(root)
    return root


@pytest.fixture
def desk(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PolicyDesk:
    monkeypatch.delenv(PASSPHRASE, raising=False)
    return desk_from(begun, tmp_path, monkeypatch)


def nightly(desk: PolicyDesk) -> subprocess.CompletedProcess[str]:
    """The night in a process of its own, with Prefect, at the instant of this machine."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ALVH_", "PREFECT_"))}
    options = ["--archive", str(desk.market.root), "--home", str(desk.home.path)]
    return subprocess.run(
        [sys.executable, "-c", "from flows.cli import main; main()", "nightly", *options],
        cwd=ROOT,
        env={**environment, "PREFECT_HOME": str(desk.outside / "prefect")},
        capture_output=True,
        text=True,
        check=False,
    )


def team(desk: PolicyDesk, threshold: int, *names: str) -> dict[str, Path]:
    """Make keys and hand the home over to their holders; return the key files."""
    keys = {name: desk.outside / "keys" / f"{name}.pem" for name in names}
    entries = [desk.says("policy", "keygen", str(path), "--name", name) for name, path in keys.items()]
    signers = desk.outside / "signers.toml"
    signers.write_text("\n".join([f"threshold = {threshold}", *entries]), encoding="utf-8")
    name = desk.says("policy", "propose", "--signers", str(signers), "--by", "Ada").split()[1].rstrip(":")
    desk.says("policy", "sign", name, "--key", str(desk.folder.local_key))
    assert f"{threshold} of {len(names)}" in desk.says("policy", "adopt", name)
    return keys


# ---- the nightly ----


# test_night_policy.py has the same refusal without a process and a server of its own
@pytest.mark.slow
def test_nightly_with_an_altered_policy_ends_with_code_4_before_it_fetches(desk: PolicyDesk) -> None:
    before = desk.trader.state()
    desk.edit_policy()
    said = nightly(desk)
    assert said.returncode == 4, said.stderr
    assert "value changes from 25 pts to 28 pts" in said.stderr
    assert f"alvh policy restore --home {desk.home.path}" in said.stderr
    assert not any(line.startswith("fetch") for line in said.stderr.splitlines())
    assert "Traceback" not in said.stderr
    assert desk.trader.state() == before


# ---- reading ----


def test_show_prints_a_policy_file_that_says_the_same(desk: PolicyDesk) -> None:
    shown = desk.outside / "shown.toml"
    shown.write_text(desk.says("policy", "show"), encoding="utf-8")
    assert desk.hash_of(shown) == desk.hash_of(desk.folder.policy)


def test_show_of_a_session_before_the_first_policy_says_that_it_is_applied_backwards(desk: PolicyDesk) -> None:
    said = desk.says("policy", "show", "--effective", "2020-03-16")
    assert "applied to 2020-03-16 as the first policy of this home" in said
    document = json.loads(desk.says("policy", "show", "--effective", "2020-03-16", "--json"))
    assert document["is_retroactive"] is True
    assert document["policy"]["parameters"]["arm_vix_pts"]["value"] == "25"


def test_show_of_the_day_of_an_adoption_is_the_old_policy_and_names_the_new_one(desk: PolicyDesk) -> None:
    old, new = desk.hash_of(desk.folder.policy), desk.hash_of(desk.draft())
    desk.change_to(desk.draft())
    said = desk.says("policy", "show").splitlines()
    assert old in said[0]
    assert f"not yet in force: hash {new}, from {MONDAY}" in said[2]
    assert new in desk.says("policy", "show", "--effective", MONDAY.isoformat()).splitlines()[0]


def test_show_of_a_preset_is_that_preset(desk: PolicyDesk) -> None:
    assert preset_text("veqtor").strip() in desk.says("policy", "show", "--preset", "veqtor")


def test_presets_lists_all_with_their_hashes(desk: PolicyDesk) -> None:
    said = desk.says("policy", "presets", "--json")
    assert [row["name"] for row in json.loads(said)] == list(PRESETS)
    for row in json.loads(said):
        assert f"{row['name']:<10}{row['policy_hash'][:12]}" in desk.says("policy", "presets")


def test_validate_counts_the_rules_on_the_published_signals(desk: PolicyDesk) -> None:
    said = desk.says("policy", "validate", str(desk.folder.policy))
    assert "temporal_vega.arm" in said
    assert "not evaluable" in said


def test_validate_of_a_slip_names_line_and_nearest_column(desk: PolicyDesk) -> None:
    draft = desk.draft(old='"vix_close_pts >= $arm_vix_pts"', new='"vix_clsoe_pts >= $arm_vix_pts"')
    number = next(n for n, line in enumerate(draft.read_text().splitlines(), start=1) if "vix_clsoe_pts" in line)
    said = desk.alvh("policy", "validate", str(draft))
    assert said.exit_code == 2
    assert f"{draft}:{number} " in said.stderr
    assert "vix_close_pts" in said.stderr


def test_validate_without_a_warehouse_says_that_nothing_was_counted(desk: PolicyDesk) -> None:
    desk.home.published.unlink()
    assert "was not counted" in desk.says("policy", "validate", str(desk.draft()))


def test_diff_of_the_home_is_between_the_adopted_policy_and_its_file(desk: PolicyDesk) -> None:
    assert "nothing changes" in desk.says("policy", "diff")
    desk.edit_policy()
    assert "parameter arm_vix_pts: value changes from 25 pts to 28 pts" in desk.says("policy", "diff")


def test_diff_takes_presets_files_and_hashes(desk: PolicyDesk) -> None:
    adopted = desk.hash_of(desk.folder.policy)
    for before, after in (("article", str(desk.draft())), (adopted[:8], str(desk.draft()))):
        document = json.loads(desk.says("policy", "diff", before, after, "--json"))
        assert document["before"] == adopted
        assert document["changes"] == ["parameter arm_vix_pts: value changes from 25 pts to 28 pts"]


def test_diff_of_something_unknown_is_a_usage_error(desk: PolicyDesk) -> None:
    said = desk.alvh("policy", "diff", "artikel")
    assert said.exit_code == 2
    assert "artikel" in said.stderr


def test_log_lists_entries_head_and_open_proposals(desk: PolicyDesk) -> None:
    name = desk.propose(desk.draft())
    said = desk.says("policy", "log", "-n", "2").splitlines()
    document = json.loads(desk.says("policy", "log", "--json"))
    assert [line.split()[2] for line in said[:2]] == ["night", "proposed"]
    assert document["head"]["sha256"] in said[2]
    assert said[3].startswith(f"open: {name}")
    assert document["open_proposals"] == [name]


def test_commands_in_a_home_without_a_policy_say_how_one_begins(desk: PolicyDesk) -> None:
    desk.trader.home = type(desk.home)(desk.outside / "empty")
    draft = desk.outside / "draft.toml"
    draft.write_text(preset_text("static"), encoding="utf-8")
    for words in (["show"], ["restore"], ["propose", str(draft)], ["adopt", "abcd"], ["diff", "adopted", "article"]):
        said = desk.alvh("policy", *words)
        assert said.exit_code == 2, words
        assert "alvh nightly" in said.stderr
    assert not desk.home.path.exists()


# ---- changing ----


def test_policy_proposed_signed_and_adopted_is_in_force_from_the_next_session(desk: PolicyDesk) -> None:
    draft = desk.draft()
    said = desk.says("policy", "propose", str(draft), "--by", "Ada")
    assert "parameter arm_vix_pts: value changes from 25 pts to 28 pts" in said
    name = said.split()[1].rstrip(":")
    assert f"alvh policy sign {name} --key {desk.folder.local_key}" in said
    assert "1 of 1 signatures (local)" in desk.says("policy", "sign", name, "--key", str(desk.folder.local_key))
    assert f"in force from {MONDAY}" in desk.says("policy", "adopt", name[:6])
    assert desk.folder.policy.read_bytes() == draft.read_bytes()


def test_adoption_on_the_eve_of_a_holiday_waits_for_the_session_after_it(desk: PolicyDesk) -> None:
    desk.go_on_to(date(2025, 11, 26))
    desk.change_to(desk.draft())
    newest = read_register(desk.home).newest
    assert newest is not None
    assert newest.effective_from == date(2025, 11, 28)


def test_adoption_waits_for_a_session_after_the_newest_published_one(desk: PolicyDesk) -> None:
    desk.trader.now = desk.trader.now.replace(day=10)
    desk.change_to(desk.draft())
    newest = read_register(desk.home).newest
    assert newest is not None
    assert newest.effective_from == MONDAY


def test_two_of_three_are_needed_where_the_signers_say_so(desk: PolicyDesk) -> None:
    keys = team(desk, 2, "Ada", "Bert", "Cleo")
    name = desk.propose(desk.draft())
    desk.says("policy", "sign", name, "--key", str(keys["Ada"]))
    alone = desk.alvh("policy", "adopt", name)
    assert alone.exit_code == 2
    assert "signed by Ada; not by Bert, Cleo" in alone.stderr
    assert "2 of 2 signatures" in desk.says("policy", "sign", name, "--key", str(keys["Cleo"]))
    assert "in force from" in desk.says("policy", "adopt", name)
    assert "as it was written" in desk.says("verify")


def test_key_of_the_home_signs_no_more_once_others_sign(desk: PolicyDesk) -> None:
    team(desk, 2, "Ada", "Bert", "Cleo")
    said = desk.alvh("policy", "sign", desk.propose(desk.draft()), "--key", str(desk.folder.local_key))
    assert said.exit_code == 2
    assert "not one of the signers" in said.stderr


def test_policy_with_a_rule_that_never_holds_is_not_proposed(desk: PolicyDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    # the made-up market is shorter than the year that a verdict takes
    monkeypatch.setattr("flows.policies.check_rules_on_data", partial(check_rules_on_data, least_sessions=20))
    said = desk.alvh("policy", "propose", str(desk.draft()))
    assert said.exit_code == 2
    assert "never holds" in said.stderr
    assert not read_register(desk.home).open_proposals()


def test_draft_in_the_home_is_set_aside_by_a_restore(desk: PolicyDesk) -> None:
    desk.edit_policy()
    edited = desk.folder.policy.read_bytes()
    said = desk.says("policy", "restore")
    aside = Path(said.rsplit(" ", 1)[1].strip())
    assert aside.read_bytes() == edited
    assert desk.folder.policy.read_text(encoding="utf-8") == preset_text("article")
    assert "nothing to do" in desk.says("policy", "restore")


def test_hostile_expression_is_not_proposed(desk: PolicyDesk) -> None:
    draft = desk.draft(
        old='"vix_close_pts >= $arm_vix_pts"', new="\"vix_close_pts >= $arm_vix_pts) from read_csv('x') --\""
    )
    said = desk.alvh("policy", "propose", str(draft))
    assert said.exit_code == 2
    assert f"{draft}:" in said.stderr
    assert not list(desk.folder.versions.glob(f"*{desk.hash_of(desk.draft())}*"))


@pytest.mark.parametrize("words", [[], ["--key", "a.pem", "--agent"]])
def test_sign_takes_a_key_file_or_the_agent(desk: PolicyDesk, words: list[str]) -> None:
    said = desk.alvh("policy", "sign", "abcd", *words)
    assert said.exit_code == 2
    assert "--agent" in said.stderr


def test_sign_with_an_agent_that_is_not_there_says_so(desk: PolicyDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    said = desk.alvh("policy", "sign", desk.propose(desk.draft()), "--agent")
    assert said.exit_code == 2
    assert "SSH_AUTH_SOCK" in said.stderr


def test_keygen_makes_a_private_file_and_prints_the_public_half_only(desk: PolicyDesk) -> None:
    path = desk.outside / "ada.pem"
    said = desk.says("policy", "keygen", str(path), "--name", "Ada")
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_key_file(path).public_key in said
    assert path.read_text(encoding="ascii").splitlines()[1] not in said
    assert desk.alvh("policy", "keygen", str(path)).exit_code == 1


def test_key_with_a_passphrase_signs_where_the_environment_has_it(
    desk: PolicyDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSPHRASE, "a long sentence")
    keys = team(desk, 1, "Ada")
    name = desk.propose(desk.draft())
    assert b"ENCRYPTED" in keys["Ada"].read_bytes()
    said = desk.alvh("policy", "sign", name, "--key", str(keys["Ada"]))
    assert said.exit_code == 0
    assert "a long sentence" not in said.output
    monkeypatch.delenv(PASSPHRASE)
    assert "ALVH_KEY_PASSPHRASE" in desk.alvh("policy", "sign", name, "--key", str(keys["Ada"])).stderr


# ---- verify ----


def test_verify_counts_what_it_looked_at(desk: PolicyDesk) -> None:
    said = desk.says("verify")
    assert said.startswith("checked ")
    for what in ("raw files", "5 log entries", "1 signatures", "1 run records"):
        assert what in said


def flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(bytes(body))


@pytest.mark.parametrize("area", ["raw", "warehouse"])
def test_verify_finds_a_flipped_byte_and_says_what_to_do(desk: PolicyDesk, area: str) -> None:
    vix = (path for path in (desk.home.raw / "cboe" / "VIX_History.csv").glob("*.csv"))
    path = next(vix) if area == "raw" else desk.home.published
    flip(path)
    said = desk.alvh("verify")
    assert said.exit_code == 4
    first = said.stdout.split("\n" + "checked")[0].splitlines()
    assert first[0].startswith(f"{area}: ")
    assert [line.split(":")[0].strip() for line in first[1:6]] == ["where", "found", "expected", "lost", "next"]
    assert str(path) in first[1]


def test_verify_finds_an_edited_policy(desk: PolicyDesk) -> None:
    desk.edit_policy()
    document = json.loads(desk.alvh("verify", "--json").stdout)
    assert document["is_sound"] is False
    assert [finding["where"] for finding in document["findings"]] == [str(desk.folder.policy)]
    assert "alvh policy restore" in document["findings"][0]["next_step"]


def test_verify_takes_a_head_noted_elsewhere(desk: PolicyDesk) -> None:
    head = json.loads(desk.says("policy", "log", "--json"))["head"]["sha256"]
    assert "as it was written" in desk.says("verify", "--head", head)
    said = desk.alvh("verify", "--head", "0" * 64)
    assert said.exit_code == 4
    assert "whose head you noted" in said.stdout
    assert desk.alvh("verify", "--head", "abc").exit_code == 2


def test_verify_of_no_home_is_a_usage_error(desk: PolicyDesk) -> None:
    desk.trader.home = type(desk.home)(desk.outside / "nowhere")
    assert desk.alvh("verify").exit_code == 2
