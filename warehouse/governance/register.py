"""What the log amounts to: the signers, the proposals with their signatures, what was in force when.

Replaying checks every entry by the rules it was written under, signatures included, so that an entry
which somebody put into the file by hand, hashes and all, is not believed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from transforms.errors import UsageError
from transforms.hash_chain import canonical_json, sha256_hex
from warehouse.governance.keys import is_signature_valid
from warehouse.governance.signers import Signers, signers_of_entry

POLICY = "policy"
SIGNERS = "signers"
# What is signed starts with words no other protocol's message starts with: an agent's key signs for SSH too.
_PURPOSE = b"alvh governance statement v1\n"
_NEW_YORK = ZoneInfo("America/New_York")
_ID_LENGTH = 16


@dataclass(frozen=True)
class AdoptedPolicy:
    """A policy that k of n signed, and from which session on it is in force.

    ``is_first`` marks the first policy of a home, which is also applied to the sessions before
    ``effective_from``; ``is_retroactive`` is true where it was asked for on such a session.
    """

    policy_hash: str
    policy_sha256: str
    effective_from: date
    adopted_at_utc: str
    proposal_id: str
    signed_by: tuple[str, ...]
    is_first: bool
    is_retroactive: bool = False


@dataclass(frozen=True)
class Proposal:
    """A proposed policy, or proposed signers; ``signed_by`` maps public keys to names."""

    proposal_id: str
    statement: Mapping[str, Any]
    proposed_at_utc: str
    seq: int
    signed_by: Mapping[str, str] = field(default_factory=dict)
    is_adopted: bool = False

    @property
    def subject(self) -> str:
        """``policy`` or ``signers``."""
        return str(self.statement["subject"])

    @property
    def message(self) -> bytes:
        """The bytes that are signed."""
        return message_of(self.statement)

    @property
    def new_signers(self) -> Signers:
        """The signers proposed."""
        return signers_of_entry(self.statement["signers"])


@dataclass(frozen=True)
class NightEntry:
    """What the log says of a night: the session's states and the warehouse that was published."""

    seq: int
    entry_sha256: str
    session: date
    run_id: str
    policy_hash: str
    states_sha256: str
    warehouse_sha256: str


@dataclass(frozen=True)
class RegisterProblem:
    """An entry that breaks a rule."""

    seq: int
    found: str
    expected: str


@dataclass
class Register:
    """The log, replayed."""

    signers: Signers | None = None
    earlier_signers: list[Signers] = field(default_factory=list)
    proposals: dict[str, Proposal] = field(default_factory=dict)
    adoptions: list[AdoptedPolicy] = field(default_factory=list)
    nights: list[NightEntry] = field(default_factory=list)
    problems: list[RegisterProblem] = field(default_factory=list)
    signatures_checked: int = 0

    @property
    def newest(self) -> AdoptedPolicy | None:
        """The policy adopted last, in force or about to be."""
        return self.adoptions[-1] if self.adoptions else None

    def policy_on(self, session: date) -> AdoptedPolicy | None:
        """Return the policy in force on a session."""
        for adopted in reversed(self.adoptions):
            if adopted.effective_from <= session:
                return adopted
        return replace(self.adoptions[0], is_retroactive=True) if self.adoptions else None

    def why_closed(self, proposal: Proposal) -> str | None:
        """Return why a proposal can no longer be signed or adopted, or None."""
        if proposal.is_adopted:
            return "it is adopted already"
        if self.signers is None or proposal.statement["signers_sha256"] != self.signers.sha256:
            return "the signers have changed since it was proposed"
        if proposal.subject == POLICY and proposal.statement["replaces"] != self.newest_hash:
            return "another policy was adopted since it was proposed"
        return None

    @property
    def newest_hash(self) -> str | None:
        """Hash of the policy adopted last."""
        return self.newest.policy_hash if self.newest else None

    def open_proposals(self) -> list[Proposal]:
        """Return the proposals that can be signed or adopted, oldest first."""
        return [proposal for proposal in self.proposals.values() if self.why_closed(proposal) is None]


class _InvalidError(Exception):
    """An entry breaks a rule: what was found, what the rule is."""


def replay(entries: Iterable[Mapping[str, Any]]) -> Register:
    """Return what the entries of a log amount to; entries that break a rule are listed and have no effect."""
    register = Register()
    for entry in entries:
        kind = entry.get("kind")
        apply = _RULES.get(kind) if isinstance(kind, str) else None
        try:
            if apply is None:
                raise _InvalidError(f"the kind {kind!r}", "one of " + ", ".join(_RULES))
            if kind != "signers_set" and register.signers is None:
                raise _InvalidError("no signers before it", "the first entry sets the first signers")
            apply(register, entry)
        except _InvalidError as error:
            register.problems.append(RegisterProblem(entry["seq"], str(error.args[0]), str(error.args[1])))
        except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
            found = f"a {kind} entry that cannot be read ({type(error).__name__})"
            register.problems.append(RegisterProblem(entry["seq"], found, "the fields that such an entry has"))
    return register


def message_of(statement: Mapping[str, Any]) -> bytes:
    """Return the bytes that a signature of a statement is made over."""
    return _PURPOSE + canonical_json(dict(statement))


def proposal_id_of(statement: Mapping[str, Any]) -> str:
    """Return the name of a proposal: the start of the hash of what is signed."""
    return sha256_hex(message_of(statement))[:_ID_LENGTH]


def new_york_date(instant: datetime) -> date:
    """Return the date in New York at an instant."""
    return instant.astimezone(_NEW_YORK).date()


def _set_signers(register: Register, entry: Mapping[str, Any]) -> None:
    signers = signers_of_entry(entry["signers"])
    proposal_id = entry["proposal_id"]
    if proposal_id is None:
        _require(entry["seq"] == 1, "signers without a proposal", "only the first entry sets signers by itself")
    else:
        proposal = _adoptable(register, proposal_id, SIGNERS)
        _require(proposal.new_signers == signers, "other signers than were signed", "those of the proposal")
        register.proposals[proposal_id] = replace(proposal, is_adopted=True)
    if register.signers is not None:
        register.earlier_signers.append(register.signers)
    register.signers = signers


def _propose(register: Register, entry: Mapping[str, Any]) -> None:
    statement = entry["statement"]
    proposal_id = entry["proposal_id"]
    assert register.signers is not None
    _require(proposal_id == proposal_id_of(statement), f"proposal {proposal_id}", proposal_id_of(statement))
    _require(
        statement["log_head"] == entry["previous_sha256"],
        f"a proposal made behind {statement['log_head']}",
        f"the entry before it, {entry['previous_sha256']}",
    )
    signed_by = statement["signers_sha256"]
    _require(
        signed_by == register.signers.sha256, "a proposal to other signers", f"those of then, {register.signers.say()}"
    )
    _require(proposal_id not in register.proposals, f"proposal {proposal_id} again", "a proposal once")
    proposal = Proposal(proposal_id, statement, entry["at_utc"], entry["seq"])
    if proposal.subject == POLICY:
        _require(
            statement["replaces"] == register.newest_hash,
            f"a proposal to replace {statement['replaces']}",
            f"the policy of then, {register.newest_hash}",
        )
        _require(isinstance(statement["policy_hash"], str), "no policy hash", "a hash")
        _require(isinstance(statement["policy_sha256"], str), "no hash of the policy's text", "a hash")
    else:
        _require(proposal.subject == SIGNERS, f"the subject {proposal.subject!r}", "policy or signers")
        _require(proposal.new_signers is not None, "no signers", "signers")
    register.proposals[proposal_id] = proposal


def _sign(register: Register, entry: Mapping[str, Any]) -> None:
    proposal = _open(register, entry["proposal_id"])
    public_key, name = entry["public_key"], entry["name"]
    assert register.signers is not None
    signer = register.signers.named(public_key)
    _require(signer is not None and signer.name == name, f"a signature of {name!r}", f"one of {register.signers.say()}")
    _require(public_key not in proposal.signed_by, f"a second signature of {name}", "each signer signs once")
    register.signatures_checked += 1
    is_valid = is_signature_valid(public_key, base64.b64decode(entry["signature"], validate=True), proposal.message)
    _require(is_valid, f"a signature of {name} that is not valid", f"a signature of proposal {proposal.proposal_id}")
    signed_by = {**proposal.signed_by, public_key: name}
    register.proposals[proposal.proposal_id] = replace(proposal, signed_by=signed_by)


def _adopt(register: Register, entry: Mapping[str, Any]) -> None:
    proposal = _adoptable(register, entry["proposal_id"], POLICY)
    statement = proposal.statement
    policy_hash = statement["policy_hash"]
    _require(entry["policy_hash"] == policy_hash, f"policy {entry['policy_hash']}", f"the one signed, {policy_hash}")
    effective = date.fromisoformat(entry["effective_from"])
    proposed, adopted = _instant(statement["proposed_at_utc"]), _instant(entry["at_utc"])
    _require(
        adopted >= proposed, f"adopted {entry['at_utc']}", f"not before it was proposed, {proposed:%Y-%m-%dT%H:%M:%SZ}"
    )
    is_first = not register.adoptions
    _require(entry["is_first"] is is_first, f"is_first {entry['is_first']}", f"{is_first}")
    if not is_first:
        earliest = earliest_effect(register, adopted)
        _require(effective > earliest, f"in force from {effective}", f"a session after {earliest}")
    register.proposals[proposal.proposal_id] = replace(proposal, is_adopted=True)
    register.adoptions.append(
        AdoptedPolicy(
            policy_hash=policy_hash,
            policy_sha256=statement["policy_sha256"],
            effective_from=effective,
            adopted_at_utc=entry["at_utc"],
            proposal_id=proposal.proposal_id,
            signed_by=tuple(proposal.signed_by.values()),
            is_first=is_first,
        )
    )


def earliest_effect(register: Register, at: datetime) -> date:
    """Return the date after which a policy adopted now may take effect: never on a session that has begun.

    Not before the policy adopted last does, either, and not on a session whose states are in the log.
    """
    sessions = [night.session for night in register.nights]
    days_before = [adopted.effective_from - timedelta(days=1) for adopted in register.adoptions]
    return max([new_york_date(at), *sessions, *days_before])


def _note_night(register: Register, entry: Mapping[str, Any]) -> None:
    session = date.fromisoformat(entry["session"])
    in_force = register.policy_on(session)
    expected = in_force.policy_hash if in_force else "none"
    _require(
        entry["policy_hash"] == expected,
        f"session {session} under policy {entry['policy_hash']}",
        f"the policy in force, {expected}",
    )
    hashes = (entry["run_id"], entry["states_sha256"], entry["warehouse_sha256"])
    _require(all(isinstance(text, str) for text in hashes), "hashes that are no text", "text")
    register.nights.append(NightEntry(entry["seq"], entry["entry_sha256"], session, hashes[0], expected, *hashes[1:]))


def _note_torn_tail(register: Register, entry: Mapping[str, Any]) -> None:
    actual = sha256_hex(base64.b64decode(entry["tail_base64"], validate=True))
    _require(actual == entry["tail_sha256"], f"bytes of hash {actual}", f"hash {entry['tail_sha256']}")


_RULES: dict[str, Callable[[Register, Mapping[str, Any]], None]] = {
    "signers_set": _set_signers,
    "proposed": _propose,
    "signed": _sign,
    "adopted": _adopt,
    "nightly_state": _note_night,
    "torn_tail": _note_torn_tail,
}


def _open(register: Register, proposal_id: str) -> Proposal:
    proposal = register.proposals.get(proposal_id)
    if proposal is None:
        raise _InvalidError(f"proposal {proposal_id}", "a proposal that stands before it")
    closed = register.why_closed(proposal)
    _require(closed is None, f"proposal {proposal_id}, but {closed}", "a proposal that is open")
    return proposal


def _adoptable(register: Register, proposal_id: str, subject: str) -> Proposal:
    proposal = _open(register, proposal_id)
    assert register.signers is not None
    _require(proposal.subject == subject, f"a proposal of {proposal.subject}", f"one of {subject}")
    _require(
        len(proposal.signed_by) >= register.signers.threshold,
        f"{len(proposal.signed_by)} valid signatures",
        f"{register.signers.threshold} of {len(register.signers.keys)}",
    )
    return proposal


def _require(holds: bool, found: str, expected: str) -> None:
    if not holds:
        raise _InvalidError(found, expected)


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def describe_entry(entry: Mapping[str, Any]) -> str:
    """Return an entry of the log as one line for a reader."""
    words = _WORDS.get(str(entry["kind"]))
    return f"{entry['seq']:>5}  {entry['at_utc']}  {words(entry) if words else entry['kind']}"


def _describe_proposal(entry: Mapping[str, Any]) -> str:
    statement = entry["statement"]
    what = f"policy {statement['policy_hash'][:12]}" if statement["subject"] == POLICY else "other signers"
    return f"proposed   {entry['proposal_id']}: {what}, by {statement['by']}"


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "signers_set": lambda e: f"signers    {signers_of_entry(e['signers']).say()}",
    "proposed": _describe_proposal,
    "signed": lambda e: f"signed     {e['proposal_id']} by {e['name']}",
    "adopted": lambda e: (
        f"adopted    {e['proposal_id']}: policy {e['policy_hash'][:12]} in force from {e['effective_from']}"
        + (", and for all sessions before" if e["is_first"] else "")
    ),
    "nightly_state": lambda e: f"night      {e['session']} by run {e['run_id']} under policy {e['policy_hash'][:12]}",
    "torn_tail": lambda e: f"torn line  {len(base64.b64decode(e['tail_base64']))} bytes set aside",
}
