"""The state of a home as text: one line a fact, coloured where somebody watches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flows.printing import Page, is_watched

_OUTCOMES = {"published": "green", "degraded": "yellow", "nothing_new": "dim", "running": "cyan"}
_LABEL = 13


def print_status(status: Mapping[str, Any]) -> None:
    """Print what `warehouse.status.read_status` found."""

    runs = status["last_runs"]
    if not is_watched():
        # no drawing library for plain lines
        lines = [f"{label:<{_LABEL}}{said}" for label, said, _ in list_facts(status)]
        print("\n".join([*lines, *(["", "last runs"] if runs else []), *map(_say_run, runs)]))
        return
    page = Page(is_wide=True)
    page.facts(list(list_facts(status)))
    if runs:
        page.line()
        page.line("last runs", style="bold")
        for run in runs:
            page.line(_say_run(run), style=_OUTCOMES.get(run["outcome"], "red"))
    page.close()


def _say_run(run: Mapping[str, Any]) -> str:
    code = "-" if run["exit_code"] is None else run["exit_code"]
    return f"  {run['run_id']}  {run['outcome']:<18} {code}  {run['sentence']}"


def list_facts(status: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield label, words and style of every line above the runs."""
    yield "home", status["home"], ""
    found = status["published"]
    if found is None:
        yield "published", "nothing yet", "yellow"
    else:
        yield from _list_published(found)
    holder = status["running"]
    if holder is not None:
        yield "running", _say_holder(holder), "cyan"
    left = status.get("broken_off")
    if left is not None:
        yield (
            "broken off",
            f"{_say_holder(left)}, on {left.get('host')}: it was killed; the next run cleans up",
            "yellow",
        )


def _say_holder(holder: Mapping[str, Any]) -> str:
    if not holder:
        return "a run that has not said who it is yet"
    return f"{holder.get('command', 'a run')}, process {holder.get('pid')}, since {holder.get('started_at_utc')}"


def _list_published(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    simulated = ", SIMULATED" if found["is_simulated"] else ""
    yield (
        "published",
        f"{found['session']} by run {found['run_id']}{simulated} ({found['size_bytes'] / 1e6:.1f} MB)",
        "",
    )
    if not found["code"]["is_this"]:
        yield (
            "code",
            f"built by {found['code']['built_by']}; the next night, or `alvh rebuild`, builds it anew",
            "yellow",
        )
    curve = found["curve"]
    regime = f"{curve['curve_regime'] or 'no regime'}, session {curve['days_in_regime'] or 0} of it"
    vix, front = (_text(curve[name], ".2f") for name in ("vix_close_pts", "vx1_settle_pts"))
    yield "curve", f"VIX {vix}, VX1 {front}, contango {_text(curve['contango_frac'], '+.1%')}, {regime}", ""
    layers = found["layers"]
    if layers is not None:
        states = ", ".join(f"{layer} {state}" for layer, state in layers["states"].items())
        policy = f"policy {layers['policy_name']} {(layers['policy_hash'] or '')[:12]}"
        yield "layers", f"{states}; governor {layers['governor_mode']}; {policy}" if states else "none decided", ""
    if found["funding"]:
        yield "funding", found["funding"].removeprefix("Funding, ").removesuffix("."), ""
    if found["book"] is not None:
        yield from _list_book(found["book"])
    health = found["data_health"]
    is_ok = health["status"] == "ok"
    yield (
        "data health",
        "ok" if is_ok else f"{health['status']}: " + " ".join(health["reasons"]),
        "green" if is_ok else "yellow",
    )
    checks = found["checks"]
    lines = f"{found['quarantined_lines']} source lines in quarantine or flagged"
    yield "checks", f"{checks['run']} run, {checks['warnings']} warnings; {lines}", ""
    yield "report", found["report"], ""


def _list_book(book: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    warnings, count = book["warnings"], book["order_count"]
    if book["as_of_date"] is None:
        if warnings:
            yield "book", f"none in use: {'; '.join(warnings)}", "yellow"
        return
    orders = "orders not known yet" if count is None else _count(count, "order") if count else "no order"
    warned = f"{_count(len(warnings), 'warning')}, see `alvh book show`" if warnings else "no warnings"
    yield "book", f"your account of ${book['account_nav_usd']:,.0f} as of {book['as_of_date']}; {orders}; {warned}", ""


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _text(value: float | None, style: str) -> str:
    return "not published" if value is None else format(value, style)
