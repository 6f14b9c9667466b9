"""Propose, sign, adopt: the only way to a policy in force, and the first policy of a new home.

Every operation reads the log whole, refuses one that is broken, and writes one entry last: killed
anywhere, it has happened or it has not, and the next operation mends the readable copies.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from transforms.errors import PipelineError, UsageError
from transforms.hash_chain import START, Head, head_of, seal_entry, sha256_hex
from warehouse.governance.keys import (
    KeyFileSigner,
    Signer,
    create_key_file,
    fingerprint,
    is_signature_valid,
    open_key_file,
)
from warehouse.governance.log import PolicyFolder, open_log
from warehouse.governance.register import (
    POLICY,
    SIGNERS,
    AdoptedPolicy,
    Proposal,
    Register,
    earliest_effect,
    message_of,
    new_york_date,
    proposal_id_of,
)
from warehouse.governance.signers import SignerKey, Signers, parse_signers, render_signers
from warehouse.governance.store import (
    OpenedRegister,
    keep_version,
    open_register,
    read_version,
    replay_sound,
    require_no_trace,
    require_rules_kept,
)
from warehouse.home import Home, write_atomically
from warehouse.instants import iso_utc

_SHORTEST_ID = 4


def propose(home: Home, policy_bytes: bytes, policy_hash: str, by: str, now: datetime) -> Proposal:
    """Propose a policy to the signers.

    Parameters
    ----------
    policy_bytes, policy_hash
        The policy's file as it is, comments and all, and its hash, 64 hexadecimal digits.
    by
        Who proposes.

    Raises
    ------
    UsageError
        If it is adopted or proposed already, or nothing can be proposed yet.
    """
    with open_register(home) as opened:
        register, folder = opened.register, opened.folder
        policy_sha256 = keep_version(folder, register, policy_bytes, policy_hash)
        if policy_hash == register.newest_hash:
            raise UsageError("this policy is adopted already", where=str(folder.log), found=f"hash {policy_hash}")
        for proposal in register.open_proposals():
            if proposal.statement.get("policy_hash") == policy_hash:
                raise _proposed_already(proposal)
        content: dict[str, Any] = {
            "policy_hash": policy_hash,
            "policy_sha256": policy_sha256,
            "replaces": register.newest_hash,
        }
        return _append_proposal(opened, POLICY, content, by, now)


def propose_signers(home: Home, signers_bytes: bytes, by: str, now: datetime) -> Proposal:
    """Propose other signers, or another threshold, to the present signers.

    Parameters
    ----------
    signers_bytes
        Content of a ``signers.toml``.

    Raises
    ------
    UsageError
        If the file cannot be used, says what is so already, or was proposed already.
    """
    signers = parse_signers(signers_bytes)
    with open_register(home) as opened:
        register = opened.register
        if signers == register.signers:
            raise UsageError("these are the signers already", found=signers.say())
        for proposal in register.open_proposals():
            if proposal.subject == SIGNERS and proposal.new_signers == signers:
                raise _proposed_already(proposal)
        return _append_proposal(opened, SIGNERS, {"signers": signers.as_entry()}, by, now)


def sign(home: Home, proposal_id: str, signer: Signer, now: datetime) -> Proposal:
    """Sign a proposal with a key file or an agent's key.

    Raises
    ------
    UsageError
        If the proposal is unknown or closed, the key is no signer's, or it has signed already.
    ChecksFailedError
        If the proposed text was altered since.
    """
    with open_register(home) as opened:
        proposal = _open_proposal(opened, proposal_id)
        known = opened.signers.named(signer.public_key)
        if known is None:
            raise UsageError(
                "this key is not one of the signers'",
                where=str(opened.folder.signers),
                found=fingerprint(signer.public_key),
                expected="; ".join(f"{key.name} {fingerprint(key.public_key)}" for key in opened.signers.keys),
                next_step="use a signer's key, or propose other signers with `alvh policy propose --signers FILE`",
            )
        if signer.public_key in proposal.signed_by:
            raise UsageError(
                f"{known.name} has signed this proposal already",
                found=_say_signatures(opened.signers, proposal),
                next_step="another signer signs, or `alvh policy adopt` it",
            )
        signature = signer.sign(proposal.message)
        if not is_signature_valid(signer.public_key, signature, proposal.message):
            raise PipelineError("the key made a signature that is not valid", found=fingerprint(signer.public_key))
        opened.append(_signed_entry(proposal.proposal_id, known, signature), now)
        return opened.after().proposals[proposal.proposal_id]


def adopt(home: Home, proposal_id: str, now: datetime, effective_from: date | None = None) -> Proposal:
    """Adopt a proposal that k of the n present signers signed.

    Parameters
    ----------
    effective_from
        First session of a policy: the next one after the adoption. Not asked for other signers, who
        take over at once.

    Raises
    ------
    UsageError
        If signatures are missing, the proposal is unknown or closed, or the session is not a later one.
    ChecksFailedError
        If the proposed text was altered since.
    """
    with open_register(home) as opened:
        register, folder = opened.register, opened.folder
        proposal = _open_proposal(opened, proposal_id)
        if len(proposal.signed_by) < opened.signers.threshold:
            raise UsageError(
                "this proposal has not been signed by enough",
                where=f"proposal {proposal.proposal_id}",
                found=_say_signatures(opened.signers, proposal),
                expected=f"{opened.signers.threshold} of {len(opened.signers.keys)}",
                next_step=f"`alvh policy sign {proposal.proposal_id}` with another signer's key",
            )
        if proposal.subject == SIGNERS:
            signers = {"signers": proposal.statement["signers"], "proposal_id": proposal.proposal_id}
            opened.append({"kind": "signers_set", **signers}, now)
            write_atomically(folder.signers, render_signers(proposal.new_signers))
        else:
            _require_later(register, effective_from, now)
            assert effective_from is not None
            is_first = not register.adoptions
            opened.append(_adopted_entry(proposal.proposal_id, proposal.statement, effective_from, is_first), now)
        return opened.after().proposals[proposal.proposal_id]


def first_run(home: Home, policy_bytes: bytes, policy_hash: str, now: datetime, session: date) -> AdoptedPolicy:
    """Give a new home its key, its signer (1 of 1) and its first policy, in one step.

    The first policy is in force from ``session`` on and applies to the sessions before it as well.

    Raises
    ------
    UsageError
        If the home has a log.
    ChecksFailedError
        If it had one: a home whose log was removed does not start again with anybody's policy.
    """
    folder = PolicyFolder.of(home)
    with open_log(folder) as log:
        if log.reading.is_there:
            raise UsageError(
                "this home has adopted a policy before",
                where=str(folder.log),
                expected="a home without a policy log",
                next_step="change the policy with `alvh policy propose`",
            )
        require_no_trace(home, folder)
        signer = _local_signer(folder)
        key = SignerKey("local", signer.public_key, new_york_date(now))
        signers = Signers(1, (key,))
        keep_version(folder, Register(), policy_bytes, policy_hash)
        log.append(_first_entries(signers, signer, policy_bytes, policy_hash, now, session), now, require_rules_kept)
        if not folder.signers.exists():
            write_atomically(folder.signers, render_signers(signers))
        adopted = replay_sound(folder, log.reading).newest
        assert adopted is not None
        return adopted


def _local_signer(folder: PolicyFolder) -> KeyFileSigner:
    # There without a log: a first run that was killed made it.
    if folder.local_key.exists():
        return open_key_file(folder.local_key)
    return create_key_file(folder.local_key)


def _append_proposal(
    opened: OpenedRegister, subject: str, content: Mapping[str, Any], by: str, now: datetime
) -> Proposal:
    # A torn line is put on record first, in an entry of its own: what is signed names the entry before it.
    if opened.log.reading.tail:
        opened.log.append([], now)
    statement = _statement(subject, content, by, now, opened.log.reading.head, opened.signers)
    entry = opened.append({"kind": "proposed", "proposal_id": proposal_id_of(statement), "statement": statement}, now)
    return opened.after().proposals[entry["proposal_id"]]


def _statement(
    subject: str, content: Mapping[str, Any], by: str, now: datetime, behind: Head, signers: Signers
) -> dict[str, Any]:
    proposer = " ".join(by.split())[:200]
    if not proposer or not proposer.isprintable():
        raise UsageError("a proposal names who makes it", found=repr(by), expected="a name", next_step="--by NAME")
    return {
        "subject": subject,
        "by": proposer,
        "proposed_at_utc": iso_utc(now),
        "log_head": behind.sha256,
        "signers_sha256": signers.sha256,
        **content,
    }


def _signed_entry(proposal_id: str, key: SignerKey, signature: bytes) -> dict[str, Any]:
    return {
        "kind": "signed",
        "proposal_id": proposal_id,
        "name": key.name,
        "public_key": key.public_key,
        "signature": base64.b64encode(signature).decode(),
    }


def _adopted_entry(proposal_id: str, statement: Mapping[str, Any], effective: date, is_first: bool) -> dict[str, Any]:
    return {
        "kind": "adopted",
        "proposal_id": proposal_id,
        "policy_hash": statement["policy_hash"],
        "effective_from": effective.isoformat(),
        "is_first": is_first,
    }


def _first_entries(
    signers: Signers, signer: Signer, policy_bytes: bytes, policy_hash: str, now: datetime, session: date
) -> list[Mapping[str, object]]:
    setting = {"kind": "signers_set", "proposal_id": None, "signers": signers.as_entry()}
    behind = head_of(seal_entry({"at_utc": iso_utc(now), **setting}, START))
    content = {"policy_hash": policy_hash, "policy_sha256": sha256_hex(policy_bytes), "replaces": None}
    statement = _statement(POLICY, content, "first run", now, behind, signers)
    proposal_id = proposal_id_of(statement)
    return [
        setting,
        {"kind": "proposed", "proposal_id": proposal_id, "statement": statement},
        _signed_entry(proposal_id, signers.keys[0], signer.sign(message_of(statement))),
        _adopted_entry(proposal_id, statement, session, is_first=True),
    ]


def _open_proposal(opened: OpenedRegister, proposal_id: str) -> Proposal:
    register = opened.register
    found = [p for p in register.proposals.values() if p.proposal_id.startswith(proposal_id)]
    if len(found) != 1 or len(proposal_id) < _SHORTEST_ID:
        raise UsageError(
            "there is no such proposal" if not found else "more than one proposal begins so",
            where=str(opened.folder.log),
            found=repr(proposal_id),
            expected=", ".join(p.proposal_id for p in register.open_proposals()) or "nothing: no proposal is open",
            next_step="`alvh policy log` lists the proposals",
        )
    closed = register.why_closed(found[0])
    if closed is not None:
        raise UsageError(
            "this proposal is closed",
            where=f"proposal {found[0].proposal_id}",
            found=closed,
            expected="an open proposal",
            next_step="nothing is left to do" if found[0].is_adopted else "propose it again",
        )
    if found[0].subject == POLICY:
        statement = found[0].statement
        read_version(opened.folder, statement["policy_hash"], statement["policy_sha256"])
    return found[0]


def _require_later(register: Register, effective_from: date | None, now: datetime) -> None:
    earliest = earliest_effect(register, now)
    if effective_from is None or (register.adoptions and effective_from <= earliest):
        raise UsageError(
            "a policy takes effect with the next session, not with one that has begun",
            found=str(effective_from),
            expected=f"a session after {earliest}",
        )


def _proposed_already(proposal: Proposal) -> UsageError:
    return UsageError(
        "this is proposed already",
        where=f"proposal {proposal.proposal_id}",
        found=f"{len(proposal.signed_by)} signatures",
        next_step=f"`alvh policy sign {proposal.proposal_id}`",
    )


def _say_signatures(signers: Signers, proposal: Proposal) -> str:
    missing = [key.name for key in signers.keys if key.public_key not in proposal.signed_by]
    signed = ", ".join(proposal.signed_by.values()) or "nobody"
    return f"signed by {signed}; not by {', '.join(missing) or 'nobody'}"
