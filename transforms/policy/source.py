"""A policy file as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from transforms.errors import PolicyError, UsageError
from transforms.toml_file import LARGEST_FILE, TomlFile

__all__ = ["LARGEST_FILE", "PolicyFile"]


@dataclass(frozen=True)
class PolicyFile(TomlFile):
    """The text of a policy file and its name."""

    kind: ClassVar[str] = "policy file"
    error: ClassVar[type[UsageError]] = PolicyError
    way_out: ClassVar[str] = "start from a preset"
