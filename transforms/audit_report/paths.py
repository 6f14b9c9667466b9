"""Charts along time: their points, their words, and titles that say what is found.

Points are month ends. A chart has ``title``, ``description``, ``sessions`` and ``panels``; a panel has ``title``,
``style`` (``percent`` or ``usd``) and ``lines``; a line has ``label``, ``role``, ``dash`` and ``values``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from transforms.audit_report.words import PROTECTED_NAMES, say_counted, say_share, say_short_usd
from transforms.page.drawing import to_nan
from transforms.page.text import say_date

Chart = dict[str, Any]
SOLID, DASHED, DOTTED = "-", (0, (5, 1.6)), (0, (1.4, 1.6))


def build_equity_chart(record: Mapping[str, Any]) -> Chart:
    """Return cumulated P&L: the hedge and its base above, the protected portfolios alone and with it below."""
    series = record["series"]
    last = {name: _last(series[name]) for name in ("hedge", "static", "condor", "spx")}
    both = {name: _add(series[name], series["hedge"]) for name in ("condor", "spx")}
    hedge, static = _made(last["hedge"]), _made(last["static"])
    title = f"{_since(record)} the hedge {hedge} of the account, the static base alone {static}"
    words = [
        f"hedge {say_share(last['hedge'])}",
        f"static base {say_share(last['static'])}",
        *(
            f"{PROTECTED_NAMES[name]} alone {say_share(last[name])}, with the hedge {say_share(_last(both[name]))}"
            for name in both
        ),
    ]
    return {
        "title": title,
        "description": f"Cumulated P&L, % of the account, not compounded, month ends. At the end: {', '.join(words)}.",
        "sessions": _sessions(series),
        "panels": [
            {
                "title": "Hedge, cumulated P&L, % of the account",
                "style": "percent",
                "lines": [
                    _line("hedge", "portfolio", SOLID, _percent(series["hedge"])),
                    _line("static base", "temporal", DASHED, _percent(series["static"])),
                ],
            },
            {
                "title": "Portfolio, cumulated P&L, % of the account",
                "style": "percent",
                "lines": [
                    _line(f"{PROTECTED_NAMES[name]}{ending}", role, dash, _percent(values[name]))
                    for name, role in (("condor", "base"), ("spx", "temporal"))
                    for ending, dash, values in ((" alone", SOLID, series), (" + hedge", DASHED, both))
                ],
            },
        ],
    }


def build_drawdown_chart(record: Mapping[str, Any]) -> Chart:
    """Return falls from the high, with and without the hedge; the title has the daily figures."""
    series = record["series"]
    panels, said = [], []
    largest = {
        one["name"]: (one["alone"]["max_drawdown"], one["hedged"]["max_drawdown"]) for one in record["protected"]
    }
    for name, role in (("condor", "base"), ("spx", "temporal")):
        alone = compute_month_end_drawdowns(series[name])
        hedged = compute_month_end_drawdowns(_add(series[name], series["hedge"]))
        words = PROTECTED_NAMES[name]
        panels.append(
            {
                "title": f"{words[:1].upper()}{words[1:]}, below its high, %",
                "style": "percent",
                "lines": [
                    _line(f"{words} alone", role, SOLID, alone),
                    _line(f"{words} + hedge", "portfolio", DASHED, hedged),
                ],
            }
        )
        before, after = largest.get(name, (None, None))
        if before is not None and after is not None:
            said.append(f"{words} {say_share(before)} alone and {say_share(after)} with the hedge")
    title = f"Largest drawdown: {'; '.join(said)}" if said else "The largest drawdowns are not known"
    return {
        "title": title,
        "description": f"Fall below the highest level so far, per cent, month ends. {title}, by daily values.",
        "sessions": _sessions(series),
        "panels": panels,
    }


def build_funding_chart(record: Mapping[str, Any]) -> Chart:
    """Return the cost of protection beside credits, accumulated."""
    series = record["series"]
    names = (
        ("protection_cost_usd", "cost of protection", "protection", SOLID),
        ("credit_kept_usd", "credits kept", "kept", DASHED),
        ("credit_received_usd", "credits received", "received", DOTTED),
    )
    last = {name: _last(series[name]) for name, *_ in names}
    cost, kept = last["protection_cost_usd"], last["credit_kept_usd"]
    if cost is None or kept is None:
        title = "Cost of protection and credits are not known to the end"
    elif cost <= 0:
        title = (
            f"Protection gained {say_short_usd(-cost)}: nothing had to be funded; credits kept {say_short_usd(kept)}"
        )
    elif kept < 0:
        title = f"Protection cost {say_short_usd(cost)}; no credit was kept: shorts lost {say_short_usd(-kept)}"
    else:
        title = (
            f"Protection cost {say_short_usd(cost)}; credits kept {say_short_usd(kept)}, {say_share(kept / cost)} of it"
        )
    words = [f"{label} {say_short_usd(last[name])}" for name, label, *_ in names]
    return {
        "title": title,
        "description": f"Accumulated dollars, month ends. At the end: {', '.join(words)}.",
        "sessions": _sessions(series),
        "panels": [
            {
                "title": "Accumulated, $ million",
                "style": "usd",
                "lines": [
                    _line(label, role, dash, [to_nan(value) / 1e6 for value in series[name]])
                    for name, label, role, dash in names
                ],
            }
        ],
    }


def build_episode_chart(record: Mapping[str, Any]) -> Chart:
    """Return the hedge's P&L by episode, by date, with the length of each."""
    nav = record["nav_usd"]
    episodes = [
        {
            "start_date": one["start_date"],
            "sessions": one["sessions"],
            "percent": math.nan if one["pnl_usd"] is None or not nav else 100 * one["pnl_usd"] / nav,
        }
        for one in sorted(record["episodes"], key=lambda one: str(one["start_date"]))
        if one["start_date"] is not None
    ]
    known = [one["percent"] for one in episodes if not math.isnan(one["percent"])]
    if not known:
        title = "No episode of high VIX has a known P&L"
        description = title
    else:
        losses = sum(value < 0 for value in known)
        total = sum(known) / 100
        episodes_said = say_counted(len(known), "episode")
        title = f"The hedge lost in {losses} of {episodes_said}; together they {_made(total)} of NAV"
        description = (
            "P&L after costs of each episode of high VIX, % of NAV, by its first session; the larger the dot the "
            f"longer the episode. Best {say_share(max(known) / 100)}, worst {say_share(min(known) / 100)}, "
            f"longest {say_counted(max(one['sessions'] or 0 for one in episodes), 'session')}."
        )
    return {"title": title, "description": description, "episodes": episodes}


def compute_month_end_drawdowns(cumulated: Sequence[float | None]) -> list[float]:
    """Return the fall below the highest level so far, in per cent, 0 or negative, from month-end values.

    Parameters
    ----------
    cumulated
        Cumulated fractions of the account, not compounded; None where unknown.

    Returns
    -------
    list of float
        The steps between known values are compounded, as the daily drawdowns of the record are; NaN where unknown.
        Between month ends the level may have been lower.
    """
    level, high, before = 1.0, 1.0, 0.0
    falls: list[float] = []
    for value in cumulated:
        if value is None:
            falls.append(math.nan)
            continue
        level *= 1 + value - before
        before = value
        high = max(high, level)
        falls.append(100 * (level / high - 1))
    return falls


def _add(one: Sequence[float | None], other: Sequence[float | None]) -> list[float | None]:
    return [
        None if first is None or second is None else first + second for first, second in zip(one, other, strict=True)
    ]


def _percent(values: Sequence[float | None]) -> list[float]:
    return [100 * to_nan(value) for value in values]


def _last(values: Sequence[float | None]) -> float | None:
    return values[-1] if values else None


def _line(label: str, role: str, dash: Any, values: Sequence[float]) -> dict[str, Any]:
    return {"label": label, "role": role, "dash": dash, "values": list(values)}


def _sessions(series: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"trade_date": day} for day in series["trade_date"]]


def _since(record: Mapping[str, Any]) -> str:
    return f"Since {say_date(record['first_session'])}" if record["first_session"] else "Over the whole history"


def _made(value: float | None) -> str:
    if value is None:
        return "made an unknown part"
    return f"lost {say_share(-value)}" if value < 0 else f"made {say_share(value)}"
