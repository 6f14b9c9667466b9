"""What would have to change for the next transition of a layer, with the distance of each condition.

The transitions are those of the state machine (``transforms.layers``); nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transforms.explain.clauses import list_needs, make_need
from transforms.explain.facts import EpisodeSession, ExplainFacts
from transforms.explain.words import say_count, say_value


@dataclass(frozen=True)
class TemporalCounts:
    """Counters of the temporal layer's machine at the end of a session.

    Attributes
    ----------
    leave_closes, arm_closes
        Closes in a row that count towards leaving, towards arming.
    entitled_steps
        Steps that the layer may have by now; None while it is idle. Fewer than it has, once excursions recede.
    has_been_full
        Whether the rule ``full`` was true since arming.
    excursions_at_arming
        Further ones are counted from here; None where they are not known yet.
    """

    leave_closes: int
    arm_closes: int
    entitled_steps: int | None
    has_been_full: bool = False
    excursions_at_arming: int | None = None


def count_temporal(facts: ExplainFacts) -> TemporalCounts | None:
    """Count what the machine has counted since the temporal layer was last idle.

    Returns
    -------
    TemporalCounts or None
        None where the counts cannot be seen: the policy changed in between.
    """
    episode = facts.episode
    if episode is None:
        return None
    arm_closes = _last_run(episode)
    if facts.states["temporal_vega"]["state"] == "idle":
        return TemporalCounts(0, arm_closes, None)
    leave_closes, excursions_at_arming, has_been_full = 0, None, False
    for place, session in enumerate(episode):
        if place and session.leave is not None:  # counted from the session after arming on
            leave_closes = leave_closes + 1 if session.leave else 0
        has_been_full = has_been_full or session.full is True
        if excursions_at_arming is None:
            excursions_at_arming = session.excursions
    latest = episode[-1].excursions if episode else None
    more = 0 if latest is None or excursions_at_arming is None else max(0, latest - excursions_at_arming)
    most, each = int(facts.number("max_steps") or 0), int(facts.number("excursion_steps") or 0)
    entitled = min(most, 1 + has_been_full + each * more)
    return TemporalCounts(leave_closes, arm_closes, entitled, has_been_full, excursions_at_arming)


def _last_run(episode: Sequence[EpisodeSession]) -> int:
    count = 0
    for session in reversed(episode):
        if session.arm is not True:
            break
        count += 1
    return count


def build_outlook(facts: ExplainFacts, layer: str) -> list[dict[str, Any]]:
    """Return the transitions that lead out of a layer's present state, and what each of them needs.

    Returns
    -------
    list of dict
        ``to_state`` (None for a further step or a roll, which change no state), ``what`` (in words) and
        ``needs``: a list of ``rule`` (None where it is no rule of the layer), ``is_met`` (None where it
        cannot be evaluated), ``text``, and the numbers of :func:`transforms.explain.clauses.make_need`.
    """
    clauses = {clause["rule"]: clause for clause in facts.states[layer]["clauses"]}
    build = {"base": _base, "temporal_vega": _temporal, "second_engine": _second}[layer]
    return build(facts, clauses)


def _base(facts: ExplainFacts, clauses: Mapping[str, Any]) -> list[dict[str, Any]]:
    row = facts.states["base"]
    if row["state"] == "idle":
        return []
    if row["state"] == "blocked":
        return [_step("active", "active again", [*list_needs(facts, clauses["listed"], wanted=True)])]
    moves = []
    if row.get("held_rank") == 1:
        if "roll_early" in clauses:
            early = [*list_needs(facts, clauses["roll_early"], wanted=True), _promoter(facts)]
            moves.append(_step(None, "early roll to VX2", early))
        if "roll_forced" in clauses:
            moves.append(_step(None, "forced roll to VX2", list_needs(facts, clauses["roll_forced"], wanted=True)))
    elif row.get("held_rank") == 2:
        left = facts.signals.get("vx1_trading_days_to_expiry")
        when = "" if left is None else f": {say_value(left, 'trading days')} left"
        moves.append(_step(None, "next roll cycle", [_fact(False, f"the front month has to settle first{when}")]))
    if "listed" in clauses:
        moves.append(_step("blocked", "blocked", list_needs(facts, clauses["listed"], wanted=False)))
    return moves


def _temporal(facts: ExplainFacts, clauses: Mapping[str, Any]) -> list[dict[str, Any]]:
    row, counts = facts.states["temporal_vega"], count_temporal(facts)
    state, steps, most = row["state"], int(row["step_count"]), int(facts.number("max_steps") or 0)
    if "arm" not in clauses:
        return []  # a policy without the layer
    if state == "idle":
        needs = list_needs(facts, clauses["arm"], wanted=True)
        needs += _closes(facts.number("arm_confirm_days"), counts.arm_closes if counts else None)
        if "cooldown" in row["reason"]:
            needs.append(_fact(False, f"the cooldown of {say_count(int(facts.number('cooldown_days') or 0), 'session')}"
                                      " to be over"))  # fmt: skip
        return [_step("armed", "armed", needs)]
    moves = []
    if steps < most:
        needs = []
        if steps:
            needs.append(_entitled(facts, clauses, counts, steps))
        if "converge" in clauses:
            needs += list_needs(facts, clauses["converge"], wanted=True)
        if "leave" in clauses:
            # no step on a close that counts towards leaving; above that level it need not be said
            needs += [need for need in list_needs(facts, clauses["leave"], wanted=False) if need["is_met"] is False]
        needs.append(_promoter(facts))
        what = f"step {steps + 1} of {most}" if steps else "active, step 1"
        moves.append(_step(None if steps else "active", what, needs))
    if "leave" in clauses:
        needs = list_needs(facts, clauses["leave"], wanted=True)
        needs += _closes(facts.number("leave_confirm_days"), counts.leave_closes if counts else None)
        moves.append(_step("idle", "idle, all steps off" if steps else "idle", needs))
    return moves


def _second(facts: ExplainFacts, clauses: Mapping[str, Any]) -> list[dict[str, Any]]:
    row, temporal = facts.states["second_engine"], facts.states["temporal_vega"]["state"]
    state = row["state"]
    is_wanted = temporal == "active"
    if not clauses:
        return []
    if state == "idle":
        return [_step("armed", "armed", [_fact(is_wanted, f"temporal vega to be active ({temporal} now)")])]
    moves = []
    if state == "active":
        if "close_shorts" in clauses:
            needs = list_needs(facts, clauses["close_shorts"], wanted=True)
            moves.append(_step("armed", "armed, shorts closed", needs))
    else:
        wanted = (("open", True), ("close_shorts", False), ("constructible", True))
        needs = [
            need for role, truth in wanted if role in clauses for need in list_needs(facts, clauses[role], wanted=truth)
        ]
        moves.append(_step("active", "active, calendars opened", [*needs, _promoter(facts)]))
    moves.append(_step("idle", "idle", [_fact(not is_wanted, f"temporal vega to leave ({temporal} now)")]))
    return moves


def _entitled(
    facts: ExplainFacts, clauses: Mapping[str, Any], counts: TemporalCounts | None, steps: int
) -> dict[str, Any]:
    """A further step is due once VIX was full since arming, or with so many excursions more than at arming."""
    if counts is None or counts.entitled_steps is None:
        text = "a further step to be due: not to be seen after a change of policy"
        return make_need(None, text)
    due = counts.entitled_steps
    if due > steps:
        return _fact(True, f"{say_count(due, 'step')} due since arming, {steps} taken: met")
    excursions = _excursions(facts, counts, steps - counts.has_been_full)
    ways = [excursions] if excursions else []
    if "full" in clauses and not counts.has_been_full:
        full = [need["text"] for need in list_needs(facts, clauses["full"], wanted=True)]
        fewer = None if steps - 1 <= 0 or due + 1 > steps else _excursions(facts, counts, steps - 1)
        if due + 1 > steps or fewer:
            ways.insert(0, " and ".join([*full, *([fewer] if fewer else [])]))
    return _fact(False, f"a further step to be due: {', or '.join(ways) or 'no rule gives one'}")


def _excursions(facts: ExplainFacts, counts: TemporalCounts, more: int) -> str | None:
    """Say how many excursions give a further step; None where the policy counts none."""
    if not facts.number("excursion_steps"):
        return None
    now, start = facts.signals.get("rv_excursions"), counts.excursions_at_arming
    if now is None or start is None:
        return f"{say_count(more, 'excursion')} more than at arming (rv_excursions is not known)"
    wanted = start + more
    return f"rv_excursions {int(now)}, needs \N{GREATER-THAN OR EQUAL TO} {wanted}: {wanted - int(now)} away"


def _closes(wanted: float | None, counted: int | None) -> list[dict[str, Any]]:
    if wanted is None or wanted <= 1:
        return []
    if counted is None:
        return [make_need(None, f"{int(wanted)} closes in a row")]
    return [_fact(counted >= wanted, f"{int(wanted)} closes in a row, {counted} so far")]


def _promoter(facts: ExplainFacts) -> dict[str, Any]:
    mode, held = facts.governor["governor_mode"], facts.governor.get("guards_held")
    if mode == "promoter":
        return _fact(True, "the governor is a promoter: met")
    return _fact(False, f"the governor to be a promoter (steward now: {held})")


def _fact(is_met: bool, text: str) -> dict[str, Any]:
    return make_need(is_met, text)


def _step(to_state: str | None, what: str, needs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"to_state": to_state, "what": what, "needs": needs}
