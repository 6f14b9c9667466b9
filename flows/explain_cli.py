"""``alvh explain``: why every layer stands where it stands, and what would move it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from flows.command_line import AsOfOption, DebugOption, HomeOption, JsonOption, reports_errors, unknown_name
from flows.completion import LAYER_NAMES, complete_parts
from flows.homes import home_to_read
from flows.printing import Page, print_json

PARTS = (*LAYER_NAMES, "governor")
_STYLES = {
    "active": "green", "armed": "yellow", "blocked": "red", "idle": "dim",
    "promoter": "green", "steward": "yellow",
    "true": "green", "false": "dim", "not evaluable": "magenta",
}  # fmt: skip


@reports_errors
def explain(
    as_of: AsOfOption = None,
    layer: Annotated[
        str | None,
        typer.Option(
            "--layer",
            help="One part only: base, temporal_vega, second_engine or governor.",
            autocompletion=complete_parts,
        ),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Say why each layer is in its state, and what would move it.

    Clause by clause, with what would have to change for the next transition; the governor; the other readings.

    \b
    Examples:
      alvh explain
      alvh explain --as-of 2020-03-16 --layer temporal_vega
      alvh explain --json
    """
    from transforms.explain.build import build_explanation
    from warehouse.explain_data import read_explain_facts
    from warehouse.query import open_published
    from warehouse.report_data import latest_session, require_session

    if layer is not None and layer not in PARTS:
        raise unknown_name("layer", layer, PARTS)
    with open_published(home_to_read(home)) as connection:
        day = as_of.date() if as_of else latest_session(connection)
        require_session(connection, day)
        explanation = build_explanation(read_explain_facts(connection, day))
    if as_json:
        print_json(choose_part(explanation, layer))
        return
    print_explanation(explanation, layer)


def choose_part(explanation: Mapping[str, Any], layer: str | None) -> dict[str, Any]:
    """Return the explanation, or what of it belongs to one layer."""
    if layer is None:
        return dict(explanation)
    return {
        **explanation,
        "layers": [one for one in explanation["layers"] if one["layer"] == layer],
        "transitions": [one for one in explanation["transitions"] if one["layer"] == layer],
        "last_transitions": [one for one in explanation["last_transitions"] if one["layer"] == layer],
    }


def print_explanation(explanation: Mapping[str, Any], layer: str | None) -> None:
    """Print an explanation in at most 100 columns; no colours and no rules where nobody sees them."""
    from rich.text import Text

    page = Page()
    line = page.line

    def table(rows: Sequence[Sequence[str]], *columns: str, styled: int | None = None) -> None:
        page.table(rows, *columns, styled=styled, styles=_STYLES, whole=("session", "from", "to", "rule", ""))

    if explanation["is_simulated"]:
        line(Text("SIMULATED market: none of these numbers is a market price", style="bold reverse"))
    line(Text(f"{explanation['as_of']}  {explanation['sentence']}", style="bold"))
    policy = explanation["policy"]
    since = f", in force from {policy['effective_from']}" if policy["effective_from"] else ""
    line(Text(f"Policy {policy['name']}, {policy['hash'][:12]}{since}.", style="dim"))
    for one in explanation["layers"]:
        if layer not in (None, one["layer"]):
            continue
        line("")
        for text in _head(one, explanation["model_nav_usd"]):
            line(text)
        if one["clauses"]:
            table(list(_clause_rows(one["clauses"])), "rule", "condition", "tonight", "", "threshold", styled=3)
        _print_outlook(one, line)
        moves = [move for move in explanation["last_transitions"] if move["layer"] == one["layer"]]
        if moves:
            line(Text("last transitions", style="bold"), 2)
            table([_move(move) for move in moves], "session", "from", "to", "why", styled=2)
        else:
            line("no transition yet", 2)
    if layer in (None, "governor"):
        line("")
        governor = explanation["governor"]
        held = f": {governor['held_text']}" if governor["held_text"] else ", no guard holds"
        line(
            Text.assemble(
                ("GOVERNOR  ", "bold"),
                (governor["mode"], _STYLES[governor["mode"]]),
                f" since {_since(governor)}{held}",
            )
        )
        table(list(_clause_rows(governor["guards"])), "guard", "condition", "tonight", "", "threshold", styled=3)
        for guard in governor["guards"]:
            if guard["note"]:
                line(Text(f"{guard['rule']}: {guard['note']}", style="dim"), 2)
    if layer is None:
        line("")
        line(Text("READINGS AND PRESETS", style="bold"))
        line(explanation["comparison"]["sentence"])
        table(
            [_variant(one) for one in explanation["comparison"]["variants"]],
            "", "base", "temporal vega", "second engine", "governor", "",
        )  # fmt: skip
    page.close()


def _head(one: Mapping[str, Any], nav: float | None) -> Iterator[Any]:
    from rich.text import Text

    steps = f", {one['step_count']} of {one['max_steps']} steps" if one["max_steps"] is not None else ""
    name = one["layer"].replace("_", " ").upper()
    yield Text.assemble((f"{name}  ", "bold"), (one["state"], _STYLES[one["state"]]), f" since {_since(one)}{steps}")
    account = f" on a model account of ${nav:,.0f}" if nav and one["target"]["target_contracts"] else ""
    yield Text(f"  target  {one['target_text']}{account}")
    stale = " (an input is stale or absent)" if one["is_stale"] else ""
    yield Text(f"  why     {one['reason'].partition(': ')[2]}{stale}")


def _since(one: Mapping[str, Any]) -> str:
    count = one["sessions_in_state"]
    return f"{one['since']} ({count:,} session{'' if count == 1 else 's'})"


def _clause_rows(clauses: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """One row a clause; a clause of several conditions has a row for each of them below it."""
    for clause in clauses:
        terms = clause["terms"]
        truth = _say_truth(clause["truth"]) if clause.get("is_counted", True) else "not counted"
        if len(terms) > 1:
            whole = "all of" if clause["joined"] == "and" else "any of"
            yield (clause["rule"], whole, "", truth, clause["threshold_provenance"])
            for term in terms:
                yield ("", f"  {term['shown']}", term["values_text"], f"  {_say_truth(term['truth'])}", "")
        else:
            shown, said = (terms[0]["shown"], terms[0]["values_text"]) if terms else (clause["condition"], "")
            said = said or clause["values_text"]
            yield (clause["rule"], shown, said, truth, clause["threshold_provenance"])


def _say_truth(truth: bool | None) -> str:
    return "not evaluable" if truth is None else "true" if truth else "false"


def _print_outlook(one: Mapping[str, Any], line: Any) -> None:
    from rich.text import Text

    if not one["next"]:
        return
    line(Text("what would change", style="bold"), 2)
    for move in one["next"]:
        line(Text(f"{move['what']}:"), 4)
        for need in move["needs"]:
            mark = {True: "+", False: "-", None: "?"}[need["is_met"]]
            style = {True: "green", False: "", None: "magenta"}[need["is_met"]]
            line(Text(f"{mark} {need['text']}", style=style), 6)


def _move(move: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        move["trade_date"],
        move["from_state"],
        move["to_state"],
        move["reason"].partition(": ")[2] or move["reason"],
    )


def _variant(one: Mapping[str, Any]) -> tuple[str, ...]:
    layers = one["layers"]

    def say(name: str) -> str:
        entry = layers.get(name)
        if entry is None:
            return "-"
        steps = f" {entry['step_count']}" if name == "temporal_vega" and entry["step_count"] else ""
        return f"{entry['state']}{steps}"

    return (
        one["variant"].replace(":", " ").replace("_", " "),
        *(say(name) for name in PARTS[:3]),
        one["governor_mode"],
        "as tonight" if one["is_same"] else "",
    )
