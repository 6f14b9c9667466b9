"""Compiling of the walk, and a stamp of what was compiled, so that a form kept on disk is never an old one."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

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
    made: Any = numba.njit(**OPTIONS, **_INLINED)(function)
    typed: Function = made
    return typed


def compute_stamp() -> int:
    """Return a number that changes when a part of the walk, or a constant it takes in, does.

    numba keeps the compiled form of a function until the file that it stands in changes; it does not look into the
    other files whose functions and numbers are compiled into it.
    """
    digest = hashlib.sha256(repr((OPTIONS, _INLINED)).encode())
    for part in _PARTS:
        known = {name: value for name, value in part.__globals__.items() if isinstance(value, int | float)}
        # An early format: later ones write how often an object is shared, which is not part of what it says.
        digest.update(marshal.dumps(part.__code__, 2))
        digest.update(repr(sorted(known.items())).encode())
    return int.from_bytes(digest.digest()[:7], "big")
