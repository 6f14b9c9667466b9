"""The append-only log ``policy/log.jsonl`` on the disk: one line an entry, chained, never rewritten.

An entry is in the log when its line, newline included, is on the disk. ``policy/head.json`` is a note
of the last entry, written after it: with the note, a log that lost its end is told from a line that a
power cut tore. A torn line was promised to nobody; the next entry to be written puts its bytes, for
the record, into an entry of their own (``torn_tail``) and goes on behind that.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from transforms.errors import ChecksFailedError, LockHeldError, PipelineError
from transforms.hash_chain import (
    START,
    ChainProblem,
    Head,
    head_of,
    read_chain,
    render_entry,
    seal_entries,
    sha256_hex,
)
from warehouse.home import PRIVATE, Home, make_folder, write_atomically
from warehouse.instants import iso_utc
from warehouse.plain_json import load_json

_LOCK_SECONDS = 20.0


@dataclass(frozen=True)
class PolicyFolder:
    """Paths of ``<home>/policy``."""

    root: Path

    @classmethod
    def of(cls, home: Home) -> PolicyFolder:
        """Return the policy folder of a home."""
        return cls(home.path / "policy")

    @property
    def policy(self) -> Path:
        """The policy as its user edits it."""
        return self.root / "policy.toml"

    @property
    def log(self) -> Path:
        """The log."""
        return self.root / "log.jsonl"

    @property
    def head(self) -> Path:
        """The note of the log's last entry."""
        return self.root / "head.json"

    @property
    def lock(self) -> Path:
        """The lock of those who write the log."""
        return self.root / "log.lock"

    @property
    def signers(self) -> Path:
        """Who may sign, as the log has it, to be read."""
        return self.root / "signers.toml"

    @property
    def versions(self) -> Path:
        """Every policy ever proposed."""
        return self.root / "versions"

    @property
    def local_key(self) -> Path:
        """The key made on the first run."""
        return self.root / "keys" / "local.pem"

    def version(self, policy_hash: str) -> Path:
        """Return where the policy of a hash is kept."""
        return self.versions / f"{policy_hash}.toml"

    def prepare(self) -> None:
        """Create the folder, private to the user."""
        try:
            make_folder(self.root)
        except OSError as error:
            raise PipelineError(
                "the policy folder cannot be used",
                where=str(self.root),
                found=str(error),
                expected="a folder this user can create and write",
                next_step="set ALVH_HOME or --home to a writable folder",
            ) from error


@dataclass(frozen=True)
class LogReading:
    """A log as it lies on the disk: its entries, what is wrong, and a torn line at its end."""

    entries: tuple[dict[str, Any], ...]
    problems: tuple[ChainProblem, ...]
    tail: bytes
    body: bytes
    is_there: bool
    noted: Head | None

    @property
    def head(self) -> Head:
        """The last entry."""
        return head_of(self.entries[-1]) if self.entries else START

    def entry(self, seq: int) -> dict[str, Any] | None:
        """Return the entry of a number."""
        if 0 < seq <= len(self.entries) and self.entries[seq - 1]["seq"] == seq:
            return self.entries[seq - 1]
        return next((entry for entry in self.entries if entry["seq"] == seq), None)


def read_log(folder: PolicyFolder) -> LogReading:
    """Read the log and check its chain. Writes nothing and raises for nothing that is in the file.

    Raises
    ------
    PipelineError
        If there is a log that this user cannot read.
    """
    # The note first: an entry written in between is then ahead of the note, never behind it.
    noted, is_readable = _read_head(folder.head)
    try:
        body = folder.log.read_bytes()
    except FileNotFoundError:
        # Whether there should be one is for others to say: see `store.trace_of_a_log`.
        return LogReading((), (), b"", b"", is_there=False, noted=noted)
    except OSError as error:
        raise PipelineError(
            "the policy log cannot be read",
            where=str(folder.log),
            found=error.strerror or type(error).__name__,
            expected="a file this user can read",
            next_step="check who owns the policy folder",
        ) from error
    chain = read_chain(body)
    problems = list(chain.problems)
    reading = LogReading(chain.entries, (), chain.tail, body, is_there=True, noted=noted)
    last_line = max(1, body.count(b"\n"))
    if not chain.entries and not problems:
        problems.append(ChainProblem(1, "cut", "no entry", "the entry that set the first signers"))
    if not is_readable:
        problems.append(ChainProblem(last_line, "edited", f"{folder.head.name} that cannot be read", "seq and sha256"))
    elif noted is not None:
        problems += _compare_with_note(reading, noted, last_line)
    return replace(reading, problems=tuple(problems))


def _compare_with_note(reading: LogReading, noted: Head, last_line: int) -> list[ChainProblem]:
    expected = f"entry {noted.seq} of hash {noted.sha256}, as head.json says"
    if noted.seq > reading.head.seq:
        found = f"entry {reading.head.seq} as the last" if reading.entries else "no entry"
        return [ChainProblem(last_line, "cut", found, expected)]
    entry = reading.entry(noted.seq)
    if entry is None or entry["entry_sha256"] != noted.sha256:
        found = "no such entry" if entry is None else f"entry {noted.seq} of hash {entry['entry_sha256']}"
        return [ChainProblem(noted.seq, "rewritten", found, expected)]
    return []


def require_unbroken(folder: PolicyFolder, reading: LogReading) -> None:
    """Refuse a log that is not as it was written.

    Raises
    ------
    ChecksFailedError
        Naming the first thing that is wrong.
    """
    if not reading.problems:
        return
    first = reading.problems[0]
    more = f" (and {len(reading.problems) - 1} more)" if len(reading.problems) > 1 else ""
    raise ChecksFailedError(
        f"the policy log was changed after it was written: {first.kind}{more}",
        where=f"{folder.log}, line {first.line}",
        found=first.found,
        expected=first.expected,
        next_step="`alvh verify` lists everything; restore the policy folder from a copy you trust",
    )


class OpenLog:
    """A log that this process may write: read and found unbroken, and locked."""

    def __init__(self, folder: PolicyFolder, reading: LogReading) -> None:
        self.folder = folder
        self.reading = reading

    def append(
        self,
        contents: list[Mapping[str, object]],
        at: datetime,
        check: Callable[[Sequence[Mapping[str, Any]]], None] = lambda entries: None,
    ) -> list[dict[str, Any]]:
        """Write entries behind the last one and return them; each is on the disk when this returns.

        ``check`` is given the log as it would be, and raises to keep the entries out.

        One entry is one added line. The whole file is only written anew, beside the old one and
        swapped in, where the log begins and where a torn line is put on record: several entries of
        such a write are there together or not at all.
        """
        dated: list[Mapping[str, object]] = [{"at_utc": iso_utc(at), **content} for content in contents]
        torn = self.reading.tail
        if torn:
            note = {
                "at_utc": iso_utc(at),
                "kind": "torn_tail",
                "tail_base64": base64.b64encode(torn).decode(),
                "tail_sha256": sha256_hex(torn),
            }
            dated = [note, *dated]
        entries = seal_entries(dated, self.reading.head)
        check((*self.reading.entries, *entries))
        lines = b"".join(render_entry(entry) for entry in entries)
        whole = self.reading.body.removesuffix(torn)
        if torn or not self.reading.is_there:
            write_atomically(self.folder.log, whole + lines)
        else:
            _append_durably(self.folder.log, lines, expected_bytes=len(whole))
        head = head_of(entries[-1])
        self.reading = LogReading((*self.reading.entries, *entries), (), b"", whole + lines, True, head)
        self.note_head()
        return entries

    def note_head(self) -> None:
        """Write down which entry is the last."""
        head = self.reading.head
        note = json.dumps({"seq": head.seq, "sha256": head.sha256})
        write_atomically(self.folder.head, note.encode() + b"\n")


@contextmanager
def open_log(folder: PolicyFolder) -> Iterator[OpenLog]:
    """Lock the log and read it, to write it. Signing, adopting and the nightly take turns.

    Raises
    ------
    LockHeldError
        If another process keeps the log locked.
    ChecksFailedError
        If the log is not as it was written: nothing is added to a log that cannot be believed.
    """
    folder.prepare()
    lock = FileLock(folder.lock, timeout=_LOCK_SECONDS, mode=PRIVATE, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise LockHeldError(
            "another command is writing the policy log",
            where=str(folder.lock),
            found="a lock that is held",
            expected="one writer at a time",
            next_step="wait for it to end and run again",
        ) from None
    except OSError as error:
        raise _cannot_write(folder.log, error) from error
    try:
        reading = read_log(folder)
        require_unbroken(folder, reading)
        yield OpenLog(folder, reading)
    finally:
        lock.release()


def _append_durably(path: Path, lines: bytes, expected_bytes: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        _write_all(handle, lines)
        os.fsync(handle)
    except OSError as error:
        # A full disk takes part of a line: what was there before is all that is there after.
        with suppress(OSError):
            os.ftruncate(handle, expected_bytes)
        raise _cannot_write(path, error) from error
    finally:
        os.close(handle)


def _write_all(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]


def _cannot_write(path: Path, error: OSError) -> PipelineError:
    return PipelineError(
        "the policy log could not be written",
        where=str(path),
        found=str(error),
        expected="room on the disk and the right to write",
        next_step="mend the cause and run again: the log is as it was",
    )


def _read_head(path: Path) -> tuple[Head | None, bool]:
    """Return the note and whether it can be read; no note at all is none, and readable."""
    try:
        note = load_json(path.read_bytes())
        return Head(int(note["seq"]), str(note["sha256"])), True
    except FileNotFoundError:
        return None, True
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None, False
