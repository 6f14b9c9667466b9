"""The page of a sweep, from its record: HTML that needs nothing else, and the same as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.page.markdown import escape_markdown, format_table
from transforms.page.tables import Table, make_cell, make_column, make_row, make_table
from transforms.page.templating import draw_twice, html_templates
from transforms.sweep_report.charts import draw_decay, draw_heat_map
from transforms.sweep_report.words import say_measure, say_value

_LEVELS = ("lowest", "quartile_1", "median", "quartile_3", "highest")
_LEVEL_HEADS = ("lowest", "lower quartile", "median", "upper quartile", "highest")


def render_sweep_html(record: Mapping[str, Any]) -> str:
    """Return the page: no script, no network, light, dark and print."""
    return html_templates("transforms.sweep_report").get_template("sweep.html.j2").render(build_page(record))


def render_sweep_markdown(record: Mapping[str, Any]) -> str:
    """Return the page as Markdown; drawings are tables there."""
    page = build_page(record, has_drawings=False)
    lines = [f"# Sweep {escape_markdown(page['name'])}, to {page['as_of']}", ""]
    if page["is_simulated"]:
        lines += ["**SIMULATED market: nothing here says anything about a strategy**", ""]
    lines += [escape_markdown(page["headline"]), "", f"**{escape_markdown(page['warning'])}**", ""]
    lines += [f"- {escape_markdown(line)}" for line in page["failures"]]
    for part in page["parts"]:
        lines += ["", f"## {part['title']}", "", escape_markdown(part["what"]), ""]
        lines += [f"{escape_markdown(note)}\n" for note in part["notes"]]
        if part["map"]:
            lines += [f"### {escape_markdown(part['map']['title'])}", "", str(format_table(part["map"]["table"])), ""]
            lines += [escape_markdown(part["map"]["note"]), ""]
        if part["spread"]:
            lines += ["### All policies", "", str(format_table(part["spread"])), ""]
        if part["walk"]:
            lines += ["### What choosing the best was worth", "", escape_markdown(part["walk"]["finding"]), ""]
            if part["walk"]["table"]:
                lines += [str(format_table(part["walk"]["table"])), ""]
            lines += [f"{escape_markdown(note)}\n" for note in part["walk"]["notes"]]
    lines += ["", "## What was tried", "", str(format_table(page["axes"])), ""]
    lines += [f"{escape_markdown(line)}\n" for line in page["skipped"]]
    lines += [f"- {escape_markdown(name)}: {escape_markdown(text)}" for name, text in page["facts"]]
    return "\n".join(lines).rstrip() + "\n"


def build_page(record: Mapping[str, Any], *, has_drawings: bool = True) -> dict[str, Any]:
    """Put the record into words, tables and drawings."""
    grid, provenance = record["grid"], record["provenance"]
    parts = [_build_part(record, "published", "Published history", has_drawings)]
    if record["simulated"]:
        parts.append(_build_part(record, "simulated", "Simulated markets", has_drawings))
    failed = record["failed_chunks"]
    return {
        "name": grid["name"],
        "as_of": record["as_of"],
        "is_simulated": record["is_simulated"],
        "warning": record["warning"],
        "headline": _say_headline(record),
        "failures": [f"{note['chunk']}, tried {note['tries']} times: {note['error']}" for note in failed],
        "parts": parts,
        "axes": _make_table(
            ["number of the policy", "values"],
            [[name, ", ".join(_say_axis(value) for value in values)] for name, values in grid["axes"].items()],
            are_numbers=False,
        ),
        "skipped": [
            *([f"Constraints: {'; '.join(grid['constraints'])}."] if grid["constraints"] else []),
            *(f"{count:,} combinations left out: {reason}." for reason, count in grid["skipped"].items()),
        ],
        "facts": [
            ("base policy", f"{grid['base']}, {grid['base_policy_hash'][:12]}"),
            ("compared by", say_measure(record["objective"])),
            ("account", f"${provenance['nav_usd']:,.0f}"),
            ("sweep", record["sweep_id"]),
            ("warehouse", str(provenance["warehouse_run_id"])),
            ("repeat with", provenance["command"]),
        ],
    }


def _say_headline(record: Mapping[str, Any]) -> str:
    part, objective = record["published"], record["objective"]
    if not part["results"]:
        return f"{record['policies']:,} policies were to be tried, and none has a result."
    spread = part["spread"][objective]
    return (
        f"{part['results']:,} policies tried; {say_measure(objective)}: {say_value(objective, spread['lowest'])} "
        f"to {say_value(objective, spread['highest'])}, median {say_value(objective, spread['median'])}."
    )


def _build_part(record: Mapping[str, Any], kind: str, title: str, has_drawings: bool) -> dict[str, Any]:
    part, objective = record[kind], record["objective"]
    paths = [path for path in record["paths"] if (path["path"] == 0) == (kind == "published")]
    span = f"{paths[0]['first_session']} to {paths[0]['last_session']}"
    if kind == "published":
        what = f"One history, {span}."
    else:
        seeds = ", ".join(str(path["seed"]) for path in paths)
        what = (
            f"Made-up markets: {len(paths)}, {span}, seeds {seeds}. They show how much a map owes to the one history "
            "that happened, in a world with the properties of the simulation and no others. They are no evidence about "
            "the market, and are not pooled with the history."
        )
    notes = []
    if part["results"] and part["distinct_results"] < part["results"]:
        notes.append(
            f"Only {part['distinct_results']:,} of {part['results']:,} results differ: some numbers of the grid "
            "changed nothing here."
        )
    return {
        "title": title,
        "what": what,
        "notes": notes,
        "map": _build_map(part["map"], objective, kind, has_drawings) if part["map"] else None,
        "spread": _build_spread(part["spread"]),
        "walk": _build_walk(part["walk_forward"], objective, kind, has_drawings) if part["walk_forward"] else None,
    }


def _build_map(heat_map: Mapping[str, Any], objective: str, kind: str, has_drawings: bool) -> dict[str, Any]:
    rows, columns = heat_map["rows"], heat_map["columns"]
    title = f"{say_measure(objective)[:1].upper()}{say_measure(objective)[1:]}, by {rows['name']} and {columns['name']}"
    counts = [cell["results"] for line in heat_map["cells"] for cell in line if cell["results"]]
    made: dict[str, Any] = {
        "title": title,
        "note": f"Each cell is the median over everything else that was tried, {min(counts, default=0):,} to "
        f"{max(counts, default=0):,} results. Blue above zero, red below, deeper the further away. A cell with "
        "none has no policy.",
        "table": _make_table(
            [rows["name"], *(_say_axis(value) for value in columns["values"])],
            [
                [
                    _say_axis(value),
                    *("none" if c["median"] is None else say_value(objective, c["median"]) for c in line),
                ]
                for value, line in zip(rows["values"], heat_map["cells"], strict=True)
            ],
        ),
    }
    if has_drawings:
        made |= draw_twice(draw_heat_map, {**heat_map, "title": title}, f"map-{kind}")
    return made


def _build_spread(spread: Mapping[str, Any]) -> dict[str, Any] | None:
    if not spread:
        return None
    return _make_table(
        ["", *_LEVEL_HEADS],
        [
            [say_measure(name), *(say_value(name, levels[level]) for level in _LEVELS)]
            for name, levels in spread.items()
        ],
    )


def _build_walk(walks: Sequence[Mapping[str, Any]], objective: str, kind: str, has_drawings: bool) -> dict[str, Any]:
    told = [walk for walk in walks if walk["cuts"]]
    if not told:
        return {"finding": f"Not testable: {walks[0]['note']}.", "chart": None, "table": None, "notes": []}
    if len(walks) > 1:
        return _build_walks(walks)
    walk = told[0]
    table = _make_table(
        [
            *("chosen on years to", "winner then", "winner after", "middle after", "share below winner after"),
            *("rank correlation", "tied"),
        ],
        [
            [
                str(cut["chosen_to"]),
                *(say_value(objective, cut[name]) for name in ("best_inside", "best_outside", "median_outside")),
                say_value("below_frac", cut["below_frac"]),
                say_value("rank", cut["rank_correlation"]),
                "0" if cut["tied"] is None else f"{cut['tied']:,}",
            ]
            for cut in walk["cuts"]
        ],
    )
    made: dict[str, Any] = {
        "finding": _say_finding(walk),
        "chart": None,
        "table": table,
        "notes": [
            (
                f"Compared by {say_measure(objective)}. The winner is chosen on all years up to the one named and "
                "judged on all years after; policies that the past could not tell apart count as one, with their "
                "median. A rank correlation of 1 means that the order of the past lasted, 0 that it said nothing, -1 "
                "that it turned round."
            ),
        ],
    }
    if has_drawings:
        title = "The winner of the past, then and afterwards"
        made["chart"] = draw_twice(draw_decay, {**walk, "title": title}, f"decay-{kind}", objective=objective)
    return made


def _build_walks(walks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several simulated markets: a line each."""
    rows = [
        [
            f"path {walk['path']}",
            f"{walk['next_years_above_median']} of {walk['choices']}",
            say_value("next_frac", walk["next_year_chosen_frac"]),
            say_value("next_frac", walk["next_year_median_frac"]),
            say_value("rank", walk["rank_correlation_median"]),
        ]
        for walk in walks
    ]
    better = sum(
        (walk["next_year_chosen_frac"] or 0) > (walk["next_year_median_frac"] or 0) for walk in walks if walk["choices"]
    )
    return {
        "finding": f"In {better} of {len(walks)} markets the winners of the past beat the policy in the middle "
        "in the year after, on average.",
        "chart": None,
        "table": _make_table(
            ["", "years after above the middle", "winner, a year", "middle, a year", "rank correlation"], rows
        ),
        "notes": [],
    }


def _say_finding(walk: Mapping[str, Any]) -> str:
    if not walk["choices"]:
        return "No choice could be judged on the year after."
    correlation = walk["rank_correlation_median"]
    order = "not defined" if correlation is None else say_value("rank", correlation)
    return (
        "In the year after, the winner of the past was above the policy in the middle "
        f"{walk['next_years_above_median']} times of {walk['choices']}: "
        f"{say_value('next_frac', walk['next_year_chosen_frac'])} of the account against "
        f"{say_value('next_frac', walk['next_year_median_frac'])} on average. Rank correlation of past and following "
        f"years: {order} in the median."
    )


def _say_axis(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _make_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, are_numbers: bool = True) -> Table:
    """Return a table of texts: a name in the first column, numbers in the others."""
    return make_table(
        [make_column(name, is_number=are_numbers and place > 0) for place, name in enumerate(columns)],
        [make_row(*(make_cell(text) for text in row)) for row in rows],
        [],
    )
