"""A laid out market as a file: plain arrays in the npz format of NumPy, and nothing that could run.

The compiled walk does not check its indices, so every array is checked here before it is walked: its kind, its shape,
and that every index points into the array it is meant for. Numbers come back to the last bit.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.errors import PipelineError
from transforms.ledger.rules import read_cost_rules
from transforms.options.call_calendars import CallCalendarTargets
from transforms.positions.market import HIGHEST_RANK, FuturesMarket
from transforms.sweep import SweepMarket
from transforms.sweep.arrays import Market
from warehouse.home import write_atomically

LAID_OUT = "market.npz"
SCHEMA_VERSION = 2

_FUTURES = ("settle_pts", "ranked", "vix_pts", "betas", "bill_discount_rate_frac")
_TARGETS = tuple(CallCalendarTargets.__dataclass_fields__)
_KINDS = "biufUM"
"""Truths, numbers, texts and dates; never objects."""
_LARGEST = 4 * 1024**3
"""Bytes of a market: fifty times that of 22 years and the shipped grids."""

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class PathMarket:
    """One path as every chunk needs it.

    Parameters
    ----------
    swept
        Laid out for the compiled walk, with the calendars of every policy of the grid.
    signals
        What the state machine reads, one row a session.
    high_vix_pts
        VIX close from which the session after it counts as one of high VIX.
    """

    swept: SweepMarket
    signals: pd.DataFrame
    high_vix_pts: float


def write_market(target: Path, market: PathMarket) -> None:
    """Write a laid out market, the whole file or nothing.

    Raises
    ------
    PipelineError
        If the disk does not take it.
    """
    swept = market.swept
    arrays: dict[str, npt.NDArray[Any]] = {
        "schema_version": np.array(SCHEMA_VERSION),
        "nav_usd": np.array(swept.nav_usd, np.float64),
        "high_vix_pts": np.array(market.high_vix_pts, np.float64),
        "parameters.names": np.array(list(swept.parameters), np.str_),
        "parameters.values": np.array(list(swept.parameters.values()), np.float64),
        "futures.days": _ordinals(swept.futures.days),
        "futures.expiries": _ordinals(swept.futures.expiries),
        **{f"futures.{name}": getattr(swept.futures, name) for name in _FUTURES},
        **{f"arrays.{name}": array for name, array in swept.arrays._asdict().items()},
        "calendar_sets": np.array(
            [[getattr(one, name) for name in _TARGETS] for one in swept.calendar_sets], np.float64
        ).reshape(-1, len(_TARGETS)),
        "fits": swept.fits,
        **{f"signals.{name}": market.signals[name].to_numpy() for name in market.signals},
    }
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_atomically(target, buffer.getbuffer())


def read_market_file(source: Path) -> PathMarket:
    """Return what `write_market` kept.

    Raises
    ------
    PipelineError
        If the file is not there, is damaged, or holds what no market has.
    """
    try:
        return _build(_read_arrays(source))
    except (OSError, ValueError, TypeError, KeyError, OverflowError, zipfile.BadZipFile, NotImplementedError) as error:
        raise PipelineError(
            "the laid out market of a sweep cannot be read back",
            where=str(source),
            found=(str(error).splitlines() or [type(error).__name__])[0],
            expected="the file as the sweep wrote it",
            next_step="run the sweep again: the market is laid out anew",
        ) from None


def _read_arrays(source: Path) -> dict[str, npt.NDArray[Any]]:
    """Read every array. What a header says is held against the bytes that are there before room is made for it."""
    arrays = {}
    with zipfile.ZipFile(source) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("a compressed entry: this file was not written by a sweep")
        if sum(entry.file_size for entry in entries) > _LARGEST:
            raise ValueError("a market larger than any")
        for entry in entries:
            arrays[entry.filename.removesuffix(".npy")] = _read_array(archive.read(entry), entry.filename)
    return arrays


def _read_array(content: bytes, name: str) -> npt.NDArray[Any]:
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError(f"{name}: another version of the array format")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind not in _KINDS or any(length < 0 for length in shape):
        raise ValueError(f"{name}: not an array of numbers, dates or texts")
    if math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise ValueError(f"{name}: {len(content) - file.tell()} bytes for a shape of {shape}")
    flat = np.frombuffer(content, dtype, offset=file.tell()).copy()  # a copy, because the walk may not take read-only
    return flat.reshape(shape, order="F" if is_fortran else "C")


def _build(arrays: Arrays) -> PathMarket:
    if arrays["schema_version"].tolist() != SCHEMA_VERSION:
        raise ValueError("a market of another version")
    futures = FuturesMarket(
        days=_dates(arrays["futures.days"]),
        expiries=_dates(arrays["futures.expiries"]),
        **{name: arrays[f"futures.{name}"] for name in _FUTURES},
    )
    laid_out = Market(**{name: arrays[f"arrays.{name}"] for name in Market._fields})
    names, values = arrays["parameters.names"].tolist(), arrays["parameters.values"].tolist()
    parameters = dict(zip(names, values, strict=True))
    sets = arrays["calendar_sets"]
    signals = pd.DataFrame(
        {name.removeprefix("signals."): array for name, array in arrays.items() if name.startswith("signals.")}
    )
    swept = SweepMarket(
        futures=futures,
        nav_usd=float(arrays["nav_usd"]),
        parameters=parameters,
        costs=read_cost_rules(parameters),
        arrays=laid_out,
        calendar_sets={CallCalendarTargets(*row): number for number, row in enumerate(sets.tolist())},
        fits=arrays["fits"],
    )
    _check(swept, sets, signals)
    return PathMarket(swept, signals, float(arrays["high_vix_pts"]))


def _check(swept: SweepMarket, sets: npt.NDArray[Any], signals: pd.DataFrame) -> None:
    """Refuse arrays that do not belong together, and indices that point nowhere.

    Raises
    ------
    ValueError
        With the name of the array.
    """
    market = swept.arrays
    sessions, futures, options = len(swept.futures), len(swept.futures.expiries), len(market.option_expiry)
    rows, places = len(market.option_ticks), len(sets)
    legs = market.calendar_legs.shape[2] if market.calendar_legs.ndim == 3 else -1
    ints, floats, flags = np.dtype(np.int64), np.dtype(np.float64), np.dtype(np.bool_)
    expected: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
        "day": (ints, (sessions,)),
        "is_mini_listed": (flags, (sessions,)),
        "ranked": (ints, (sessions, HIGHEST_RANK)),
        "betas": (floats, (sessions, HIGHEST_RANK)),
        "protected_vega_usd": (floats, (sessions,)),
        "bill_return": (floats, (sessions,)),
        "expiry": (ints, (futures,)),
        "ticks": (ints, (futures, sessions)),
        "aged": (ints, (futures, sessions)),
        "option_expiry": (ints, (options,)),
        "option_strike": (floats, (options,)),
        "option_is_call": (flags, (options,)),
        "option_first": (ints, (options,)),
        "option_offset": (ints, (options + 1,)),
        "option_ticks": (ints, (rows,)),
        "option_aged": (ints, (rows,)),
        "option_half_spread": (floats, (rows,)),
        "calendar_bound": (floats, (places, sessions)),
        "calendar_legs": (ints, (places, sessions, legs)),
        "calendar_sides": (ints, (places, sessions, legs)),
    }
    for name, (kind, shape) in expected.items():
        array = getattr(market, name)
        if array.dtype != kind or array.shape != shape or not array.flags.c_contiguous:
            raise ValueError(f"{name}: {array.dtype} of shape {array.shape}, expected {kind} of {shape}")
    if (swept.fits.dtype, swept.fits.shape) != (np.dtype(np.int8), (places, sessions)):
        raise ValueError(f"fits: {swept.fits.dtype} of shape {swept.fits.shape}")
    if len(swept.calendar_sets) != places or len(signals) != sessions:
        raise ValueError("sets of calendars, or sessions, of another number")
    _check_indices("ranked", market.ranked, -1, futures)
    _check_indices("calendar_legs", market.calendar_legs, -1, options)
    _check_indices("option_first", market.option_first, 0, sessions + 1)
    _check_indices("option_offset", market.option_offset, 0, rows + 1)
    steps = np.diff(market.option_offset)
    if market.option_offset[0] != 0 or market.option_offset[-1] != rows or (steps < 0).any():
        raise ValueError("option_offset: not the beginnings of the rows")
    if (market.option_first + steps > sessions).any() or (options and not rows):
        raise ValueError("option_first: rows after the last session")
    if not 0 < swept.nav_usd < math.inf:
        raise ValueError(f"nav_usd: {swept.nav_usd}")


def _check_indices(name: str, array: npt.NDArray[Any], lowest: int, end: int) -> None:
    if array.size and not lowest <= int(array.min()) <= int(array.max()) < end:
        raise ValueError(f"{name}: an index outside of {lowest} to {end - 1}")


def _ordinals(days: Any) -> npt.NDArray[np.int64]:
    return np.array([day.toordinal() for day in days], np.int64)


def _dates(ordinals: npt.NDArray[Any]) -> list[date]:
    return [date.fromordinal(day) for day in ordinals.tolist()]
