"""States as one character a session: what the pages embed, what it means, and how it is coloured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

UNKNOWN = "-"
_TEN_STEPS = "t"


@dataclass(frozen=True)
class Code:
    """A state: its words, and the class that colours its cells (``heat-<tone>`` in ``site.css``)."""

    words: str
    tone: str


REGIMES = {
    "b": Code("backwardation", "backwardation"),
    "f": Code("flat", "flat"),
    "c": Code("contango", "contango"),
    "s": Code("steep", "steep"),
    UNKNOWN: Code("not known", "unknown"),
}
TEMPORAL = {
    "i": Code("idle", "quiet"),
    "a": Code("armed", "armed"),
    "1": Code("active, 1 step", "step-1"),
    "2": Code("active, 2 steps", "step-2"),
    **{str(steps): Code(f"active, {steps} steps", "step-3") for steps in range(3, 10)},
    _TEN_STEPS: Code("active, 10 steps", "step-3"),
    "x": Code("blocked", "blocked"),
    UNKNOWN: Code("not known", "unknown"),
}
GOVERNOR = {
    "p": Code("promoter", "quiet"),
    "s": Code("steward", "steward"),
    UNKNOWN: Code("not known", "unknown"),
}
STATES = {"i": "idle", "a": "armed", "A": "active", "x": "blocked", UNKNOWN: "not known"}
_STATE_CODES = {words: code for code, words in STATES.items()}


def encode_regimes(regimes: Sequence[str | None]) -> str:
    """Return a character a session; see :data:`REGIMES`."""
    return "".join(UNKNOWN if regime is None else regime[0] for regime in regimes)


def encode_governor(modes: Sequence[str | None]) -> str:
    """Return a character a session; see :data:`GOVERNOR`."""
    return "".join(UNKNOWN if mode is None else mode[0] for mode in modes)


def encode_states(states: Sequence[str | None]) -> str:
    """Return a character a session; see :data:`STATES`."""
    return "".join(UNKNOWN if state is None else _STATE_CODES[state] for state in states)


def encode_temporal(states: Sequence[str | None], steps: Sequence[int | None]) -> str:
    """Return a character a session, an active layer as its number of steps; see :data:`TEMPORAL`."""
    return "".join(_encode_temporal(state, count) for state, count in zip(states, steps, strict=True))


def _encode_temporal(state: str | None, steps: int | None) -> str:
    if state == "active":
        # a policy has ten steps at most, by its schema
        return UNKNOWN if steps is None else _TEN_STEPS if steps == 10 else str(steps)
    return UNKNOWN if state is None else _STATE_CODES[state]
