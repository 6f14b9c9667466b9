"""What the commands that only read say of policies and of the policy log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path

from flows.policy_texts import PolicyText, read_adopted, read_preset, require_adopted
from transforms.errors import UsageError
from transforms.policy.identity import canonical_form
from transforms.policy.loader import PRESETS
from transforms.policy.on_data import RuleCount
from warehouse.governance.keys import fingerprint
from warehouse.governance.log import PolicyFolder, read_log
from warehouse.governance.register import (
    POLICY,
    AdoptedPolicy,
    Proposal,
    Register,
    describe_entry,
    new_york_date,
)
from warehouse.governance.signers import SignerKey, Signers
from warehouse.governance.store import read_register
from warehouse.home import Home
from warehouse.plain_json import dump_json


def show_preset(name: str, *, as_json: bool) -> str:
    """Return a shipped policy: its text, or its canonical form."""
    text = read_preset(name)
    if as_json:
        return _as_json({"policy_hash": text.policy_hash}, text)
    return _with_head([f"preset {name}, hash {text.policy_hash}"], text)


def show_adopted(home: Home, session: date | None, now: datetime, *, as_json: bool) -> str:
    """Return the policy in force on a session, today where none is named.

    Raises
    ------
    UsageError
        If the home has no policy yet.
    """
    register = read_register(home)
    newest = require_adopted(home, register)
    day = session or new_york_date(now)
    adopted = register.policy_on(day)
    assert adopted is not None
    text = read_adopted(home, adopted)
    if as_json:
        return _as_json({**asdict(adopted), "session": day}, text)
    head = [f"{text.policy.name}, hash {adopted.policy_hash}", _say_adoption(adopted, day)]
    if newest.policy_hash != adopted.policy_hash and session is None:
        head.append(f"adopted and not yet in force: hash {newest.policy_hash}, from {newest.effective_from}")
    return _with_head(head, text)


def list_presets(*, as_json: bool) -> str:
    """Return the shipped policies with their hashes and descriptions."""
    texts = [read_preset(name) for name in PRESETS]
    if as_json:
        rows = [
            {"name": t.policy.name, "policy_hash": t.policy_hash, "description": t.policy.description} for t in texts
        ]
        return dump_json(rows)
    return "\n".join(f"{t.policy.name:<10}{t.policy_hash[:12]}  {t.policy.description}" for t in texts)


def describe_validation(text: PolicyText, counts: Sequence[RuleCount] | None, *, as_json: bool) -> str:
    """Say that a policy can be used, and how often its rules held on the published signals."""
    policy = text.policy
    if as_json:
        document = {
            "name": policy.name,
            "policy_hash": text.policy_hash,
            "rules": None if counts is None else [asdict(count) for count in counts],
        }
        return dump_json(document)
    rules = len(policy.rules) - len(policy.guards)
    sizes = f"{rules} rules, {len(policy.guards)} guards, {len(policy.parameters)} parameters"
    lines = [f"{text.where}: a policy, {policy.name}, {sizes}", f"hash {text.policy_hash}"]
    if counts is None:
        return "\n".join([*lines, "no published signals here: how often the rules hold was not counted"])
    return "\n".join([*lines, *(f"  {count.sentence()}" for count in counts)])


def describe_log(home: Home, register: Register, number: int, *, as_json: bool) -> str:
    """Return the last entries of the log, its head, and the open proposals."""
    reading = read_log(PolicyFolder.of(home))
    entries = reading.entries[-number:]
    waiting = register.open_proposals()
    if as_json:
        document = {
            "head": {"seq": reading.head.seq, "sha256": reading.head.sha256} if reading.entries else None,
            "open_proposals": [proposal.proposal_id for proposal in waiting],
            "entries": entries,
        }
        return dump_json(document)
    if not reading.entries:
        return "no policy log yet: the first `alvh nightly` begins it"
    lines = [describe_entry(entry) for entry in entries]
    lines.append(f"head {reading.head.sha256} (entry {reading.head.seq}): note it elsewhere for `alvh verify --head`")
    assert register.signers is not None
    return "\n".join([*lines, *(f"open: {describe_proposal(proposal, register.signers)}" for proposal in waiting)])


def describe_proposal(proposal: Proposal, signers: Signers) -> str:
    """Return a proposal in one line: what it is of and who signed it."""
    if proposal.subject == POLICY:
        what = f"policy {proposal.statement['policy_hash'][:12]}"
    else:
        what = f"signers {proposal.new_signers.say()}"
    signed = ", ".join(proposal.signed_by.values()) or "nobody"
    return f"{proposal.proposal_id}, {what}: {len(proposal.signed_by)} of {signers.threshold} signatures ({signed})"


def describe_new_key(path: Path, public_key: str, name: str, now: datetime) -> str:
    """Say where a new key is, and what goes into ``signers.toml``: the public half only.

    Raises
    ------
    UsageError
        If the name cannot be a signer's; the key is made all the same.
    """
    key = SignerKey(name, public_key, new_york_date(now))
    try:
        Signers(1, (key,))
    except UsageError as error:
        raise UsageError(
            f"the key is made, but not for this name: {error.what}",
            where=str(path),
            found=error.found,
            expected=error.expected,
            next_step=f"the public key is {public_key}; write it into signers.toml under another name",
        ) from None
    return "\n".join(
        [
            f"# private key: {path}, only you can read it; it is nowhere else",
            f"# fingerprint: {fingerprint(public_key)}",
            "[[signer]]",
            f'name = "{key.name}"',
            f'public_key = "{key.public_key}"',
            f"added = {key.added}",
        ]
    )


def _say_adoption(adopted: AdoptedPolicy, day: date) -> str:
    since = f"in force from {adopted.effective_from}"
    if adopted.is_retroactive:
        since = f"applied to {day} as the first policy of this home, which is {since}"
    elif adopted.is_first:
        since += " and for all sessions before"
    return f"{since}; signed by {', '.join(adopted.signed_by)}, adopted {adopted.adopted_at_utc}"


def _with_head(head: Sequence[str], text: PolicyText) -> str:
    return "\n".join([*(f"# {line}" for line in head), "", text.body.decode("utf-8").removeprefix("\ufeff").strip()])


def _as_json(more: dict[str, object], text: PolicyText) -> str:
    return dump_json({**more, "policy": canonical_form(text.policy)})
