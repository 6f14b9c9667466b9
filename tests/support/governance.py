"""Homes with policies, signers and nights, for tests of the policy log."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from transforms.hash_chain import START, hash_rows, render_entry, seal_entries
from warehouse.governance import operations, store
from warehouse.governance.keys import KeyFileSigner, create_key_file, open_key_file
from warehouse.governance.log import PolicyFolder
from warehouse.governance.register import AdoptedPolicy, Proposal
from warehouse.governance.signers import SignerKey, Signers, render_signers
from warehouse.home import Home
from warehouse.publish import hash_file
from warehouse.raw_store import RawStore
from warehouse.run_log import RunLog, describe_published, run_id_of

NOW = datetime(2025, 1, 7, 23, 30, tzinfo=UTC)
FIRST, NEXT, LATER = date(2025, 1, 7), date(2025, 1, 8), date(2025, 1, 10)
ARTICLE = b'name = "article"\n'
CAUTIOUS = b'name = "cautious"\n'
BOLD = b'name = "bold"\n'


def hash_of(policy: bytes) -> str:
    """A stand-in for the policy's own hash."""
    return hashlib.sha256(b"policy\n" + policy).hexdigest()


@dataclass
class Desk:
    """A home and the keys of those who work on it."""

    home: Home
    keys: dict[str, KeyFileSigner] = field(default_factory=dict)

    @property
    def folder(self) -> PolicyFolder:
        return PolicyFolder.of(self.home)

    def begin(self, policy: bytes = ARTICLE) -> AdoptedPolicy:
        """The first run."""
        self.home.prepare()
        adopted = operations.first_run(self.home, policy, hash_of(policy), NOW, FIRST)
        self.folder.policy.write_bytes(policy)
        self.keys["local"] = open_key_file(self.folder.local_key)
        return adopted

    def key(self, name: str) -> KeyFileSigner:
        """A person's key, made when first asked for; outside the home, as it should be."""
        if name not in self.keys:
            self.keys[name] = create_key_file(self.home.path.parent / "keys" / f"{name}.pem")
        return self.keys[name]

    def team(self, threshold: int, *names: str) -> Signers:
        """A set of signers of these names."""
        return Signers(threshold, tuple(SignerKey(name, self.key(name).public_key, FIRST) for name in names))

    def propose(self, policy: bytes) -> Proposal:
        return operations.propose(self.home, policy, hash_of(policy), "Ada", NOW)

    def propose_team(self, signers: Signers) -> Proposal:
        return operations.propose_signers(self.home, render_signers(signers), "Ada", NOW)

    def sign(self, proposal: Proposal, *names: str) -> Proposal:
        for name in names:
            proposal = operations.sign(self.home, proposal.proposal_id, self.key(name), NOW)
        return proposal

    def adopt(self, proposal: Proposal, effective_from: date | None = NEXT) -> Proposal:
        return operations.adopt(self.home, proposal.proposal_id, NOW, effective_from)

    def change_to(self, policy: bytes, *names: str, effective_from: date = NEXT) -> Proposal:
        """Propose, sign and adopt a policy."""
        return self.adopt(self.sign(self.propose(policy), *names), effective_from)

    def hand_over(self, signers: Signers, *names: str) -> None:
        """Propose, sign and adopt other signers."""
        self.adopt(self.sign(self.propose_team(signers), *names), None)

    def land(self, number: int, body: bytes | None = None) -> Path:
        """Store a raw file."""
        store_ = RawStore(self.home)
        stored, _ = store_.land(
            publisher="fred",
            dataset="fred_series",
            name=f"S{number}.csv",
            url="https://publisher.test",
            body=body or f"observation_date,S{number}\n2025-01-06,{number}\n".encode(),
            status=200,
            headers={},
            fetched_at=NOW,
        )
        store_.flush()
        return stored.path

    def night(self, session: date = FIRST, *, policy: bytes = ARTICLE, keeps_head: bool = True) -> str:
        """A night: a published warehouse, its entry in the log, its run record."""
        now = datetime(session.year, session.month, session.day, 23, 31, tzinfo=UTC)
        run_id = run_id_of(now)
        log = RunLog(self.home, run_id, now, "nightly")
        if self.home.published.exists():
            self.home.published.unlink()
        with duckdb.connect(str(self.home.published)) as connection:
            connection.execute("create schema ref")
            connection.execute("create table ref.run as select $1 as run_id", [run_id])
        sha256 = hash_file(self.home.published)
        inputs = [
            {"publisher": publisher, "file_name": name, "sha256": state.current.sha256}
            for publisher, name, state in RawStore(self.home).states()
            if state.current
        ]
        log.note(inputs=inputs, planned={"outcome": "published"}, outcome="published", exit_code=0)
        log.note(published=describe_published(self.home.published, sha256))
        head = store.record_night(
            self.home,
            session=session,
            run_id=run_id,
            policy_hash=hash_of(policy),
            states_sha256=hash_rows(["layer", "state"], [("base", "active")]),
            warehouse_sha256=sha256,
            now=now + timedelta(seconds=5),
        )
        if keeps_head:
            log.note(**{store.RECORD_KEY: head})
        return run_id

    def entries(self) -> list[dict[str, Any]]:
        """The log's entries as they lie on the disk."""
        return [json.loads(line) for line in self.folder.log.read_bytes().splitlines()]

    def forge(self, entries: list[dict[str, Any]]) -> None:
        """Write a log anew with all its hashes right, and the note of its head with it."""
        made = {"seq", "previous_sha256", "entry_sha256"}
        contents = [{key: value for key, value in entry.items() if key not in made} for entry in entries]
        sealed = seal_entries(contents, START)
        self.folder.log.write_bytes(b"".join(render_entry(entry) for entry in sealed))
        head = {"seq": sealed[-1]["seq"], "sha256": sealed[-1]["entry_sha256"]}
        self.folder.head.write_text(json.dumps(head), encoding="utf-8")
