"""Proposing, signing, adopting and restoring a policy, as the commands do it and what they say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from flows.policies import command, count_on_data, next_session, steps_to_adopt
from flows.policy_texts import (
    list_differences,
    read_adopted,
    read_policy_file,
    read_proposed,
    require_adopted,
    write_policy,
)
from flows.policy_views import describe_proposal
from transforms.errors import PolicyError, UsageError
from transforms.policy.on_data import refuse_idle_rules
from transforms.toml_file import LARGEST_FILE
from warehouse.governance import operations
from warehouse.governance.keys import Signer, fingerprint
from warehouse.governance.log import PolicyFolder
from warehouse.governance.register import POLICY, Proposal, Register
from warehouse.governance.store import read_register
from warehouse.home import Home


def propose_policy(home: Home, path: Path | None, by: str, now: datetime) -> str:
    """Propose a policy file, ``policy.toml`` where none is named. Return what to tell the user.

    Raises
    ------
    PolicyError
        If it cannot be used, or a rule never or always holds on the published signals.
    UsageError
        If it is adopted or proposed already, or the home has no policy yet.
    """
    adopted = require_adopted(home, read_register(home))
    source = path or PolicyFolder.of(home).policy
    text = read_policy_file(source)
    refuse_idle_rules(count_on_data(home, text) or [], where=text.where)
    proposal = operations.propose(home, text.body, text.policy_hash, by, now)
    before = read_adopted(home, adopted)
    changes = [f"  {line}" for line in list_differences(before, text)]
    steps = steps_to_adopt(home, read_register(home), text.policy_hash, source)
    if source == PolicyFolder.of(home).policy:
        steps.append(command(home, "restore") + "   # until it is adopted: nights stop at a policy.toml nobody signed")
    return "\n".join(
        [
            f"proposed {proposal.proposal_id}: {text.title} by {proposal.statement['by']}, to replace {before.title}",
            *changes,
            *_next(steps),
        ]
    )


def propose_other_signers(home: Home, path: Path, by: str, now: datetime) -> str:
    """Propose the signers of a file. Return what to tell the user.

    Raises
    ------
    UsageError
        If the file cannot be used, or the home has no policy yet.
    """
    require_adopted(home, read_register(home))
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST_FILE + 1)  # a byte more than is taken: the reader says that it is too large
    except OSError as error:
        raise UsageError(
            "the signers cannot be read", where=str(path), found=error.strerror, expected="a signers.toml"
        ) from None
    proposal = operations.propose_signers(home, body, by, now)
    return "\n".join(
        [
            f"proposed {proposal.proposal_id}: other signers, by {proposal.statement['by']}",
            *_describe_signers(proposal),
            *_next(_steps_left(home, proposal)),
        ]
    )


def sign_proposal(home: Home, register: Register, name: str, signer: Callable[[], Signer], now: datetime) -> str:
    """Sign a proposal. Return what was signed and what is missing.

    Parameters
    ----------
    signer
        Opens the key; called once the home is known to have a policy.
    """
    require_adopted(home, register)
    proposal = operations.sign(home, name, signer(), now)
    assert register.signers is not None
    return "\n".join(
        [
            f"signed {describe_proposal(proposal, register.signers)}",
            *_describe_content(home, register, proposal),
            *_next(_steps_left(home, proposal)),
        ]
    )


def adopt_proposal(home: Home, name: str, now: datetime) -> str:
    """Adopt a proposal; a policy is then written to ``policy.toml``. Return what to tell the user."""
    before = read_register(home)
    require_adopted(home, before)
    proposal = operations.adopt(home, name, now, next_session(home, before, now))
    if proposal.subject != POLICY:
        return f"adopted {proposal.proposal_id}: from now on {proposal.new_signers.say()} sign"
    after = read_register(home)
    adopted = require_adopted(home, after)
    text = read_adopted(home, adopted)
    aside = write_policy(home, text.body)
    assert before.newest is not None
    return "\n".join(
        [
            f"adopted {proposal.proposal_id}: {text.title} is in force from {adopted.effective_from}, the next session",
            f"until then, and for every session before, {before.newest.policy_hash[:12]} stays",
            f"written to {PolicyFolder.of(home).policy}" + (f"; what stood there is in {aside}" if aside else ""),
        ]
    )


def restore_policy(home: Home) -> str:
    """Write the policy adopted last into ``policy.toml``. Return what to tell the user."""
    adopted = require_adopted(home, read_register(home))
    text = read_adopted(home, adopted)
    path = PolicyFolder.of(home).policy
    try:
        if read_policy_file(path).policy_hash == adopted.policy_hash:
            return f"{path} says what was adopted, {text.title}; nothing to do"
    except PolicyError:
        pass
    aside = write_policy(home, text.body)
    return f"{path} is {text.title} again" + (f"; what stood there is in {aside}" if aside else "")


def _describe_content(home: Home, register: Register, proposal: Proposal) -> list[str]:
    if proposal.subject != POLICY:
        return _describe_signers(proposal)
    before, after = read_adopted(home, require_adopted(home, register)), read_proposed(home, proposal)
    return [f"from {before.title} to {after.title}:", *(f"  {line}" for line in list_differences(before, after))]


def _describe_signers(proposal: Proposal) -> list[str]:
    signers = proposal.new_signers
    keys = [f"  {key.name:<20} {fingerprint(key.public_key)}" for key in signers.keys]
    return [f"{signers.threshold} of {len(keys)}:", *keys]


def _steps_left(home: Home, proposal: Proposal) -> list[str]:
    register = read_register(home)
    if proposal.subject == POLICY:
        return steps_to_adopt(home, register, proposal.statement["policy_hash"], PolicyFolder.of(home).policy)
    assert register.signers is not None
    missing = register.signers.threshold - len(proposal.signed_by)
    sign = command(home, "sign", proposal.proposal_id, "--key", "FILE")
    return [*([sign] if missing > 0 else []), command(home, "adopt", proposal.proposal_id)]


def _next(steps: list[str]) -> list[str]:
    return [("next: " if not number else "      ") + step for number, step in enumerate(steps)]
