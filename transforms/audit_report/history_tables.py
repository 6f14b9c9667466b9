"""Tables of when it happened: slices, crises, what motion and governor are worth, calm years, episodes, carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.audit_report.cells import (
    build_table,
    count,
    day,
    decimal,
    dollars,
    interval,
    measured,
    number,
    share,
    words,
)
from transforms.audit_report.words import (
    LAYER_NAMES,
    READING_NAMES,
    VERDICT_TONES,
    say_counted,
    say_interval,
    say_share,
    say_verdict,
)
from transforms.page.tables import Cell, Table, make_column
from transforms.page.text import MISSING, say_date, say_level, say_number

CRISIS_GROUPS = ("crisis", "without crisis")
_ALL = "all"


def tabulate_slices(record: Mapping[str, Any]) -> Table:
    """Return the slices by group, the layers side by side; crises have a table of their own."""
    layers = list(dict.fromkeys(one["layer"] for one in record["slices"]))
    by_place: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for one in record["slices"]:
        if one["slice_group"] not in CRISIS_GROUPS:
            by_place.setdefault((one["slice_group"], one["slice"]), {})[one["layer"]] = one
    columns = [make_column("Slice"), number("Sessions"), number("Months")]
    for layer in layers:
        name = LAYER_NAMES.get(layer, layer)
        name = f"{name[:1].upper()}{name[1:]}"
        columns += [
            number(name, "P&L, % of NAV", terse=f"{name}"),
            number("Mean a year", "80% interval", terse="Mean/yr"),
        ]
    rows, groups = [], []
    for (group, name), found in by_place.items():
        first = next(iter(found.values()))
        cells = [words(say_slice(name)), count(first["sessions"]), count(first["months"])]
        for layer in layers:
            cells += _pnl_and_mean(found.get(layer), record)
        rows.append(cells)
        groups.append(group)
    return build_table(columns, rows, groups=groups, narrow=(0, 1, *range(3, len(columns))))


def tabulate_crises(record: Mapping[str, Any]) -> Table:
    """Return each crisis: what the hedge made in it, a year without it, and the verdicts without it."""
    verdicts = {one["without"]: one["verdicts"] for one in record["without_crises"]}
    ids = list(dict.fromkeys(name for one in verdicts.values() for name in one))
    chosen = [one for one in record["slices"] if one["layer"] == "portfolio"]
    inside = {one["slice"]: one for one in chosen if one["slice_group"] == "crisis"}
    outside = {one["slice"]: one for one in chosen if one["slice_group"] == "without crisis"}
    columns = [
        make_column("Crisis"),
        number("Sessions", "in it"),
        number("P&L in it", "% of NAV", terse="P&L in it"),
        number("Mean a year without it", "80% interval", terse="Mean without"),
        *(make_column(name, "without it") for name in ids),
    ]
    rows = []
    names = dict.fromkeys([*inside, *outside, *verdicts]) if inside or verdicts else ()
    for name in names:
        found, rest = inside.get(name), outside.get(name)
        said = verdicts.get(name, {})
        rows.append(
            [
                words(say_slice(name)),
                count(None if found is None else found["sessions"]),
                _of_nav(found, record),
                _mean(rest),
                *(
                    words(say_verdict(said[one]), tone=VERDICT_TONES.get(said[one], "quiet"))
                    if one in said
                    else words(None)
                    for one in ids
                ),
            ]
        )
    return build_table(columns, rows)


def say_crises(record: Mapping[str, Any]) -> str:
    """Return whether a verdict hangs on one crisis."""
    if not record["without_crises"]:
        return (
            "A made-up market has no crises of its own." if record["is_simulated"] else "No crisis is in this history."
        )
    main = {one["id"]: one["verdict"] for one in record["hypotheses"]}
    turned = [
        f"{name} {say_verdict(verdict)} without {one['without']}"
        for one in record["without_crises"]
        for name, verdict in one["verdicts"].items()
        if verdict != main.get(name)
    ]
    if not turned:
        crises = say_counted(len(record["without_crises"]), "crisis", "crises")
        return f"No verdict changes when any one of {crises} is left out."
    return f"Hangs on one crisis: {'; '.join(turned)}."


def tabulate_differences(record: Mapping[str, Any]) -> Table:
    """Return what motion is worth, and what the governor is worth, by slice."""
    pairs = (record["adaptive_or_static"], record["governor"])
    columns = [make_column("Slice"), number("Sessions")]
    for one in pairs:
        what = one["what"] or MISSING
        columns += [
            number(f"{what[:1].upper()}{what[1:]}", "P&L, % of NAV", terse=what),
            number("Mean a year", "80% interval", terse="Mean/yr"),
        ]
    found: dict[tuple[str, str], list[Mapping[str, Any] | None]] = {}
    for place, one in enumerate(pairs):
        for part in one["slices"]:
            found.setdefault((part["slice_group"], part["slice"]), [None, None])[place] = part
    rows, groups = [], []
    order = list(dict.fromkeys(group for group, _ in found))
    for (group, name), parts in sorted(found.items(), key=lambda entry: order.index(entry[0][0])):
        first = next(part for part in parts if part is not None)
        cells = [words(say_slice(name)), count(first["sessions"])]
        for part in parts:
            cells += _pnl_and_mean(part, record)
        rows.append(cells)
        groups.append(group)
    return build_table(columns, rows, groups=groups)


def say_difference(difference: Mapping[str, Any], what: str) -> str:
    """Return what one policy makes beyond the other over the whole history, and whether that could be chance."""
    whole = next((one for one in difference["slices"] if one["slice_group"] == _ALL), None)
    if whole is None or whole["mean_frac_year"] is None:
        return f"What {what} is worth cannot be told."
    low, high = whole["interval_low"], whole["interval_high"]
    if low is None or high is None:
        told = "without an interval"
    elif low > 0 or high < 0:
        told = f"80% interval {say_interval(low, high)}"
    else:
        told = f"80% interval {say_interval(low, high)}, which holds 0"
    verb = "added" if whole["mean_frac_year"] >= 0 else "cost"
    verb = verb if whole["mean_frac_year"] else "changed"
    return f"{what[:1].upper()}{what[1:]} {verb} {say_share(abs(whole['mean_frac_year']))} of NAV a year ({told})."


def tabulate_years(record: Mapping[str, Any]) -> Table:
    """Return every year: was it calm, what the base lost, what the whole policy made."""
    judged = next((one for one in record["comparators"] if one["name"] == record["policy"]), None)
    years = {} if judged is None else judged["years"]
    columns = [
        make_column("Year"),
        number("Sessions"),
        number("High VIX", "% of sessions"),
        number("Base held", "% of sessions", terse="Held"),
        number("Base lost", "% of NAV"),
        number("Policy made", "% of NAV"),
        make_column("Calm"),
    ]
    rows = [
        (
            words(one["year"]),
            count(one["sessions"]),
            share(one["high_vix_frac"]),
            share(one["held_frac"]),
            share(one["net_loss_frac"]),
            share(years.get(str(one["year"]))),
            words("yes" if one["is_calm"] else one["why"] or "no", tone="" if one["is_calm"] else "quiet"),
        )
        for one in record["calm_years"]
    ]
    return build_table(columns, rows)


def tabulate_episodes(record: Mapping[str, Any]) -> Table:
    """Return every run of high VIX closes with the hedge's P&L."""
    columns = [
        make_column("Start"),
        make_column("End"),
        number("Sessions"),
        number("VIX peak", "points"),
        number("P&L", "$"),
        number("P&L", "% of NAV", terse="% NAV"),
        number("Same close", "$, not tradable", terse="Same close"),
    ]
    rows: list[tuple[Cell, ...]] = []
    for one in record["episodes"]:
        nav = record["nav_usd"]
        of_nav = None if one["pnl_usd"] is None or not nav else one["pnl_usd"] / nav
        missing = f"{say_counted(one['missing_sessions'], 'session')} without VIX" if one["missing_sessions"] else ""
        rows.append(
            (
                day(one["start_date"]),
                words(say_date(one["end_date"]), note="still open" if one["is_open"] else ""),
                count(one["sessions"], note=missing),
                decimal(one["peak_vix_pts"], note=say_date(one["peak_date"]) if one["peak_date"] else ""),
                dollars(one["pnl_usd"]),
                share(of_nav),
                dollars(one["pnl_same_close_usd"]),
            )
        )
    note = (
        "P&L of the sessions after a close in the episode. Same close counts the jump into it as well, which nobody "
        "deciding at a close can have: for comparison only."
    )
    return build_table(columns, rows, notes=[note], narrow=(0, 1, 2, 3, 5))


def tabulate_carry(record: Mapping[str, Any]) -> Table:
    """Return points a session for one second-month future sold, by reading, threshold, alignment and start."""
    columns = [
        make_column("Reading"),
        number("VIX from"),
        number("Sessions"),
        number("Episodes"),
        number("Mean", "points a session"),
        number("80% interval", "points"),
        number("95% interval", "points"),
        number("Hit rate"),
    ]
    rows = [
        (
            words(READING_NAMES.get(one["reading"], one["reading"]), note=one["note"] or ""),
            words(say_number(one["vix_from_pts"], "count")),
            count(one["sessions"]),
            count(one["episodes"]),
            measured(one["mean_pts"], "points"),
            interval(one, unit="points"),
            interval(one, ending="_95", unit="points"),
            share(one["hit_rate"]),
        )
        for one in record["carry_points"]
    ]
    groups = [f"Since {say_date(one['since'])}, {say_alignment(one['alignment'])}" for one in record["carry_points"]]
    return build_table(columns, rows, groups=groups, narrow=(0, 1, 2, 4, 5))


def say_alignment(alignment: str) -> str:
    """Return how a session is assigned to a state, in words."""
    known = {"close_before": "decided at the close before", "same_close": "by the session's own close, not tradable"}
    return known.get(alignment, alignment)


def say_slice(name: str) -> str:
    """Return a slice in words: a bucket of the VIX as ``15–20``."""
    if name == "any of them":
        return "all of them"
    return say_level(name) if name[:1] in "<>" or (name[:1].isdigit() and len(name) < 8) else name


def list_thin(slices: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the slices that are too thin for a mean to be read as one."""
    return [one for one in slices if not one["is_enough"]]


def _pnl_and_mean(one: Mapping[str, Any] | None, record: Mapping[str, Any]) -> list[Cell]:
    return [_of_nav(one, record), _mean(one)]


def _of_nav(one: Mapping[str, Any] | None, record: Mapping[str, Any]) -> Cell:
    if one is None or one["pnl_usd"] is None or not record["nav_usd"]:
        return share(None)
    return share(one["pnl_usd"] / record["nav_usd"])


def _mean(one: Mapping[str, Any] | None) -> Cell:
    """Return the yearly mean; of a slice that is too thin the reason instead: a few sessions are no year."""
    if one is None:
        return share(None)
    if not one["is_enough"]:
        return share(None, note=one["note"] or "too few")
    low, high = one["interval_low"], one["interval_high"]
    return share(one["mean_frac_year"], note="" if low is None and high is None else say_interval(low, high))
