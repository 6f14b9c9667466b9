"""The policy log under kill -9, torn lines, full disks and two writers at once: it has happened or it has not."""

from __future__ import annotations

import base64
import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.support.governance import ARTICLE, BOLD, CAUTIOUS, FIRST, NEXT, NOW, Desk, hash_of
from transforms.errors import ChecksFailedError, LockHeldError, PipelineError
from transforms.hash_chain import read_chain
from warehouse.governance import log, operations, store
from warehouse.governance.keys import open_key_file
from warehouse.governance.verify import verify_home
from warehouse.home import Home

ROOT = Path(__file__).resolve().parents[2]

# Kills itself at the n-th call that makes something durable: half of a line is written first.
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.support.governance import ARTICLE, BOLD, Desk
from warehouse.governance.keys import open_key_file
from warehouse.home import Home

left = int(sys.argv[2])
fsync, write = os.fsync, os.write

def counted(handle):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    fsync(handle)

def torn(handle, content):
    if left == 0:
        write(handle, content[:len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(handle, content)

desk = Desk(Home(Path(sys.argv[1])))
if desk.folder.local_key.exists():
    desk.keys["local"] = open_key_file(desk.folder.local_key)
for name in ("Ada", "Ben"):
    path = desk.home.path.parent / "keys" / f"{name}.pem"
    if path.exists():
        desk.keys[name] = open_key_file(path)
steps = {
    "begin": lambda: desk.begin(),
    "propose": lambda: desk.propose(BOLD),
    "sign": lambda: desk.sign(desk_proposal(), "local"),
    "adopt": lambda: desk.adopt(desk_proposal()),
    "adopt-signers": lambda: desk.adopt(desk_proposal(), None),
}

def desk_proposal():
    from warehouse.governance.store import read_register
    return read_register(desk.home).open_proposals()[-1]

os.fsync, os.write = counted, torn
steps[sys.argv[3]]()
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(Home(tmp_path / "home"))
    desk.begin()
    return desk


def killed(desk: Desk, step: str, after: int) -> bool:
    """Run a step in a process that kills itself; False where it ended before it was to be killed."""
    arguments = [str(desk.home.path), str(after), step]
    ended = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr.decode()[-2000:]
    return ended.returncode != 0


def tear(desk: Desk, tail: bytes) -> None:
    with desk.folder.log.open("ab") as file:
        file.write(tail)


def errors(desk: Desk) -> list[str]:
    return [finding.what for finding in verify_home(desk.home, hash_policy=hash_of).findings if finding.is_error]


def put_policy(desk: Desk, policy: bytes) -> None:
    desk.folder.policy.write_bytes(policy)


def instants(count: int, usual: set[int]) -> list[Any]:
    """Each number of syncs and writes before a kill; the usual run takes a few: the first ones, between, the last."""
    return [number if number in usual else pytest.param(number, marks=pytest.mark.slow) for number in range(count)]


@pytest.mark.parametrize("after", instants(12, usual={0, 1, 4, 7, 11}))
def test_first_run_killed_anywhere_can_be_run_again_or_has_happened(tmp_path: Path, after: int) -> None:
    desk = Desk(Home(tmp_path / "home"))
    desk.home.prepare()
    was_killed = killed(desk, "begin", after)
    put_policy(desk, ARTICLE)
    assert errors(desk) == []
    if store.active_policy(desk.home, FIRST) is None:
        assert was_killed
        desk.begin()
    assert store.require_signed(desk.home, hash_of(ARTICLE), FIRST).signed_by == ("local",)
    desk.keys["local"] = open_key_file(desk.folder.local_key)
    desk.change_to(BOLD, "local")
    put_policy(desk, BOLD)
    assert verify_home(desk.home, hash_policy=hash_of).findings == ()


def _prepare_sign(desk: Desk) -> None:
    desk.propose(BOLD)


def _prepare_adopt(desk: Desk) -> None:
    desk.sign(desk.propose(BOLD), "local")


def _prepare_signers(desk: Desk) -> None:
    desk.sign(desk.propose_team(desk.team(2, "Ada", "Ben")), "local")


STEPS: dict[str, tuple[Callable[[Desk], None], str]] = {
    "propose": (lambda desk: None, "proposed"),
    "sign": (_prepare_sign, "signed"),
    "adopt": (_prepare_adopt, "adopted"),
    "adopt-signers": (_prepare_signers, "signers_set"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", instants(7, usual={0, 2, 5}))
def test_step_killed_anywhere_has_happened_or_can_be_done_again(desk: Desk, step: str, after: int) -> None:
    prepare, kind = STEPS[step]
    prepare(desk)
    before = len(desk.entries())
    was_killed = killed(desk, step, after)
    lines = [line for line in desk.folder.log.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    assert was_killed or json.loads(lines[-1])["kind"] == kind
    happened = len(lines) > before
    assert [finding for finding in errors(desk) if "policy.toml" not in finding] == []
    if not happened:
        assert not killed(desk, step, 1000)
    # The next command finds nothing in its way and mends what was left.
    signers = ["Ada", "Ben"] if step == "adopt-signers" else ["local"]
    desk.change_to(CAUTIOUS, *signers)
    put_policy(desk, CAUTIOUS)
    assert verify_home(desk.home, hash_policy=hash_of).findings == ()
    assert sum(entry["kind"] == kind for entry in desk.entries()[before:]) >= 1


@pytest.mark.parametrize(
    "tail", [b"{", b'{"at_utc":"2025-01-07T23:30:00Z","kind":"sig', b"\0" * 300, b"\0" * 9 + b"\n"]
)
def test_torn_line_is_noted_and_put_on_record_by_the_next_entry(desk: Desk, tail: bytes) -> None:
    before = desk.entries()
    tear(desk, tail)
    report = verify_home(desk.home)
    assert report.is_sound
    assert ["torn" in finding.what for finding in report.findings] == [True]
    assert store.require_signed(desk.home, hash_of(ARTICLE), FIRST).policy_hash == hash_of(ARTICLE)

    desk.change_to(BOLD, "local")

    entries = desk.entries()
    assert entries[: len(before)] == before
    assert [entry["kind"] for entry in entries[len(before) :]] == ["torn_tail", "proposed", "signed", "adopted"]
    assert base64.b64decode(entries[len(before)]["tail_base64"]) == tail
    put_policy(desk, BOLD)
    assert verify_home(desk.home, hash_policy=hash_of).findings == ()


def test_torn_line_that_was_whole_but_for_its_newline_does_not_count(desk: Desk) -> None:
    proposal = desk.propose(BOLD)
    head = desk.folder.head.read_bytes()
    signed = desk.sign(proposal, "local")
    assert signed.signed_by
    # As a power cut would leave it that came before the line's end, and so before the note of the head.
    desk.folder.log.write_bytes(desk.folder.log.read_bytes()[:-1])
    desk.folder.head.write_bytes(head)
    assert store.read_register(desk.home).proposals[proposal.proposal_id].signed_by == {}
    assert desk.sign(proposal, "local").signed_by
    assert [entry["kind"] for entry in desk.entries()][-2:] == ["torn_tail", "signed"]


def test_line_lost_that_was_promised_is_no_torn_line(desk: Desk) -> None:
    desk.folder.log.write_bytes(desk.folder.log.read_bytes()[:-1])
    assert errors(desk) == ["the log has lost its end"]
    with pytest.raises(ChecksFailedError, match="cut"):
        desk.propose(BOLD)


def test_note_of_the_head_missing_or_behind_stops_nothing(desk: Desk) -> None:
    behind = desk.folder.head.read_bytes()
    proposal = desk.propose(BOLD)
    desk.folder.head.write_bytes(behind)
    assert verify_home(desk.home).findings == ()
    desk.folder.head.unlink()
    report = verify_home(desk.home)
    assert (report.is_sound, len(report.findings)) == (True, 1)
    desk.sign(proposal, "local")
    assert verify_home(desk.home).findings == ()


def test_entry_is_added_without_writing_the_log_anew(desk: Desk) -> None:
    inode, body = desk.folder.log.stat().st_ino, desk.folder.log.read_bytes()
    desk.propose(BOLD)
    assert desk.folder.log.stat().st_ino == inode
    assert desk.folder.log.read_bytes().startswith(body)


def test_full_disk_leaves_the_log_as_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    body = desk.folder.log.read_bytes()
    write = os.write

    def fill(handle: int, content: bytes) -> int:
        if len(content) > 40:
            return write(handle, content[:40])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(log.os, "write", lambda handle, content: fill(handle, content[:50]))
        with pytest.raises(PipelineError, match="No space left"):
            desk.propose(BOLD)
    assert desk.folder.log.read_bytes() == body
    assert desk.propose(BOLD).signed_by == {}


def test_entry_written_in_pieces_is_whole(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(log.os, "write", lambda handle, content: write(handle, content[:7]))
        desk.propose(BOLD)
    assert read_chain(desk.folder.log.read_bytes()).problems == ()
    assert desk.entries()[-1]["kind"] == "proposed"


def test_two_writers_take_turns(desk: Desk) -> None:
    names = [f"name = 'p{number}'\n".encode() for number in range(8)]
    threads = [threading.Thread(target=desk.propose, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify_home(desk.home).findings == ()
    assert len(store.read_register(desk.home).open_proposals()) == 8


def test_writer_that_finds_the_log_locked_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_LOCK_SECONDS", 0.1)
    with FileLock(desk.folder.lock), pytest.raises(LockHeldError, match="another command"):
        desk.propose(BOLD)


def test_reader_does_not_wait_for_a_writer(desk: Desk) -> None:
    with FileLock(desk.folder.lock):
        assert store.active_policy(desk.home, NEXT) is not None
        assert verify_home(desk.home).is_sound


def test_log_that_cannot_be_read_is_named(desk: Desk) -> None:
    desk.folder.log.unlink()
    desk.folder.log.mkdir()
    with pytest.raises(PipelineError, match="cannot be read"):
        store.active_policy(desk.home, NEXT)


def test_policy_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "policy").write_text("a file", encoding="utf-8")
    with pytest.raises(PipelineError, match="policy folder"):
        operations.first_run(Home(tmp_path), ARTICLE, hash_of(ARTICLE), NOW, FIRST)
