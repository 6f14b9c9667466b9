"""Compiling of the walk, and a stamp of what was compiled, so that a form kept on disk is never an old one."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Callable, Sequence
from enum import EnumMeta
from functools import cache, wraps
from threading import Lock
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])
Made = TypeVar("Made")

OPTIONS: dict[str, Any] = {
    "nogil": True,
    # The walk allocates nothing: without counting references to its arrays it is several times as fast. The name is
    # numba's own, not promised to others; a release without it fails at the first call.
    "_nrt": False,
}

_INLINED: dict[str, Any] = {"forceinline": True}
"""A part takes some twenty arrays: handing them over costs more than most parts do."""

_PARTS: list[Any] = []


def compiled(function: Function) -> Function:
    """Compile a part of the walk, free of the interpreter's lock, when it is first called."""
    _PARTS.append(function)
    return inline(function)


def inline(function: Function) -> Function:
    """Compile a function for other compiled ones to take in."""
    made: Any = numba.njit(**OPTIONS, **_INLINED)(function)
    typed: Function = made
    return typed


def compute_stamp(parts: Sequence[Callable[..., Any]] = _PARTS) -> int:
    """Return a number that changes when a part, or a constant it takes in, does; without parts, of the walk.

    numba keeps the compiled form of a function until the file that it stands in changes; it does not look into the
    other files whose functions and numbers are compiled into it.
    """
    digest = hashlib.sha256(repr((OPTIONS, _INLINED)).encode())
    for part in parts:
        known: dict[str, Any] = {
            name: list(value) if isinstance(value, EnumMeta) else value
            for name, value in part.__globals__.items()
            if isinstance(value, int | float | EnumMeta)
        }
        # An early format: later ones write how often an object is shared, which is not part of what it says.
        digest.update(marshal.dumps(part.__code__, 2))
        digest.update(repr(sorted(known.items())).encode())
    return int.from_bytes(digest.digest()[:7], "big")


def made_once(make: Callable[[], Made]) -> Callable[[], Made]:
    """Keep what a function makes; of threads that ask at the same time one makes it and the others wait."""
    lock = Lock()
    kept = cache(make)

    @wraps(make)
    def find() -> Made:
        with lock:
            return kept()

    return find


def compile_kept(function: Function) -> Function:
    """Compile a closure over `compute_stamp` and keep the compiled form on disk.

    Beside the file that it stands in or in the user's cache folder, where one of them can be written; the first call
    of a process then takes a fraction of a second instead of the compilation.
    """
    try:
        made: Any = numba.njit(**OPTIONS, cache=True)(function)
    except RuntimeError:  # neither the package nor the user's cache folder can be written
        made = numba.njit(**OPTIONS)(function)
    typed: Function = made
    return typed
