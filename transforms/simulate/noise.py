"""Random numbers that only ever grow at the end.

Every stream is a generator of its own, keyed by the seed, the stream's name and (for contracts) a
date. Draws are made row after row from the first session on, so that a later last session appends
rows and changes none.
"""

from __future__ import annotations

import zlib
from typing import cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Days = NDArray[np.int64]


def normals(seed: int, stream: str, rows: int, columns: int = 1, *, key: int = 0) -> Floats:
    """Standard normal draws, shape (rows, columns); a longer draw starts with the shorter one.

    Parameters
    ----------
    seed
        The market's seed, 0 or more.
    stream
        What the draws are for.
    key
        Tells apart the series of one stream, for example an expiry's ordinal.
    """
    return _generator(seed, stream, key).standard_normal((rows, columns))


def uniforms(seed: int, stream: str, rows: int, columns: int = 1, *, key: int = 0) -> Floats:
    """Uniform draws in [0, 1), shape (rows, columns); a longer draw starts with the shorter one."""
    return _generator(seed, stream, key).random((rows, columns))


def autoregression(shocks: Floats, persistence: float) -> Floats:
    """Stationary first-order autoregression with unit variance, from independent unit shocks.

    ``z[t] = persistence * z[t-1] + sqrt(1 - persistence^2) * shocks[t]``, ``z[0] = shocks[0]``.
    """
    series = np.empty_like(shocks)
    fresh = np.sqrt(1 - persistence**2)
    level = 0.0
    for row, shock in enumerate(shocks.tolist()):
        level = shock if row == 0 else persistence * level + fresh * shock
        series[row] = level
    return series


def decimals(values: Floats, places: int) -> Floats:
    """Round to decimal places as the files print them."""
    return cast(Floats, np.round(values, places))


def _generator(seed: int, stream: str, key: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(stream.encode()), key])))
