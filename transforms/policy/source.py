"""A policy file as text: parsed as TOML, with a line for every key."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from transforms.errors import PolicyError
from transforms.policy.lines import line_of, locate

LARGEST_FILE = 256 * 1024
"""Characters of a policy file; the longest preset has about 10,000."""
_LINE_IN_MESSAGE = re.compile(r"at line (\d+)")


@dataclass(frozen=True)
class PolicyFile:
    """The text of a policy file and its name."""

    text: str
    where: str

    def tables(self) -> dict[str, Any]:
        """Parse the TOML.

        Raises
        ------
        PolicyError
            If it is not TOML, states something twice, or is too large; with the line.
        """
        if len(self.text) > LARGEST_FILE:
            raise PolicyError(
                "the policy file is too large",
                where=self.where,
                found=f"{len(self.text):,} characters",
                expected=f"at most {LARGEST_FILE:,}",
            )
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            line = _LINE_IN_MESSAGE.search(str(error))
            number = int(line.group(1)) if line else self.text.count("\n") + 1
            is_twice = "overwrite" in str(error) or "twice" in str(error) or "Cannot declare" in str(error)
            raise PolicyError(
                "a key or table stands in the file twice" if is_twice else "the policy file is not valid TOML",
                where=f"{self.where}:{number}",
                found=str(error),
                expected="each key and table once" if is_twice else "TOML 1.0",
                next_step="remove one of the two" if is_twice else "mend the line, or start from a preset",
            ) from None
        except (RecursionError, ValueError) as error:  # brackets without end, a number of thousands of digits
            raise PolicyError(
                "the policy file cannot be read",
                where=self.where,
                found=str(error)[:200],
                expected="tables of texts and numbers",
                next_step="start from a preset",
            ) from None

    @cached_property
    def lines(self) -> dict[tuple[str, ...], int]:
        """Line of each table and key, once the TOML is known to be valid."""
        return locate(self.text)

    def place(self, path: tuple[str, ...]) -> str:
        """Return ``file:line (key)`` of a key, or of the nearest table around it."""
        line = line_of(self.lines, path)
        key = f" ({'.'.join(path)})" if path else ""
        return f"{self.where}:{line}{key}" if line else f"{self.where}{key}"
