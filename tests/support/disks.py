"""Disks of a test's own: a small one that fills, one that is read-only, one that is not that of the archive."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, size_kb: int) -> Iterator[Path]:
    """Have a file system of a size in memory, mounted on a new folder; skip where this user may mount none."""
    folder.mkdir()
    options = f"size={size_kb}k,mode=0700"
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "alvh-test", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"this user may mount nothing here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def resize(folder: Path, size_kb: int) -> None:
    """Give a mounted file system another size."""
    subprocess.run(["mount", "-o", f"remount,size={size_kb}k", str(folder)], check=True)


def set_read_only(folder: Path, *, is_read_only: bool) -> None:
    """Have a mounted file system take no write, or take them again."""
    subprocess.run(["mount", "-o", f"remount,{'ro' if is_read_only else 'rw'}", str(folder)], check=True)


def used_kb(folder: Path) -> int:
    """Return how much of a mounted file system is used."""
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize // 1024
