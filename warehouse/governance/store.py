"""A home's policies as its log has them: what is in force, whether a text is signed, a night put on record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from transforms.errors import ChecksFailedError, PipelineError, UsageError
from transforms.hash_chain import head_of, sha256_hex
from warehouse.governance.log import LogReading, OpenLog, PolicyFolder, open_log, read_log, require_unbroken
from warehouse.governance.register import AdoptedPolicy, Register, replay
from warehouse.governance.signers import Signers, render_signers
from warehouse.home import Home, write_atomically
from warehouse.run_log import read_records

RECORD_KEY = "policy_log"
"""Where a run record keeps the head of the log: ``{"seq": ..., "sha256": ...}``."""
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class OpenedRegister:
    """The log of a home, locked to be written, and what it amounted to when it was opened."""

    log: OpenLog
    register: Register

    @property
    def folder(self) -> PolicyFolder:
        """The home's policy folder."""
        return self.log.folder

    @property
    def signers(self) -> Signers:
        """The present signers."""
        assert self.register.signers is not None
        return self.register.signers

    def append(self, content: Mapping[str, object], now: datetime) -> dict[str, Any]:
        """Write an entry and return it; one that breaks a rule is not written."""
        return self.log.append([content], now, require_rules_kept)[-1]

    def after(self) -> Register:
        """Return what the log amounts to now."""
        return replay_sound(self.folder, self.log.reading)


def read_register(home: Home) -> Register:
    """Return what the log of a home amounts to; an empty register where there is none yet.

    Raises
    ------
    ChecksFailedError
        If the log, or an entry in it, is not as the commands write it.
    """
    folder = PolicyFolder.of(home)
    reading = read_log(folder)
    require_unbroken(folder, reading) if reading.is_there else require_no_trace(home, folder)
    return replay_sound(folder, reading)


def active_policy(home: Home, session: date) -> AdoptedPolicy | None:
    """Return the policy in force on a session, or None where none was ever adopted.

    Before the first policy's own first session, the first policy, marked ``is_retroactive``.
    """
    return read_register(home).policy_on(session)


def read_policy(home: Home, adopted: AdoptedPolicy) -> bytes:
    """Return the text of an adopted policy, as it was signed.

    Raises
    ------
    ChecksFailedError
        If the kept text is gone or is another.
    """
    return read_version(PolicyFolder.of(home), adopted.policy_hash, adopted.policy_sha256)


def require_signed(home: Home, policy_hash: str, session: date) -> AdoptedPolicy:
    """Return the policy in force on a session; stop where ``policy.toml`` is not a signed one.

    Parameters
    ----------
    policy_hash
        Hash of ``policy.toml``. It has to be the policy in force, or the one adopted last (which takes
        effect with a later session, or replaced the one of a past session). What is returned decides.

    Raises
    ------
    ChecksFailedError
        Saying what was adopted and how to adopt or to go back.
    """
    register = read_register(home)
    folder = PolicyFolder.of(home)
    in_force, newest = register.policy_on(session), register.newest
    if in_force is None or newest is None:
        raise ChecksFailedError(
            "no policy was ever adopted here",
            where=str(folder.log),
            found=f"policy.toml of hash {policy_hash}, which nobody signed",
            expected="an adopted policy",
            next_step="`alvh policy propose`, `alvh policy sign ID`, `alvh policy adopt ID`",
        )
    if policy_hash in (in_force.policy_hash, newest.policy_hash):
        return in_force
    proposals = [p for p in register.open_proposals() if p.statement.get("policy_hash") == policy_hash]
    steps = "`alvh policy propose`, `alvh policy sign ID`, `alvh policy adopt ID`"
    if proposals:
        steps = f"`alvh policy sign {proposals[-1].proposal_id}`, `alvh policy adopt {proposals[-1].proposal_id}`"
    raise ChecksFailedError(
        "the policy in this home is not the one that was signed",
        where=str(folder.policy),
        found=f"hash {policy_hash}" + (", proposed and not adopted" if proposals else ", never proposed"),
        expected=f"hash {newest.policy_hash}, signed by {', '.join(newest.signed_by)}, "
        f"adopted {newest.adopted_at_utc}, in force from {newest.effective_from}",
        next_step=f"`alvh policy diff` shows what changed; to adopt it: {steps}; "
        f"to go back: copy {folder.version(newest.policy_hash)} over it",
    )


def record_night(
    home: Home,
    *,
    session: date,
    run_id: str,
    policy_hash: str,
    states_sha256: str,
    warehouse_sha256: str,
    now: datetime,
) -> dict[str, Any]:
    """Put a night into the log. Return the new head for the run record, to be kept under ``RECORD_KEY``.

    Parameters
    ----------
    states_sha256, warehouse_sha256
        Hash of the session's rows of states (:func:`transforms.hash_chain.hash_rows`) and of the
        published file.

    Raises
    ------
    ChecksFailedError
        If the policy is not the one in force on the session.
    """
    with open_register(home) as opened:
        in_force = opened.register.policy_on(session)
        if in_force is None or in_force.policy_hash != policy_hash:
            raise ChecksFailedError(
                "the night was run under a policy that was not in force",
                where=f"session {session}",
                found=f"hash {policy_hash}",
                expected=f"hash {in_force.policy_hash}" if in_force else "an adopted policy",
                next_step="run the night again",
            )
        content = {
            "kind": "nightly_state",
            "session": session.isoformat(),
            "run_id": run_id,
            "policy_hash": policy_hash,
            "states_sha256": states_sha256,
            "warehouse_sha256": warehouse_sha256,
        }
        head = head_of(opened.append(content, now))
        return {"seq": head.seq, "sha256": head.sha256}


@contextmanager
def open_register(home: Home) -> Iterator[OpenedRegister]:
    """Lock and read the log of a home that has one, to write it.

    Raises
    ------
    UsageError
        If the home has no log yet.
    ChecksFailedError
        If the log is gone, or not as the commands write it.
    """
    folder = PolicyFolder.of(home)
    with open_log(folder) as log:
        if not log.reading.is_there:
            require_no_trace(home, folder)
            raise UsageError(
                "this home has no policy yet",
                where=str(folder.log),
                found="no policy log",
                expected="the log that the first night begins",
                next_step="run `alvh nightly` once: it makes a key and adopts the first policy",
            )
        register = replay_sound(folder, log.reading)
        _mend_signers_file(folder, register)
        yield OpenedRegister(log, register)


def replay_sound(folder: PolicyFolder, reading: LogReading) -> Register:
    """Return what a log amounts to.

    Raises
    ------
    ChecksFailedError
        If an entry breaks a rule: a signature that is not valid, an adoption that too few signed ...
    """
    register = replay(reading.entries)
    if register.problems:
        first = register.problems[0]
        raise ChecksFailedError(
            "the policy log holds an entry that no command would have written",
            where=f"{folder.log}, entry {first.seq}",
            found=first.found,
            expected=first.expected,
            next_step="`alvh verify` lists everything; restore the policy folder from a copy you trust",
        )
    return register


def require_rules_kept(entries: Sequence[Mapping[str, Any]]) -> None:
    """Refuse entries that a replay would not believe, before they are written: the log cannot unsay them.

    Raises
    ------
    PipelineError
        Naming the rule.
    """
    problems = replay(entries).problems
    if problems:
        raise PipelineError(
            "this would break a rule of the policy log; nothing was written",
            where=f"entry {problems[0].seq}",
            found=problems[0].found,
            expected=problems[0].expected,
            next_step="check this machine's clock, then run again",
        )


def require_no_trace(home: Home, folder: PolicyFolder) -> None:
    """Refuse to begin where a log has been: its absence would otherwise be a way around it.

    Raises
    ------
    ChecksFailedError
        Naming what the log left behind.
    """
    trace = trace_of_a_log(home, folder)
    if trace is None:
        return
    raise ChecksFailedError(
        "the policy log is gone",
        where=str(folder.log),
        found=f"no log, but {trace}",
        expected="the log that this comes from",
        next_step="restore the policy folder from a copy you trust, or begin a new home",
    )


def trace_of_a_log(home: Home, folder: PolicyFolder) -> str | None:
    """Return what shows that a home has had a policy log, or None."""
    if folder.head.exists():
        return folder.head.name
    if home.runs.is_dir():
        return next((f"run record {r['run_id']} names its head" for r in read_records(home) if r.get(RECORD_KEY)), None)
    return None


def _mend_signers_file(folder: PolicyFolder, register: Register) -> None:
    # A command killed behind its entry leaves the copy as it was. Anything else there is somebody's draft.
    try:
        is_outdated = folder.signers.read_bytes() in [render_signers(signers) for signers in register.earlier_signers]
    except FileNotFoundError:
        is_outdated = True
    if is_outdated and register.signers is not None:
        write_atomically(folder.signers, render_signers(register.signers))


def keep_version(folder: PolicyFolder, register: Register, policy_bytes: bytes, policy_hash: str) -> str:
    """Keep the text of a policy under its hash. Return the SHA-256 of the text that is kept.

    One hash is one meaning: where a text of this hash was proposed before, with other comments perhaps,
    that text stays, since it is what was signed. It is put back if it was lost and these bytes are it.

    Raises
    ------
    ValueError
        If the hash is not 64 hexadecimal digits.
    ChecksFailedError
        If the text kept before was altered, and these bytes are not what it was.
    """
    if not (len(policy_hash) == 64 and set(policy_hash) <= _HEX):
        raise ValueError("a policy hash has 64 hexadecimal digits")
    proposals = [p.statement for p in register.proposals.values() if p.statement.get("policy_hash") == policy_hash]
    sha256 = str(proposals[0]["policy_sha256"]) if proposals else sha256_hex(policy_bytes)
    if sha256 == sha256_hex(policy_bytes):
        write_atomically(folder.version(policy_hash), policy_bytes)
    else:
        read_version(folder, policy_hash, sha256)
    return sha256


def read_version(folder: PolicyFolder, policy_hash: str, policy_sha256: str) -> bytes:
    """Return a kept text.

    Raises
    ------
    ChecksFailedError
        If it is gone or is another.
    """
    path = folder.version(policy_hash)
    try:
        content = path.read_bytes()
        found = f"a text of SHA-256 {sha256_hex(content)}"
    except OSError as error:
        content, found = b"", error.strerror or type(error).__name__
    if sha256_hex(content) != policy_sha256:
        raise ChecksFailedError(
            "the text of a policy was altered after it was proposed",
            where=str(path),
            found=found,
            expected=f"a text of SHA-256 {policy_sha256}",
            next_step="propose the very same file again (its text is then put back), or restore a copy",
        )
    return content
