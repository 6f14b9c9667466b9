"""Tables of what was tried: trials with their tests, comparators, protected portfolios, and the test of a delay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.audit_report.cells import build_table, count, decimal, dollars, number, probability, share, words
from transforms.audit_report.words import (
    PROTECTED_NAMES,
    say_counted,
    say_decimal,
    say_interval,
    say_p,
    say_share,
)
from transforms.page.tables import Cell, Column, Table, make_column
from transforms.page.text import say_date

FAMILY_LEVEL = 0.05
"""Both tests of the family must be below it: ``transforms.audit.trials``."""


def tabulate_trials(record: Mapping[str, Any]) -> Table:
    """Return every trial with its mean, its test, and what is left of it after correcting for all the others."""
    columns = [
        make_column("Trial"),
        make_column("Priced"),
        number("Mean", "% a year", terse="Mean/yr"),
        number("Sharpe", "a year"),
        number("t", "Newey-West"),
        number("p", "one-sided"),
        number("p, Holm", terse="p Holm"),
        number("p, FDR", terse="p FDR"),
        number("Prob. Sharpe", "above 0"),
        number("Deflated", "Sharpe", terse="Deflated"),
    ]
    rows = [
        (
            words(one["trial"], note=_join(one["what"], one["note"])),
            words(one["label"]),
            share(one["mean_year"]),
            decimal(one["sharpe_year"]),
            decimal(one["t"]),
            probability(one["p"]),
            probability(one["p_holm"]),
            probability(one["p_fdr"]),
            probability(one["probabilistic_sharpe"]),
            probability(one["deflated_sharpe"]),
        )
        for one in record["trials"]
    ]
    note = (
        "Tested against doing nothing. Holm: chance of one false discovery among all trials; FDR: share of false ones "
        "among the discoveries. Prob. Sharpe: probability that the true ratio is above 0; deflated: above the largest "
        "that so many worthless trials would show."
    )
    return build_table(columns, rows, notes=[note], narrow=(0, 2, 3, 4, 6, 9))


def say_family(record: Mapping[str, Any]) -> list[str]:
    """Return what the best of all trials is worth, in sentences made from its own numbers."""
    family = record["family"]
    best = next((one for one in record["trials"] if one["trial"] == family["best"]), None)
    if best is None:
        return [f"{say_counted(family['trials'], 'trial')} and no best one{_note(family)}."]
    count_of = say_counted(family["trials"], "trial")
    tests = f"reality check p {say_p(family['p_reality_check'])}, SPA p {say_p(family['p_spa'])}"
    said = [
        f"The best of {count_of} is {best['trial']} ({best['what']}): {tests}{_note(family)}.",
        f"{_say_significance(family)} Picking the best one is overfitting, and the test is against doing nothing.",
    ]
    risk = _say_risk(record, best["trial"])
    if risk:
        said.append(risk)
    judged = next((one for one in record["trials"] if one["trial"] == record["policy"]), None)
    if judged is not None:
        place = _place(record["trials"], judged)
        where = "" if place is None else f", place {place} of {len(record['trials'])} by mean"
        said.append(
            f"The policy judged here, {judged['trial']}, made {say_share(judged['mean_year'])} of NAV a year{where}; "
            f"one-sided p {say_p(judged['p'])}."
        )
    return said


def tabulate_returns(record: Mapping[str, Any]) -> Table:
    """Return gains and falls of every trial on the account."""
    columns = [make_column("Trial"), make_column("Priced"), *_RETURN_COLUMNS]
    rows = [
        (words(one["name"], note=one["note"] or ""), words(one["label"]), *_returns(one))
        for one in record["comparators"]
    ]
    return build_table(columns, rows, narrow=(0, 2, 4, 5, 7))


def tabulate_hedging(record: Mapping[str, Any]) -> Table:
    """Return what every trial costs, and what it paid on the protected portfolio's worst sessions."""
    columns = [
        make_column("Trial"),
        number("Cost a year", "% of NAV", terse="Cost/yr"),
        number("Protection", "% of NAV"),
        number("Protection", "per cost", terse="per cost"),
        number("Beta", "S&P 500"),
        number("Hit rate"),
        number("CVaR 99", "a session"),
        number("Costs of trading", "$", terse="Trading $"),
    ]
    rows = [
        (
            words(one["name"]),
            share(one["cost_year"]),
            share(one["protection"]),
            decimal(one["protection_per_cost"]),
            decimal(one["beta_spx"]),
            share(one["hit_rate"]),
            share(one["cvar_99"]),
            dollars(one["cost_usd"]),
        )
        for one in record["comparators"]
    ]
    note = (
        "Cost a year is the mean with its sign turned: negative is a gain. Protection is the P&L summed over the "
        "condor's worst 5% of sessions; negative protection loses when the portfolio does. Per cost: over the net loss "
        "on all other sessions; none where they gained."
    )
    return build_table(columns, rows, notes=[note], narrow=(0, 1, 2, 3, 4))


def tabulate_protected(record: Mapping[str, Any]) -> Table:
    """Return the protected portfolios alone and with the hedge."""
    columns = [make_column("Portfolio"), number("Sessions"), *_RETURN_COLUMNS, number("Worst session")]
    rows: list[tuple[Cell, ...]] = []
    for one in record["protected"]:
        name = PROTECTED_NAMES.get(one["name"], one["name"])
        for words_of, key in ((f"{name} alone", "alone"), (f"{name} with the hedge", "hedged")):
            found = one[key]
            worst = found["worst_days"][0] if found["worst_days"] else {"return_frac": None, "trade_date": None}
            rows.append(
                (
                    words(words_of, note=found["note"] or ""),
                    count(found["sessions"]),
                    *_returns(found),
                    share(worst["return_frac"], note=say_date(worst["trade_date"]) if worst["trade_date"] else ""),
                )
            )
    notes = [
        "On sessions on which both are known. The condor is model-priced, before costs; the S&P 500 without dividends."
    ]
    return build_table(columns, rows, notes=notes, narrow=(0, 2, 3, 4, 5, 7))


def tabulate_delay(record: Mapping[str, Any]) -> Table:
    """Return every trial beside itself with each decision a session later."""
    columns = [
        make_column("Trial"),
        number("As decided", "% a year"),
        number("A session later", "% a year", terse="Later"),
        number("t", "of the difference"),
        make_column("Lives on haste"),
    ]
    rows = [
        (
            words(one["trial"]),
            share(one["mean_year_frac"]),
            share(one["delayed_mean_year_frac"]),
            decimal(one["difference_t"]),
            words("yes, suspicious" if one["is_suspicious"] else "no", tone="bad" if one["is_suspicious"] else ""),
        )
        for one in record["lag"]
    ]
    return build_table(columns, rows)


def say_delay(record: Mapping[str, Any]) -> str:
    """Return whether any trial's gain lives on one session."""
    caught = [one["trial"] for one in record["lag"] if one["is_suspicious"]]
    tested = say_counted(len(record["lag"]), "trial")
    if not record["lag"]:
        return "No trial decides on signals: there is nothing to delay."
    if caught:
        return f"Of {tested}, {', '.join(caught)} lost most of the gain to one session of delay: not to be trusted."
    return (
        f"None of {tested} gains and then loses half of the gain or more to one session of delay: no sign of a look "
        "ahead. A trial that loses anyway cannot be caught this way."
    )


_RETURN_COLUMNS: Sequence[Column] = (
    number("Mean", "% a year", terse="Mean/yr"),
    number("CAGR"),
    number("Volatility"),
    number("Sharpe", "80% interval"),
    number("Sortino"),
    number("Drawdown", "largest"),
    number("Drawdown", "mean"),
    number("CVaR 95", "a session"),
)


def _returns(one: Mapping[str, Any]) -> tuple[Cell, ...]:
    is_known = one["sharpe_low"] is not None or one["sharpe_high"] is not None
    return (
        share(_mean(one)),
        share(one["cagr"]),
        share(one["volatility"]),
        decimal(one["sharpe"], note=say_interval(one["sharpe_low"], one["sharpe_high"], "ratio") if is_known else ""),
        decimal(one["sortino"]),
        share(one["max_drawdown"]),
        share(one["average_drawdown"]),
        share(one["cvar_95"]),
    )


def _mean(one: Mapping[str, Any]) -> float | None:
    return None if one["cost_year"] is None else -float(one["cost_year"])


def _say_significance(family: Mapping[str, Any]) -> str:
    expected = family["expected_largest_sharpe_year"]
    luck = (
        ""
        if expected is None
        else f"; the best of so many worthless ones would show a Sharpe of {say_decimal(expected)}"
    )
    if family["is_significant"]:
        return f"Both tests of the family are below {FAMILY_LEVEL:.0%}{luck}."
    return f"The tests of the family are not both below {FAMILY_LEVEL:.0%}: the best may be luck{luck}."


def _say_risk(record: Mapping[str, Any], name: str) -> str:
    found = next((one for one in record["comparators"] if one["name"] == name), None)
    if found is None or found["max_drawdown"] is None:
        return ""
    made = f"made {say_share(_mean(found))} of NAV a year, Sharpe {say_decimal(found['sharpe'])}"
    said = f"{name} {made}, with a drawdown of {say_share(found['max_drawdown'])}"
    protection = found["protection"]
    if protection is None:
        return f"{said}."
    if protection < 0:
        return (
            f"{said}, and lost {say_share(-protection)} of NAV in sum on the condor's worst 5% of sessions: it is paid "
            "for the risk that a hedge is bought against, a short-volatility strategy and no hedge."
        )
    return f"{said}, and paid {say_share(protection)} of NAV, summed, on the condor's worst 5% of sessions."


def _place(trials: Sequence[Mapping[str, Any]], judged: Mapping[str, Any]) -> int | None:
    if judged["mean_year"] is None:
        return None
    better = [one for one in trials if one["mean_year"] is not None and one["mean_year"] > judged["mean_year"]]
    return 1 + len(better)


def _note(family: Mapping[str, Any]) -> str:
    return f" ({family['note']})" if family["note"] else ""


def _join(*texts: str | None) -> str:
    return "; ".join(text for text in texts if text)
