"""A value a session, and in words why there is none: nothing undefined is ever a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Words: TypeAlias = npt.NDArray[np.object_]
"""Strings; empty where there is nothing to say."""

UNKNOWN_INPUT = "an input is not known"


@dataclass(frozen=True, eq=False)
class Measured:
    """A measure of n sessions.

    Parameters
    ----------
    values
        float64, shape (n,); NaN where undefined.
    notes
        Strings, shape (n,): why the value is NaN; empty exactly where there is a value.
    """

    values: Floats
    notes: Words


def judge(values: npt.ArrayLike, *reasons: tuple[npt.ArrayLike, str | Words]) -> Measured:
    """Keep the values that are defined, and say of the others why not.

    Parameters
    ----------
    values
        Shape (n,); what is not finite is undefined in any case.
    reasons
        Pairs of a condition, shape (n,), and its words; the first that holds makes the value undefined.
    """
    numbers = np.array(values, dtype=np.float64)
    notes = np.full(numbers.shape, "", object)
    is_open = np.ones(numbers.shape, bool)
    for condition, words in (*reasons, (~np.isfinite(numbers), UNKNOWN_INPUT)):
        holds = is_open & np.asarray(condition, bool)
        notes[holds] = words[holds] if isinstance(words, np.ndarray) else words
        is_open &= ~holds
    numbers[~is_open] = np.nan
    return Measured(numbers, notes)


def is_noted(measured: Measured) -> tuple[Flags, Words]:
    """Hand the reasons of one measure on to the next that is made of it."""
    return measured.notes != "", measured.notes


def sum_windows(values: Floats, sessions: int) -> Floats:
    """Sums over the last sessions; shape (n,), NaN before the first full window and where a value in it is NaN."""
    sums = np.full(len(values), np.nan)
    if 0 < sessions <= len(values):
        sums[sessions - 1 :] = np.lib.stride_tricks.sliding_window_view(values, sessions).sum(axis=1)
    return sums


def slide_windows(values: Floats, sessions: int) -> Floats:
    """The last sessions up to each one, shape (n, sessions); NaN before the first."""
    if not len(values):
        return np.empty((0, sessions))
    padded = np.concatenate([np.full(sessions - 1, np.nan), values])
    return np.lib.stride_tricks.sliding_window_view(padded, sessions)


def count_history(length: int, sessions: int) -> Words:
    """Say of each session how much of a window its history covers."""
    return np.array([f"history covers {seen} of {sessions} sessions" for seen in range(1, length + 1)], object)
