"""The layers once more, told the slow way: an object a layer, words for states, exact fractions for money.

It shares nothing with `transforms.layers` but the shape of the inputs. Where the machine keeps running totals and
delayed copies, this one keeps the whole diary and looks things up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from transforms.layers import LayerInputs, LayerSettings

YES, NO, UNKNOWN = "yes", "no", "unknown"
IF_ABSENT = {"listed": YES, "converge": YES, "open_shorts": YES, "constructible": YES}
WORDS = {1: YES, 0: NO, -1: UNKNOWN}
ROLES = (
    *("listed", "roll_early", "roll_forced", "arm", "full", "leave", "converge"),
    *("open_shorts", "close_shorts", "constructible", "signal_guards"),
)


def exact(number: float) -> Fraction | None:
    """The number itself; None for the unknown."""
    return None if np.isnan(number) else Fraction(float(number))


@dataclass
class Session:
    """What a session knows."""

    truth: dict[str, str]
    settle: Fraction | None
    changes: dict[int, Fraction | None]
    betas: tuple[Fraction | None, Fraction | None]
    expiry: int | None
    excursions: int | None

    @property
    def unit(self) -> Fraction | None:
        return 1 / self.settle if self.settle is not None and self.settle > 0 else None

    @property
    def vega_match(self) -> Fraction | None:
        first, second = self.betas
        if first is None or second is None or min(first, second) <= 0:
            return None
        return first / second


def sessions_of(inputs: LayerInputs) -> list[Session]:
    found = []
    for number in range(len(inputs.front_expiry)):
        truth = {}
        for role in ROLES:
            column = getattr(inputs, role)
            truth[role] = IF_ABSENT.get(role, NO) if column is None else WORDS[int(column[number])]
        excursions = 0 if inputs.excursions is None else int(inputs.excursions[number])
        found.append(
            Session(
                truth=truth,
                settle=exact(inputs.vx1_settle_pts[number]),
                changes={1: exact(inputs.vx1_change_pts[number]), 2: exact(inputs.vx2_change_pts[number])},
                betas=(exact(inputs.vx1_beta[number]), exact(inputs.vx2_beta[number])),
                expiry=int(inputs.front_expiry[number]) or None,
                excursions=None if excursions == -1 else excursions,
            )
        )
    return found


@dataclass
class Governor:
    """Why nothing new may be done today, gravest first; empty for a promoter."""

    held: list[str]

    @property
    def is_steward(self) -> bool:
        return bool(self.held)


@dataclass
class Episode:
    """From arming to leaving."""

    steps: int = 0
    leave_count: int = 0
    has_been_full: bool = False
    first_excursions: int | None = None
    is_locked: bool = False
    pnl: list[Fraction] = field(default_factory=list)


class Temporal:
    def __init__(self, settings: LayerSettings) -> None:
        self.settings = settings
        self.state = "idle"
        self.reason = "not_enabled"
        self.arm_streak = 0
        self.days_to_cool = 0
        self.episode = Episode()

    def is_allowed(self, today: Session, governor: Governor) -> str | None:
        """Why no step may be taken now; None when it may."""
        if today.truth["leave"] == YES:
            return "temporal_leaving"
        if today.truth["converge"] == NO:
            return "temporal_waiting"
        if governor.held:
            return governor.held[0]
        return None if today.truth["converge"] == YES else "temporal_convergence_unknown"

    def count_entitled(self, today: Session) -> int:
        reasons_to_step = ["armed"]
        if self.episode.has_been_full:
            reasons_to_step.append("full")
        first = self.episode.first_excursions
        if self.settings.excursion_steps and today.excursions is not None and first is not None:
            reasons_to_step += ["excursion"] * (today.excursions - first)
        return len(reasons_to_step[: self.settings.max_steps])

    def live(self, today: Session, governor: Governor) -> None:
        if not self.settings.is_temporal_vega_enabled:
            return
        self.arm_streak = self.arm_streak + 1 if today.truth["arm"] == YES else 0
        if self.state != "idle":
            if self.is_leaving(today):
                self.leave()
                return
        elif not self.is_arming(today):
            return
        self.episode.has_been_full = self.episode.has_been_full or today.truth["full"] == YES
        if self.episode.first_excursions is None:
            self.episode.first_excursions = today.excursions
        self.scale(today, governor)

    def is_leaving(self, today: Session) -> bool:
        if today.truth["leave"] == NO:
            self.episode.leave_count = 0
        if today.truth["leave"] == YES:
            self.episode.leave_count += 1
        return self.episode.leave_count >= self.settings.leave_confirm_days

    def leave(self) -> None:
        self.state, self.reason = "idle", "temporal_left" if self.episode.steps else "temporal_disarmed"
        self.episode = Episode()
        self.days_to_cool = self.settings.cooldown_days

    def is_arming(self, today: Session) -> bool:
        if self.days_to_cool:
            self.days_to_cool -= 1
            self.reason = "temporal_cooldown"
            return False
        if self.arm_streak >= self.settings.arm_confirm_days:
            self.state = "armed"
            return True
        self.reason = {
            YES: "temporal_confirming",
            NO: "temporal_calm",
            UNKNOWN: "temporal_arm_unknown",
        }[today.truth["arm"]]
        return False

    def scale(self, today: Session, governor: Governor) -> None:
        if self.episode.steps == self.settings.max_steps:
            self.reason = "temporal_all_steps"
            return
        if self.episode.steps >= self.count_entitled(today):
            is_blind = today.excursions is None and bool(self.settings.excursion_steps)
            self.reason = "temporal_excursions_unknown" if is_blind else "temporal_held"
            return
        obstacle = self.is_allowed(today, governor)
        if obstacle is None:
            self.reason = "temporal_further_step" if self.episode.steps else "temporal_first_step"
            self.episode.steps += 1
            self.state = "active"
            return
        self.reason = obstacle
        if self.state != "active":
            self.state = "armed" if obstacle in ("temporal_waiting", "temporal_leaving") else "blocked"


class SecondEngine:
    def __init__(self, settings: LayerSettings) -> None:
        self.is_enabled = settings.is_second_engine_enabled
        self.state = "idle"
        self.reason = "not_enabled"

    def live(self, today: Session, governor: Governor, temporal: Temporal) -> None:
        if not self.is_enabled:
            return
        if temporal.state != "active":
            self.reason = "second_not_wanted" if self.state == "idle" else "second_left"
            self.state = "idle"
        elif self.state == "active":
            is_closing = today.truth["close_shorts"] == YES
            self.state = "armed" if is_closing else "active"
            self.reason = "second_shorts_closed" if is_closing else "second_held"
        else:
            self.state, self.reason = self.judge_opening(today.truth, governor)

    def judge_opening(self, truth: dict[str, str], governor: Governor) -> tuple[str, str]:
        if truth["close_shorts"] == YES:
            return "armed", "second_overheated"
        if truth["open_shorts"] == NO:
            return "armed", "second_waiting"
        if governor.held:
            return "blocked", governor.held[0]
        obstacles = [
            ("constructible", NO, "second_not_constructible"),
            ("constructible", UNKNOWN, "second_constructible_unknown"),
            ("open_shorts", UNKNOWN, "second_open_unknown"),
            ("close_shorts", UNKNOWN, "second_close_unknown"),
        ]
        for role, word, reason in obstacles:
            if truth[role] == word:
                return "blocked", reason
        return "active", "second_opened"


class Base:
    def __init__(self, settings: LayerSettings) -> None:
        self.is_enabled = settings.is_base_enabled
        self.state = "idle"
        self.reason = "not_enabled"
        self.cycle: int | None = None
        self.is_rolled = False
        self.roll = "none"

    @property
    def rank(self) -> int:
        return 2 if self.is_rolled else 1

    def turn_cycle(self, today: Session) -> None:
        if today.expiry is not None and today.expiry != self.cycle:
            self.cycle, self.is_rolled = today.expiry, False

    def live(self, today: Session, governor: Governor) -> None:
        self.roll = "none"
        if not self.is_enabled:
            return
        listed = today.truth["listed"]
        self.state = "active" if listed == YES else "blocked"
        if listed != YES:
            self.reason = "base_not_listed" if listed == NO else "base_listed_unknown"
        elif self.is_rolled:
            self.reason = "base_rolled_before"
        else:
            self.reason = self.judge_roll(today, governor)
            self.roll = {"base_rolled_early": "early", "base_rolled_forced": "forced"}.get(self.reason, "none")
            if self.reason == "base_rolled_unjudged":
                self.roll = "forced"
            self.is_rolled = self.roll != "none"

    def judge_roll(self, today: Session, governor: Governor) -> str:
        early, forced = today.truth["roll_early"], today.truth["roll_forced"]
        if early == YES and not governor.is_steward and today.expiry is not None:
            return "base_rolled_early"
        if forced == YES:
            return "base_rolled_unjudged" if early == UNKNOWN else "base_rolled_forced"
        if early == YES and governor.is_steward:
            return "base_roll_refused"
        if early == YES or UNKNOWN in (early, forced):
            return "base_roll_unknown"
        return "base_held"


@dataclass
class Held:
    """Sizes decided at a close, per point and per unit of base notional; None is a size nobody knows."""

    base: Fraction = Fraction(0)
    legs: tuple[Fraction, Fraction] | None = (Fraction(0), Fraction(0))
    steps: int = 0


@dataclass
class Book:
    """The diary of sizes, and what they earned."""

    settings: LayerSettings
    diary: list[Held] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)
    spent: list[Fraction] = field(default_factory=list)

    def earn(self, today: Session) -> tuple[Fraction | None, Fraction | None, Fraction]:
        """P&L of the base hedge, of the temporal layer, and of its front leg."""
        if len(self.diary) < 2:
            return Fraction(0), Fraction(0), Fraction(0)
        held = self.diary[-2]
        notional = Fraction(self.settings.base_notional_frac)
        base: Fraction | None = Fraction(0)
        if held.base:
            change = today.changes[self.ranks[-1]]
            base = None if change is None else held.base * notional * change
        if held.legs == (0, 0):
            return base, Fraction(0), Fraction(0)
        if held.legs is None or None in today.changes.values():
            return base, None, Fraction(0)
        earned = [size * notional * (today.changes[rank] or 0) for rank, size in enumerate(held.legs, start=1)]
        return base, sum(earned, start=Fraction(0)), earned[0]

    def decide(self, today: Session, base: Base, temporal: Temporal) -> None:
        before = self.diary[-1] if self.diary else Held()
        size = before.base
        if base.state == "active" and today.unit is not None:
            size = today.unit
        self.diary.append(Held(size, *self.size_legs(today, temporal.episode.steps, before)))

    def size_legs(self, today: Session, steps: int, before: Held) -> tuple[tuple[Fraction, Fraction] | None, int]:
        if steps == 0:
            return (Fraction(0), Fraction(0)), 0
        reading = self.settings.reading.name
        if today.unit is None or (reading != "CONTRACTS" and today.vega_match is None):
            return (before.legs, before.steps) if before.steps == steps else (None, before.steps)
        front = today.unit * (2**steps - 1)
        if reading == "CONTRACTS":
            return (front, -front / 2), steps
        assert today.vega_match is not None
        matched = front * today.vega_match
        return {
            "EQUAL_VEGA": (front, -matched),
            "BASE_MATCHED": (front, -today.unit * today.vega_match),
            "SHORT_FRONT": (-front, matched),
        }[reading], steps


def run_reference(inputs: LayerInputs, settings: LayerSettings) -> list[dict[str, Any]]:
    """One record a session, keyed like a LayerPath; words for codes, Fractions (None unknown) for money."""
    temporal, second, base, book = Temporal(settings), SecondEngine(settings), Base(settings), Book(settings)
    unrolled_gain = Fraction(0)
    records = []
    for today in sessions_of(inputs):
        base_pnl, temporal_pnl, front_pnl = book.earn(today)
        book.spent.append((base_pnl or Fraction(0)) + (temporal_pnl or Fraction(0)))
        trailing = sum(book.spent[-settings.budget_sessions :], start=Fraction(0))
        since_entry = None
        if temporal.episode.steps:
            temporal.episode.pnl.append(temporal_pnl or Fraction(0))
            unrolled_gain += front_pnl
            since_entry = sum(temporal.episode.pnl, start=Fraction(0))
            if settings.loss_lock_frac and since_entry <= -Fraction(settings.loss_lock_frac):
                temporal.episode.is_locked = True
        guards = {
            "loss_lock": temporal.episode.is_locked,
            "budget_spent": bool(settings.yearly_budget_frac) and trailing <= -Fraction(settings.yearly_budget_frac),
            "guard_holds": today.truth["signal_guards"] == YES,
            "guard_unknown": today.truth["signal_guards"] == UNKNOWN,
        }
        governor = Governor([name for name, holds in guards.items() if holds])

        steps_before = temporal.episode.steps
        temporal.live(today, governor)
        second.live(today, governor, temporal)
        base.turn_cycle(today)
        rank_at_trade = base.rank
        base.live(today, governor)

        if steps_before == 0 or temporal.episode.steps == 0:
            unrolled_gain = Fraction(0)
        rolled = Fraction(0)
        if unrolled_gain > 0 and unrolled_gain >= Fraction(settings.gain_roll_least_frac):
            rolled, unrolled_gain = Fraction(settings.gain_roll_frac) * unrolled_gain, Fraction(0)
        book.ranks.append(rank_at_trade)
        book.decide(today, base, temporal)
        records.append(
            {
                "base_state": base.state,
                "temporal_state": temporal.state,
                "second_state": second.state,
                "base_reason": base.reason,
                "temporal_reason": temporal.reason,
                "second_reason": second.reason,
                "temporal_steps": temporal.episode.steps,
                "base_roll": base.roll,
                "held_rank": base.rank if settings.is_base_enabled else 0,
                "mode": "steward" if governor.is_steward else "promoter",
                "guards": sum(bit for bit, holds in zip((1, 2, 4, 8), guards.values(), strict=True) if holds),
                "base_pnl_frac": base_pnl,
                "temporal_pnl_frac": temporal_pnl,
                "temporal_pnl_since_entry_frac": since_entry,
                "trailing_pnl_frac": trailing,
                "gains_rolled_frac": rolled,
            }
        )
    return records
