"""A file of a user that never ends, or is of another kind, ends with an error and not with the machine's memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.book_cli import _read_text as read_book_text
from flows.policy_changes import LARGEST_FILE
from flows.sweeping import load_grid
from transforms.errors import UsageError
from warehouse.governance.signers import parse_signers


def test_endless_grid_is_too_large() -> None:
    with pytest.raises(UsageError, match="too large"):
        load_grid(Path("/dev/zero"))


def test_endless_base_policy_of_a_grid_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "endless.toml").symlink_to("/dev/zero")
    (tmp_path / "grid.toml").write_text('schema_version = 1\nname = "a"\nbase = "endless.toml"\n\n[parameters]\n')
    with pytest.raises(UsageError, match="too large"):
        load_grid(tmp_path / "grid.toml")


def test_endless_book_is_read_no_further_than_it_may_be() -> None:
    assert len(read_book_text(Path("/dev/zero"))) <= 9 * 1024 * 1024


def test_endless_signers_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot be used") as caught:
        parse_signers(b"#" * (LARGEST_FILE + 1))
    assert "bytes" in str(caught.value)
