"""Policies as texts: read from a file, a preset, or the log of a home; compared; written back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from transforms.errors import ChecksFailedError, PolicyError, UsageError
from transforms.hash_chain import sha256_hex
from transforms.policy.differences import describe_difference
from transforms.policy.identity import policy_hash
from transforms.policy.loader import PRESETS, preset_text
from transforms.policy.model import Policy
from transforms.policy.source import LARGEST_FILE
from warehouse.expressions import load_policy, signal_columns
from warehouse.governance.log import PolicyFolder
from warehouse.governance.register import POLICY, AdoptedPolicy, Proposal, Register
from warehouse.governance.store import read_policy, read_version
from warehouse.home import Home, write_atomically

ADOPTED = "adopted"
SHORT = 12
"""Digits of a hash that a reader is shown where the whole of it is not needed."""
_SHORTEST_HASH = 6
_MOST_BYTES_A_CHARACTER = 4


@dataclass(frozen=True)
class PolicyText:
    """A policy as it was written and what it says. ``where`` names it in messages."""

    where: str
    body: bytes
    policy: Policy
    policy_hash: str

    @property
    def title(self) -> str:
        """Name and short hash."""
        return f"{self.policy.name} ({self.policy_hash[:SHORT]})"


def parse_policy_text(body: bytes, where: str) -> PolicyText:
    """Read and check a policy.

    Raises
    ------
    PolicyError
        At the first thing that cannot be used; ``where`` names the line.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise PolicyError(
            "the policy file is not text",
            where=f"{where}:{line}",
            found=f"the byte 0x{body[error.start]:02x}",
            expected="TOML in UTF-8",
            next_step="save it as UTF-8",
        ) from None
    policy = load_policy(text, columns=signal_columns(), where=where)
    return PolicyText(where, body, policy, policy_hash(policy))


def read_policy_file(path: Path) -> PolicyText:
    """Read and check a policy file.

    Raises
    ------
    PolicyError
        If it is missing, cannot be read, or cannot be used as written.
    """
    try:
        if not path.is_file():
            raise PolicyError(
                "there is no such policy file",
                where=str(path),
                found="a folder" if path.is_dir() else "no such file",
                expected="a TOML file",
                next_step="`alvh policy show --preset article` prints one to start from",
            )
        with path.open("rb") as file:
            body = file.read(LARGEST_FILE * _MOST_BYTES_A_CHARACTER + 1)
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise PolicyError("the policy file cannot be read", where=str(path), found=found) from None
    return parse_policy_text(body, str(path))


def read_preset(name: str) -> PolicyText:
    """Return a shipped policy.

    Raises
    ------
    PolicyError
        If there is no such preset.
    """
    return parse_policy_text(preset_text(name).encode(), f"preset {name}")


def read_adopted(home: Home, adopted: AdoptedPolicy) -> PolicyText:
    """Return an adopted policy, from the text that was signed.

    Raises
    ------
    ChecksFailedError
        If the text was altered, or this version of the program cannot read it as the policy it was.
    """
    path = str(PolicyFolder.of(home).version(adopted.policy_hash))
    try:
        text = parse_policy_text(read_policy(home, adopted), path)
        found = f"hash {text.policy_hash}"
    except PolicyError as error:
        text, found = None, f"{error.what} ({error.where}: {error.found})"
    if text is None or text.policy_hash != adopted.policy_hash:
        raise ChecksFailedError(
            "an adopted policy is not what it was to this version of the program",
            where=path,
            found=found,
            expected=f"hash {adopted.policy_hash}, adopted {adopted.adopted_at_utc}",
            next_step="run the version that adopted it; the columns or the format have changed since",
        )
    return text


def find_policy(home: Home, register: Register, name: str) -> PolicyText:
    """Return the policy that somebody names: ``adopted``, a preset, a file, or the start of a hash.

    Raises
    ------
    UsageError
        If nothing, or more than one thing, is meant.
    """
    if name == ADOPTED:
        return read_adopted(home, require_adopted(home, register))
    if name in PRESETS:
        return read_preset(name)
    path = Path(name).expanduser()
    if path.exists():
        return read_policy_file(path)
    known = {p.statement["policy_hash"]: p for p in register.proposals.values() if p.subject == POLICY}
    found = [entry for entry in known if entry.startswith(name.lower())] if len(name) >= _SHORTEST_HASH else []
    if len(found) != 1:
        raise UsageError(
            "no policy of that name" if not found else "more than one policy begins so",
            found=name,
            expected=f"a file, a preset ({', '.join(PRESETS)}), `adopted`, or the hash of a proposed policy, "
            f"{_SHORTEST_HASH} digits at least",
            next_step="`alvh policy log` shows the hashes of this home",
        )
    return read_proposed(home, known[found[0]])


def read_proposed(home: Home, proposal: Proposal) -> PolicyText:
    """Return the policy of a proposal."""
    folder = PolicyFolder.of(home)
    digest = str(proposal.statement["policy_hash"])
    body = read_version(folder, digest, str(proposal.statement["policy_sha256"]))
    return parse_policy_text(body, str(folder.version(digest)))


def require_adopted(home: Home, register: Register) -> AdoptedPolicy:
    """Return the policy adopted last.

    Raises
    ------
    UsageError
        If the home has none yet.
    """
    if register.newest is None:
        raise UsageError(
            "this home has no policy yet",
            where=str(home.path),
            found="no policy log",
            expected="the log that the first night begins",
            next_step="run `alvh nightly` once (--policy FILE names the first policy), or name a preset",
        )
    return register.newest


def list_differences(before: PolicyText, after: PolicyText, most: int | None = None) -> list[str]:
    """Say what changes from one policy to another, in at most so many lines."""
    lines = describe_difference(before.policy, after.policy)
    if most is None or len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"and {len(lines) - most + 1} more changes"]


def write_policy(home: Home, body: bytes) -> Path | None:
    """Put a text into ``policy.toml``. Return where the text it replaces was set aside, if it was.

    A text that is kept among the versions, or is the same, needs no setting aside.
    """
    folder = PolicyFolder.of(home)
    before = folder.policy.read_bytes() if folder.policy.is_file() else None
    if before == body:
        return None
    aside = None
    if before is not None and before not in _kept_texts(folder):
        aside = folder.root / "set_aside" / f"{sha256_hex(before)[:16]}.toml"
        write_atomically(aside, before)
    write_atomically(folder.policy, body)
    return aside


def _kept_texts(folder: PolicyFolder) -> Iterator[bytes]:
    for path in sorted(folder.versions.glob("*.toml")):
        yield path.read_bytes()
