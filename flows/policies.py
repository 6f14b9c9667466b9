"""Which policy a night runs under, what stops it, and what it leaves in the policy log.

A night is let in by the policy that stands in ``policy.toml``: it has to be a signed and adopted one. What
the night then uses are the texts that were signed, each from its first session on.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from flows.policy_texts import (
    PolicyText,
    list_differences,
    read_adopted,
    read_policy_file,
    read_preset,
    write_policy,
)
from transforms import calendar
from transforms.errors import ChecksFailedError, PipelineError, PolicyError
from transforms.policy.on_data import RuleCount
from warehouse.expressions import check_rules_on_data, evaluate_rules
from warehouse.governance.log import PolicyFolder
from warehouse.governance.operations import first_run
from warehouse.governance.register import Register, earliest_effect
from warehouse.governance.store import read_register, record_night, require_signed
from warehouse.hedge_states import DEFAULT_PRESET, PolicyInForce
from warehouse.home import Home
from warehouse.query import has_table, open_published
from warehouse.report_data import latest_session

_MOST_CHANGES = 5
_INDENT = "\n" + " " * 12
_LOOK_AHEAD = timedelta(days=21)
"""Longer than any closure of the exchange."""


@dataclass(frozen=True)
class AdmittedPolicies:
    """The policies of a night that may run, and a sentence about them."""

    in_force: tuple[PolicyInForce, ...]
    sentence: str

    def on(self, session: date) -> PolicyInForce:
        """Return the policy in force on a session."""
        return next(
            entry
            for entry in reversed(self.in_force)
            if entry.effective_from is None or entry.effective_from <= session
        )


def admit_night(home: Home, policy_file: Path | None, now: datetime, session: date) -> AdmittedPolicies:
    """Let a night in, or refuse it. The first night of a home adopts its first policy.

    Parameters
    ----------
    policy_file
        The policy to begin with; on a later night another text that has to be the adopted policy.
    session
        Newest closed session: the first policy is in force from it on.

    Raises
    ------
    ChecksFailedError
        If the log is not as it was written, or ``policy.toml`` is not a policy that was adopted.
    UsageError
        If ``policy_file`` cannot be used.
    """
    register = read_register(home)
    if register.newest is None:
        return _adopt_first(home, policy_file, now, session)
    _require_adopted_file(home, register, session)
    if policy_file is not None:
        _require_adopted_text(home, register, read_policy_file(policy_file), policy_file, session)
    in_force = adopted_policies(home, register)
    admitted = AdmittedPolicies(in_force, "")
    ruling, newest = admitted.on(session), in_force[-1]
    sentence = f"{ruling.policy.name}, hash {ruling.policy_hash[:12]}"
    if ruling.effective_from is not None:
        sentence += f", in force from {ruling.effective_from}"
    if newest is not ruling:
        sentence += f"; {newest.policy.name}, hash {newest.policy_hash[:12]}, from {newest.effective_from}"
    return AdmittedPolicies(in_force, sentence)


def adopted_policies(home: Home, register: Register) -> tuple[PolicyInForce, ...]:
    """Return every adopted policy with its first session, oldest first; the first one has all of the past."""
    found: dict[date | None, PolicyInForce] = {}
    for adopted in register.adoptions:
        start = None if adopted.is_first else adopted.effective_from
        # of two for one session, the later one
        found[start] = PolicyInForce(start, read_adopted(home, adopted).policy, adopted.policy_hash)
    return tuple(found.values())


def put_night_on_record(
    home: Home,
    *,
    session: date,
    run_id: str,
    policy_hash: str,
    states_sha256: str,
    warehouse_sha256: str,
    now: datetime,
) -> dict[str, Any]:
    """Put a published night into the policy log. Return the log's head for the run record.

    Raises
    ------
    PipelineError
        If the log does not take it. The warehouse is published then, and the error says so.
    """
    try:
        return record_night(
            home,
            session=session,
            run_id=run_id,
            policy_hash=policy_hash,
            states_sha256=states_sha256,
            warehouse_sha256=warehouse_sha256,
            now=now,
        )
    except PipelineError as error:
        # Not the code of that error: it would say that nothing was published.
        raise PipelineError(
            f"the warehouse is published, but the night is not in the policy log: {error.what}",
            where=error.where,
            found=error.found,
            expected=error.expected,
            next_step=error.next_step,
        ) from error


def next_session(home: Home, register: Register, now: datetime) -> date:
    """Return the first session on which a policy adopted now can be in force.

    It is later than the day in New York, than every session whose states are published or on record,
    and not before the policy adopted last.
    """
    after = earliest_effect(register, now)
    published = _newest_published(home)
    if published is not None and published > after:
        after = published
    days = {*calendar.sessions("XCBF", after, after + _LOOK_AHEAD), *calendar.FUTURES_ONLY_SESSIONS}
    return min(day for day in days if day > after)


def count_on_data(home: Home, text: PolicyText) -> list[RuleCount] | None:
    """Count how often each rule of a policy held on the published signals; None where there are none."""
    if not home.published.exists():
        return None
    with open_published(home) as connection:
        if not has_table(connection, "mart.daily_signals"):
            return None
        return check_rules_on_data(text.policy, evaluate_rules(connection, [text.policy]))


def command(home: Home, *words: str) -> str:
    """Return a command of ``alvh policy`` on a home as it is to be typed."""
    return shlex.join(["alvh", "policy", *words, "--home", str(home.path)])


def steps_to_adopt(home: Home, register: Register, policy_hash: str, policy_file: Path) -> list[str]:
    """Return the commands that are left until a policy is adopted."""
    proposal = next((p for p in register.open_proposals() if p.statement.get("policy_hash") == policy_hash), None)
    signers, folder = register.signers, PolicyFolder.of(home)
    assert signers is not None
    name = proposal.proposal_id if proposal else "ID"
    missing = signers.threshold - (len(proposal.signed_by) if proposal else 0)
    has_local = "local" in signers.names() and folder.local_key.exists()
    steps = [] if proposal else [command(home, "propose", str(policy_file))]
    if missing > 0:
        key = str(folder.local_key) if has_local else "FILE"
        more = f"   # {missing} signature{'s' if missing > 1 else ''} missing, of {', '.join(signers.names())}"
        steps.append(command(home, "sign", name, "--key", key) + more)
    return [*steps, command(home, "adopt", name)]


def _adopt_first(home: Home, policy_file: Path | None, now: datetime, session: date) -> AdmittedPolicies:
    folder = PolicyFolder.of(home)
    if policy_file is not None:
        text, origin = read_policy_file(policy_file), str(policy_file)
    elif folder.policy.exists():
        text, origin = _read_home_file(home), str(folder.policy)
    else:
        text, origin = read_preset(DEFAULT_PRESET), f"the preset {DEFAULT_PRESET}"
    folder.prepare()
    # Before the log: a night killed in between leaves a policy.toml that the next one begins with.
    write_policy(home, text.body)
    adopted = first_run(home, text.body, text.policy_hash, now, session)
    sentence = (
        f"first policy of this home: {origin}, hash {text.policy_hash[:12]}, "
        f"signed 1 of 1 with a key of this home, {folder.local_key}"
    )
    return AdmittedPolicies((PolicyInForce(None, text.policy, adopted.policy_hash),), sentence)


def _require_adopted_file(home: Home, register: Register, session: date) -> None:
    folder = PolicyFolder.of(home)
    _require_adopted_text(home, register, _read_home_file(home), folder.policy, session)


def _read_home_file(home: Home) -> PolicyText:
    folder = PolicyFolder.of(home)
    try:
        return read_policy_file(folder.policy)
    except PolicyError as error:
        steps = [error.next_step or "mend the file"] if folder.policy.exists() else []
        steps.append(f"to go back: {command(home, 'restore')}" if folder.log.exists() else "or remove the file")
        raise ChecksFailedError(
            f"the policy in this home cannot be used: {error.what}",
            where=error.where,
            found=error.found,
            expected=error.expected,
            next_step=_INDENT.join(steps),
        ) from None


def _require_adopted_text(home: Home, register: Register, text: PolicyText, path: Path, session: date) -> None:
    try:
        require_signed(home, text.policy_hash, session)
    except ChecksFailedError as error:
        assert register.newest is not None
        changes = list_differences(read_adopted(home, register.newest), text, _MOST_CHANGES)
        steps = steps_to_adopt(home, register, text.policy_hash, path)
        raise ChecksFailedError(
            error.what,
            where=str(path),
            found=_INDENT.join([str(error.found), *changes]),
            expected=error.expected,
            next_step=_INDENT.join(["to go back", "  " + command(home, "restore"), "to adopt it"])
            + "".join(f"{_INDENT}  {step}" for step in steps),
        ) from None


def _newest_published(home: Home) -> date | None:
    if not home.published.exists():
        return None
    try:
        with open_published(home) as connection:
            return latest_session(connection)
    except (PipelineError, duckdb.Error):
        return None  # a warehouse that cannot be read: what the log says of its sessions still counts
