"""The words of the layers: states, modes, rolls, guards, and the sentence behind each reason.

The integer values are what the arrays of a path hold; they are part of the contract and never reused.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag, StrEnum


class Layer(StrEnum):
    """A layer of the hedge, in the order of the methodology."""

    BASE = "base"
    TEMPORAL_VEGA = "temporal_vega"
    SECOND_ENGINE = "second_engine"


class LayerState(IntEnum):
    """What a layer is doing."""

    IDLE = 0
    ARMED = 1
    ACTIVE = 2
    BLOCKED = 3


class Mode(IntEnum):
    """The governor: a promoter may take new risk, a steward only keeps what is on."""

    PROMOTER = 0
    STEWARD = 1


class Roll(IntEnum):
    """What the base hedge did about its expiry on a session."""

    NONE = 0
    EARLY = 1
    FORCED = 2


class Reading(IntEnum):
    """The four named readings of the temporal layer's second leg."""

    EQUAL_VEGA = 0
    CONTRACTS = 1
    BASE_MATCHED = 2
    SHORT_FRONT = 3


class Guard(IntFlag):
    """What made the governor a steward on a session, as bits."""

    LOSS_LOCK = 1
    BUDGET = 2
    SIGNAL = 4
    SIGNAL_UNKNOWN = 8


class Reason(IntEnum):
    """Why a layer is in its state at the end of a session."""

    NOT_ENABLED = 0
    LOSS_LOCK = 1
    BUDGET_SPENT = 2
    GUARD_HOLDS = 3
    GUARD_UNKNOWN = 4

    BASE_HELD = 10
    BASE_NOT_LISTED = 11
    BASE_LISTED_UNKNOWN = 12
    BASE_ROLLED_EARLY = 13
    BASE_ROLLED_FORCED = 14
    BASE_ROLLED_UNJUDGED = 15
    BASE_ROLLED_BEFORE = 16
    BASE_ROLL_UNKNOWN = 17
    BASE_ROLL_REFUSED = 18

    TEMPORAL_CALM = 30
    TEMPORAL_ARM_UNKNOWN = 31
    TEMPORAL_CONFIRMING = 32
    TEMPORAL_COOLDOWN = 33
    TEMPORAL_LEFT = 34
    TEMPORAL_ARMED = 35
    TEMPORAL_WAITING = 36
    TEMPORAL_CONVERGENCE_UNKNOWN = 37
    TEMPORAL_FIRST_STEP = 38
    TEMPORAL_FURTHER_STEP = 39
    TEMPORAL_ALL_STEPS = 40
    TEMPORAL_HELD = 41
    TEMPORAL_EXCURSIONS_UNKNOWN = 42
    TEMPORAL_LEAVING = 43
    TEMPORAL_DISARMED = 44

    SECOND_NOT_WANTED = 60
    SECOND_LEFT = 61
    SECOND_ARMED = 62
    SECOND_WAITING = 63
    SECOND_OVERHEATED = 64
    SECOND_OPEN_UNKNOWN = 65
    SECOND_CLOSE_UNKNOWN = 66
    SECOND_NOT_CONSTRUCTIBLE = 67
    SECOND_CONSTRUCTIBLE_UNKNOWN = 68
    SECOND_OPENED = 69
    SECOND_HELD = 70
    SECOND_SHORTS_CLOSED = 71

    @property
    def sentence(self) -> str:
        """What a trader reads, without the state that :func:`describe_reason` puts before it."""
        return _SENTENCES[self]


def describe_reason(state: LayerState, reason: Reason) -> str:
    """Say the state and its reason in plain English.

    Parameters
    ----------
    state
        The layer's state at the end of the session.
    reason
        The reason of the same session.

    Returns
    -------
    str
        For example ``armed: volatility is at its arming level, waiting for the term-structure MACD to converge``.
    """
    return f"{state.name.lower()}: {reason.sentence}"


_SENTENCES = {
    Reason.NOT_ENABLED: "the policy does not use this layer",
    Reason.LOSS_LOCK: "the temporal layer lost more than its limit since entry, no new risk until it has left",
    Reason.BUDGET_SPENT: "the yearly hedge budget is spent, no new risk",
    Reason.GUARD_HOLDS: "a guard of the policy holds, no new risk",
    Reason.GUARD_UNKNOWN: "a guard of the policy cannot be evaluated today, no new risk",
    Reason.BASE_HELD: "the base hedge is held in its contract",
    Reason.BASE_NOT_LISTED: "no instrument is listed today, what is held stays as it is",
    Reason.BASE_LISTED_UNKNOWN: "whether an instrument is listed is not known today, what is held stays as it is",
    Reason.BASE_ROLLED_EARLY: "rolled to the second month early, breadth diverges meaningfully inside the roll window",
    Reason.BASE_ROLLED_FORCED: "rolled to the second month on the last day for it, no early roll came before",
    Reason.BASE_ROLLED_UNJUDGED: "rolled to the second month on the last day for it, early roll could not be judged",
    Reason.BASE_ROLLED_BEFORE: "already rolled, the second month is held until it becomes the front",
    Reason.BASE_ROLL_UNKNOWN: "whether to roll is not evaluable today, no roll",
    Reason.BASE_ROLL_REFUSED: "the early roll is due but a steward takes none, the last day for it still forces one",
    Reason.TEMPORAL_CALM: "volatility is below its arming level",
    Reason.TEMPORAL_ARM_UNKNOWN: "the arming level is not evaluable today, nothing is armed on an unknown",
    Reason.TEMPORAL_CONFIRMING: "volatility is at its arming level, more closes must confirm it",
    Reason.TEMPORAL_COOLDOWN: "the layer left recently, the cooldown runs",
    Reason.TEMPORAL_LEFT: "volatility closed below its leaving level often enough, all steps are taken off",
    Reason.TEMPORAL_LEAVING: "volatility is below its leaving level, no new step",
    Reason.TEMPORAL_DISARMED: "volatility closed below its leaving level often enough, no step was on",
    Reason.TEMPORAL_ARMED: "volatility reached its arming level",
    Reason.TEMPORAL_WAITING: "volatility is at its arming level, waiting for the term-structure MACD to converge",
    Reason.TEMPORAL_CONVERGENCE_UNKNOWN: "whether the term-structure MACD converges is not known today, no new step",
    Reason.TEMPORAL_FIRST_STEP: "the term-structure MACD converges, the first step is taken",
    Reason.TEMPORAL_FURTHER_STEP: "the term-structure MACD converges, a further step is taken",
    Reason.TEMPORAL_ALL_STEPS: "all steps are on",
    Reason.TEMPORAL_HELD: "the steps taken are held, no further one is due",
    Reason.TEMPORAL_EXCURSIONS_UNKNOWN: "the steps taken are held, realised-volatility excursions are not known today",
    Reason.SECOND_NOT_WANTED: "waits for the temporal layer to be active",
    Reason.SECOND_LEFT: "the temporal layer is no longer active, the calendars are closed with it",
    Reason.SECOND_ARMED: "the temporal layer is active",
    Reason.SECOND_WAITING: "waiting for the VVIX RSI to fall below its opening level",
    Reason.SECOND_OVERHEATED: "the VVIX RSI is extreme, no new shorts",
    Reason.SECOND_OPEN_UNKNOWN: "whether shorts may be opened is not evaluable today",
    Reason.SECOND_CLOSE_UNKNOWN: "whether the VVIX RSI is extreme is not evaluable today",
    Reason.SECOND_NOT_CONSTRUCTIBLE: "not constructible: no listed expiries and strikes fit",
    Reason.SECOND_CONSTRUCTIBLE_UNKNOWN: "whether listed options fit is not known today",
    Reason.SECOND_OPENED: "the VVIX RSI allows it, the call calendars are opened",
    Reason.SECOND_HELD: "the call calendars are held",
    Reason.SECOND_SHORTS_CLOSED: "the VVIX RSI is extreme, the shorts are closed",
}
