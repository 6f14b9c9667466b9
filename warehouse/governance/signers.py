"""Who may sign a policy, and how many of them it takes: ``policy/signers.toml``.

The log decides who the signers are; the file is its readable copy, and the form in which a change of
signers is proposed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from transforms.errors import UsageError
from transforms.hash_chain import canonical_json, sha256_hex
from transforms.toml_file import LARGEST_FILE, show_value
from warehouse.governance.keys import parse_public_key

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._@+-]{0,62}[A-Za-z0-9])?")


@dataclass(frozen=True)
class SignerKey:
    """A person (or machine) who may sign: name, public key (Base64 of 32 bytes), date added."""

    name: str
    public_key: str
    added: date


@dataclass(frozen=True)
class Signers:
    """``threshold`` of these ``keys`` must sign."""

    threshold: int
    keys: tuple[SignerKey, ...]

    def __post_init__(self) -> None:
        """Refuse a set in which a threshold would not mean what it says."""
        names = [key.name.lower() for key in self.keys]
        if not self.keys or type(self.threshold) is not int or not 1 <= self.threshold <= len(self.keys):
            raise _unusable(
                f"threshold {show_value(self.threshold)} of {len(self.keys)} keys", "a threshold from 1 to the keys"
            )
        if len(set(names)) < len(names) or len({key.public_key for key in self.keys}) < len(self.keys):
            raise _unusable("a name or a key that is there twice", "each name and each key once")
        wrong = next((key.name for key in self.keys if not _NAME.fullmatch(key.name)), None)
        if wrong is not None:
            raise _unusable(f"the name {wrong!r}", "letters, digits, spaces and . _ @ + -, 64 at most")

    def named(self, public_key: str) -> SignerKey | None:
        """Return the signer of a public key."""
        return next((key for key in self.keys if key.public_key == public_key), None)

    def names(self) -> list[str]:
        """Return the signers' names."""
        return [key.name for key in self.keys]

    def as_entry(self) -> dict[str, Any]:
        """Return the form that stands in the log."""
        keys = [{"name": k.name, "public_key": k.public_key, "added": k.added.isoformat()} for k in self.keys]
        return {"threshold": self.threshold, "keys": keys}

    @property
    def sha256(self) -> str:
        """Hash of the set: what a proposal says it is to be signed by."""
        return sha256_hex(canonical_json(self.as_entry()))

    def say(self) -> str:
        """Return the set in words."""
        return f"{self.threshold} of {len(self.keys)} ({', '.join(self.names())})"


def signers_of_entry(entry: Mapping[str, Any]) -> Signers:
    """Return the signers that stand in the log.

    Raises
    ------
    ValueError, KeyError, TypeError, UsageError
        If what stands there is not a set of signers.
    """
    keys = [
        SignerKey(k["name"], parse_public_key(k["public_key"]), date.fromisoformat(k["added"])) for k in entry["keys"]
    ]
    signers = Signers(entry["threshold"], tuple(keys))
    if signers.as_entry() != entry:
        raise ValueError("signers in another spelling")
    return signers


def parse_signers(body: bytes) -> Signers:
    """Read a ``signers.toml``.

    Raises
    ------
    UsageError
        Saying what is wrong with it.
    """
    if len(body) > LARGEST_FILE:
        raise _unusable(f"{len(body):,} bytes", f"at most {LARGEST_FILE:,}")
    try:
        document = tomllib.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # brackets without end
        raise _unusable(str(error), "a TOML file") from None
    if set(document) != {"threshold", "signer"} or not isinstance(document["signer"], list):
        raise _unusable(f"the entries {', '.join(document) or 'none'}", "threshold and [[signer]]")
    keys = []
    for number, row in enumerate(document["signer"], start=1):
        if not isinstance(row, dict) or set(row) != {"name", "public_key", "added"}:
            raise _unusable(f"signer {number} without just these", "name, public_key and added")
        try:
            added = row["added"] if type(row["added"]) is date else date.fromisoformat(row["added"])
        except (TypeError, ValueError):
            raise _unusable(f"signer {number} added {show_value(row['added'])}", "a date such as 2025-01-07") from None
        keys.append(SignerKey(str(row["name"]), parse_public_key(str(row["public_key"])), added))
    return Signers(document["threshold"], tuple(keys))


def render_signers(signers: Signers) -> bytes:
    """Return a ``signers.toml`` that says this set."""
    lines = [
        "# Who may sign a change of the policy, and how many of them it takes. A copy of what the log says:",
        "# a change here has no effect; another set is proposed with `alvh policy propose --signers FILE`.",
        f"threshold = {signers.threshold}",
    ]
    for key in signers.keys:
        lines += [
            "",
            "[[signer]]",
            f'name = "{key.name}"',
            f'public_key = "{key.public_key}"',
            f'added = "{key.added}"',
        ]
    return "\n".join([*lines, ""]).encode()


def _unusable(found: str, expected: str) -> UsageError:
    return UsageError(
        "these signers cannot be used", where="signers.toml", found=found, expected=expected, next_step="mend the file"
    )
