"""The policies of a sweep as a file: the base policy as TOML, and what each policy changes in it, as JSON.

What is read back is checked to be what the sweep is named by: every id is the hash of the base and its values, and the
manifest has the hash of all ids. A file that somebody changed is therefore refused, and its expressions go through the
same reader as any policy's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from transforms.errors import PipelineError, PolicyError
from transforms.policy.identity import policy_hash
from transforms.policy.model import Policy
from transforms.policy.writer import write_policy
from transforms.sweep.grid import Expansion, Grid, GridPolicy, identify_policy, remake_policy
from warehouse.expressions import load_policy, signal_columns
from warehouse.home import write_atomically

PLAN = "policies.json"
SCHEMA_VERSION = 2
"""Of plan and manifest; version 1 kept pickles, which are never read."""


def write_plan(target: Path, grid: Grid, expansion: Expansion) -> None:
    """Write the policies of a sweep.

    Raises
    ------
    PipelineError
        If the base policy would not read back as itself.
    """
    text = write_policy(grid.base)
    if _read_base(text) != grid.base:
        raise PipelineError(
            "the base policy of the grid cannot be kept",
            where=str(target),
            found=f"{grid.base.name}: it reads back as another policy",
            expected="a policy as it is read from a file",
            next_step="write the policy to a file and name that as the base of the grid",
        )
    policies = [[one.policy_id, dict(one.values)] for one in expansion.policies]
    kept = {"schema_version": SCHEMA_VERSION, "base": text, "policies": policies}
    write_atomically(target, (json.dumps(kept, allow_nan=False) + "\n").encode())


def read_plan(source: Path, grid_sha256: str, places: slice = slice(None)) -> list[GridPolicy]:
    """Return policies of a sweep as they were expanded; a process makes each of them once.

    Parameters
    ----------
    grid_sha256
        Hash of the ids of all policies: what the sweep is named by.
    places
        Which of them; all by default.

    Raises
    ------
    PipelineError
        If the file is not there, cannot be read, or is not the one that belongs to the sweep.
    """
    try:
        plan = _parse_plan(source.read_text(encoding="utf-8"), grid_sha256)
        return [plan.policy(place) for place in range(len(plan.listed))[places]]
    except (OSError, ValueError, TypeError, RecursionError, PolicyError) as error:
        raise PipelineError(
            "the policies of a sweep cannot be read back",
            where=str(source),
            found=str(error).splitlines()[0] if str(error) else type(error).__name__,
            expected="the file as the sweep wrote it",
            next_step=f"remove the folder {source.parent}, then run the sweep again: it computes everything anew",
        ) from None


@dataclass(frozen=True)
class _Plan:
    """A plan as it was read: its policies by id and values, and those of them that were made so far, by place."""

    base: Policy
    listed: Sequence[tuple[str, dict[str, Any]]]
    made: dict[int, GridPolicy] = field(default_factory=dict)

    def policy(self, place: int) -> GridPolicy:
        if place not in self.made:
            policy_id, values = self.listed[place]
            one = remake_policy(self.base, policy_id, values)
            if identify_policy(self.base_hash, one.values) != policy_id:
                raise ValueError(f"values of another policy under the id {policy_id}")
            self.made[place] = one
        return self.made[place]

    @cached_property
    def base_hash(self) -> str:
        return policy_hash(self.base)


def _read_base(text: str) -> Policy:
    return load_policy(text, columns=signal_columns(), where="base policy of the sweep")


@lru_cache(maxsize=1)
def _parse_plan(text: str, grid_sha256: str) -> _Plan:
    # Kept, by what the file says: a worker makes paths ready and computes many chunks of one sweep.
    kept = json.loads(text)
    if not isinstance(kept, dict) or kept.get("schema_version") != SCHEMA_VERSION:
        raise ValueError("a plan of another version")
    base, listed = kept.get("base"), kept.get("policies")
    if not isinstance(base, str) or not isinstance(listed, list):
        raise ValueError("no plan of a sweep")
    policies = []
    for one in listed:
        policy_id, values = one
        if not isinstance(policy_id, str) or not isinstance(values, dict):
            raise ValueError("no policy of a sweep")
        if not all(type(value) in (int, float, str) for value in values.values()):
            raise ValueError("a value that is neither number nor text")
        policies.append((policy_id, values))
    if hashlib.sha256("\n".join(one for one, _ in policies).encode()).hexdigest() != grid_sha256:
        raise ValueError("policies other than the sweep's")
    return _Plan(_read_base(base), policies)
