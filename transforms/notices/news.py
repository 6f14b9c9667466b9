"""What is news: the difference between two nights, item by item."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from transforms.notices.kinds import DEGRADED, FAILED, GOVERNOR, KINDS, ORDERS, STALE, TRANSITION
from transforms.notices.standing import Evening, Standing, name_layer, say_state

_SHOWN_ORDERS = 6
_REASON = "Degraded: "


@dataclass(frozen=True)
class News:
    """One thing worth saying.

    Attributes
    ----------
    kind
        One of :data:`transforms.notices.kinds.KINDS`.
    session
        Session it is of.
    short
        A few words, for the title.
    lines
        What it says in the message, a line each.
    to_do
        What a reader may do about it.
    subject
        Label of the source it is about.
    """

    kind: str
    session: date
    short: str
    lines: tuple[str, ...]
    to_do: str = ""
    subject: str = ""

    @property
    def key(self) -> str:
        """Hash of what it says: the same item of the same session is told once, whichever run finds it again.

        Of a failure only the first line counts: what was found may differ from try to try, and is no news.
        """
        lines = self.lines[:1] if self.kind == FAILED else self.lines
        said = [self.kind, self.session.isoformat(), self.short, *lines]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def find_news(tonight: Evening, before: Standing | None) -> list[News]:
    """Return what a published session brings that the one before did not have.

    Parameters
    ----------
    before
        The standing that was published before; None where there was none, and then states are no news.
    """
    found = [*_layers(tonight, before), *_governor(tonight, before), *_sources(tonight, before)]
    if tonight.reasons:
        words = f"degraded data, {_count(len(tonight.reasons), 'reason')}"
        found.append(
            News(
                DEGRADED,
                tonight.session,
                words,
                tuple(f"{_REASON}{one}" for one in tonight.reasons),
                "`alvh status`, then docs/runbook.md, source late",
            )
        )
    if tonight.orders or tonight.book_orders:
        found.append(_orders(tonight))
    return in_order(found)


def find_failure(session: date, exit_code: int, error: Sequence[str], published: date | None) -> News:
    """Return the news that a night failed.

    Parameters
    ----------
    error
        What went wrong, and below it where, what was found, what was expected, what to do.
    published
        Newest session that is published and stays so.
    """
    what, *more = error
    parts = dict(line.strip().split(":", 1) for line in more if ":" in line)
    told = [f"{name}: {parts[name].strip()}" for name in ("where", "found", "expected") if name in parts]
    kept = f"Published: session {published}" if published else "Nothing is published yet"
    return News(
        FAILED,
        session,
        f"night failed, code {exit_code}",
        (f"Failed: {what}", *told, kept),
        f"{parts.get('next', '').strip() or 'run again with --debug'}; docs/runbook.md, exit code {exit_code}",
    )


def drop_repeated(news: Sequence[News]) -> list[News]:
    """Leave out sources that became stale where the reasons of a degraded night name them already."""
    reasons = [line for one in news if one.kind == DEGRADED for line in one.lines]
    return [
        one
        for one in news
        if one.kind != STALE or not any(line.startswith(f"{_REASON}{one.subject} ") for line in reasons)
    ]


def in_order(news: Iterable[News]) -> list[News]:
    """Return news with the weightiest first."""
    return sorted(news, key=lambda one: KINDS.index(one.kind))


def _layers(tonight: Evening, before: Standing | None) -> Iterable[News]:
    for layer, (state, steps) in tonight.standing.layers.items():
        earlier = before.layers.get(layer) if before else None
        if earlier is None or earlier == (state, steps):
            continue
        move = f"{say_state(*earlier)} → {say_state(state, steps)}"
        if earlier[0] == state == "active":
            move = f"step {earlier[1]} → {steps}"
        name = name_layer(layer)
        line = f"{name.capitalize()} {move}: {tonight.layers[layer]}"
        yield News(TRANSITION, tonight.session, f"{name} {move}", (line,), f"`alvh explain --layer {layer}`")


def _governor(tonight: Evening, before: Standing | None) -> Iterable[News]:
    mode = tonight.standing.governor_mode
    if before is None or before.governor_mode is None or mode is None or mode == before.governor_mode:
        return
    move = f"governor {before.governor_mode} → {mode}"
    line = f"{move.capitalize()}: {tonight.governor}"
    yield News(GOVERNOR, tonight.session, move, (line,), "`alvh explain`")


def _sources(tonight: Evening, before: Standing | None) -> Iterable[News]:
    if before is None:
        return
    for label in sorted(tonight.standing.unwell - before.unwell):
        sentence = tonight.unwell[label]
        yield News(
            STALE,
            tonight.session,
            sentence.partition(",")[0].partition(" (")[0],
            (f"New since {before.session}: {sentence}",),
            "docs/runbook.md, source late",
            label,
        )


def _orders(tonight: Evening) -> News:
    lines = []
    if tonight.orders:
        more = len(tonight.orders) - _SHOWN_ORDERS
        rest = f" and {more} more" if more > 0 else ""
        lines.append(f"Orders of the model account: {', '.join(tonight.orders[:_SHOWN_ORDERS])}{rest}")
    if tonight.book_orders:
        lines.append(f"Your book has {_count(tonight.book_orders, 'order')}")
    total = len(tonight.orders) + (tonight.book_orders or 0)
    shown = "`alvh positions`, `alvh book show`" if tonight.book_orders else "`alvh positions`"
    return News(ORDERS, tonight.session, _count(total, "order"), tuple(lines), shown)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
