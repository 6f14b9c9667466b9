"""Rules and DuckDB: parsing expressions, and evaluating the rules of many policies over the signals.

DuckDB parses what the user wrote (``json_serialize_sql``, which binds and runs nothing) and runs what
``transforms.policy.expression`` writes from the tree. Between the two stands the list of what is allowed.
"""

from __future__ import annotations

import atexit
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from transforms.errors import PolicyError
from transforms.policy.expression import Node, format_number, parse_tree, render_sql
from transforms.policy.loader import preset_text, read_policy
from transforms.policy.model import GUARDS, ROLES, Policy, Rule
from transforms.policy.on_data import LEAST_SESSIONS, RuleCount, count_rules
from transforms.policy.tokens import tokenise
from transforms.registry import ColumnInfo
from warehouse.models import SQL_FOLDER, load_columns

SIGNALS = "mart.daily_signals"
TRUE, FALSE, UNKNOWN = 1, 0, -1
"""The three truths, as ``int8``. UNKNOWN: a value the rule needs is missing, so it is not evaluable."""
_EXPRESSIONS_A_QUERY = 200

Truth = NDArray[np.int8]


@dataclass(frozen=True)
class Truths:
    """The truths of every rule of some policies, one element a session in the order of ``trade_dates``."""

    trade_dates: NDArray[np.datetime64]
    by_sql: Mapping[str, Truth]

    def of(self, policy: Policy, layer: str, role: str) -> Truth | None:
        """Return the truths of a rule, or None where the policy has no such rule.

        Returns
        -------
        numpy.ndarray of int8, shape (sessions,), read-only
            1 true, 0 false, -1 not evaluable.
        """
        rule = policy.rule(layer, role)
        return None if rule is None else self.of_rule(policy, rule)

    def of_rule(self, policy: Policy, rule: Rule) -> Truth:
        """Return the truths of a rule of a policy.

        Raises
        ------
        LookupError
            If the policy was not among those evaluated.
        """
        sql = rule_sql(policy, rule)
        if sql not in self.by_sql:
            raise LookupError(f"{rule.name} of the policy {policy.name} was not evaluated with these values")
        return self.by_sql[sql]

    def guards(self, policy: Policy) -> Truth:
        """Return the guards as one: 1 where any holds, else -1 where any is not evaluable, else 0."""
        found = [self.of_rule(policy, rule) for rule in policy.guards]
        return join_guards(found) if found else np.zeros(len(self.trade_dates), dtype=np.int8)


def join_guards(truths: Sequence[Truth]) -> Truth:
    """Join at least one guard: 1 where any holds, else -1 where any is not evaluable, else 0."""
    stacked = np.stack(truths)
    joined: Truth = np.where((stacked == TRUE).any(axis=0), TRUE, stacked.min(axis=0)).astype(np.int8)
    return joined


@lru_cache(maxsize=1)
def _parser() -> duckdb.DuckDBPyConnection:
    """An empty database that only parses, and could not reach a file if it were asked to."""
    return duckdb.connect(config={"enable_external_access": False})


# A connection still open when the interpreter ends makes DuckDB's bindings complain on stderr.
atexit.register(_parser.cache_clear)


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Node:
    """Parse one expression.

    Parameters
    ----------
    text
        A rule's expression; names are not looked up here.

    Raises
    ------
    PolicyError
        If it is not a single expression made of the allowed parts.
    """
    tokenise(text)  # length, nesting, letters: before a parser sees it
    row = _parser().cursor().execute("select json_serialize_sql(?::varchar)", [f"select (\n{text}\n)"]).fetchone()
    assert row is not None
    try:
        answer: dict[str, Any] = json.loads(row[0])
        if answer["error"]:
            raise PolicyError(
                "the expression cannot be read",
                found=f"{text}: {answer.get('error_message', 'no reason given')}",
                expected="one condition, such as vix_close_pts >= $arm_vix_pts",
                next_step="mend the expression",
            )
        return parse_tree(_only_expression(answer))
    except RecursionError:  # a long chain of signs nests as deep as it is long
        raise PolicyError(
            "the expression is too deep to be read by anyone",
            found=f"{len(text)} characters",
            expected="a few conditions joined by AND and OR",
            next_step="split the rule, or compute the signal as a column",
        ) from None


def load_policy(text: str, *, columns: Mapping[str, ColumnInfo], where: str) -> Policy:
    """Read and check a policy file.

    Parameters
    ----------
    text
        The TOML.
    columns
        The columns rules may use: ``signal_columns()``.
    where
        Name of the file, for errors.

    Raises
    ------
    PolicyError
        At the first thing that cannot be used, with its line.
    """
    return read_policy(text, columns=columns, where=where, parse=parse_expression)


@lru_cache(maxsize=16)
def preset(name: str) -> Policy:
    """Return a shipped policy.

    Raises
    ------
    PolicyError
        If there is no such preset.
    """
    return load_policy(preset_text(name), columns=signal_columns(), where=f"preset {name}")


@lru_cache(maxsize=1)
def signal_columns() -> Mapping[str, ColumnInfo]:
    """Return the columns that rules may use: those of ``mart.daily_signals``, in its order."""
    sql = (SQL_FOLDER / "mart" / "daily_signals.sql").read_text(encoding="utf-8")
    row = _parser().cursor().execute("select json_serialize_sql(?::varchar)", [sql]).fetchone()
    assert row is not None
    selected = json.loads(row[0])["statements"][0]["node"]["select_list"]
    names = [entry.get("alias") or entry["column_names"][-1] for entry in selected]
    registry = load_columns()
    return {name: registry[name] for name in names if name in registry}


def rule_sql(policy: Policy, rule: Rule, *, table: str | None = None) -> str:
    """Return a rule as DuckDB SQL: TRUE, FALSE, or NULL where it is not evaluable."""
    return render_sql(rule.condition, policy.values, table=table)


def evaluate_rules(
    connection: duckdb.DuckDBPyConnection, policies: Iterable[Policy], *, signals: str = SIGNALS
) -> Truths:
    """Evaluate every rule and guard of some policies, each distinct condition once.

    Parameters
    ----------
    signals
        Table, view or registered frame with the columns of ``mart.daily_signals``, one row a session.

    Returns
    -------
    Truths
        In the order of ``trade_date``.
    """
    wanted = list(dict.fromkeys(rule_sql(policy, rule) for policy in policies for rule in policy.rules))
    return evaluate_conditions(connection, wanted, signals=signals)


def evaluate_conditions(
    connection: duckdb.DuckDBPyConnection, wanted: Sequence[str], *, signals: str = SIGNALS
) -> Truths:
    """Evaluate conditions that `rule_sql` wrote, each once; otherwise as `evaluate_rules`."""
    dates = connection.execute(f"select trade_date from {signals} order by trade_date").fetchnumpy()  # noqa: S608
    found: dict[str, Truth] = {}
    for start in range(0, len(wanted), _EXPRESSIONS_A_QUERY):
        some = wanted[start : start + _EXPRESSIONS_A_QUERY]
        listed = ", ".join(
            f"cast(coalesce(cast({sql} as tinyint), {UNKNOWN}) as tinyint) as truth_{number}"
            for number, sql in enumerate(some)
        )
        # The text is written from checked trees; nothing of the policy file is in it but checked numbers and texts.
        rows = connection.execute(f"select {listed} from {signals} order by trade_date").fetchnumpy()  # noqa: S608
        for number, sql in enumerate(some):
            truth = np.asarray(rows[f"truth_{number}"], dtype=np.int8)
            truth.flags.writeable = False
            found[sql] = truth
    return Truths(np.asarray(dates["trade_date"], dtype="datetime64[D]"), found)


def check_rules_on_data(policy: Policy, truths: Truths, *, least_sessions: int = LEAST_SESSIONS) -> list[RuleCount]:
    """Count how often each rule and guard of a policy held: see ``transforms.policy.on_data``.

    ``refuse_idle_rules`` there turns the counts into an error.
    """
    return count_rules(
        policy, lambda rule: truths.of_rule(policy, rule), truths.trade_dates, least_sessions=least_sessions
    )


def clauses_sql(policy: Policy, layer: str, *, table: str | None = None) -> str:
    """Return a DuckDB expression for the clauses of a layer on a row of ``mart.daily_signals``.

    Parameters
    ----------
    layer
        ``base``, ``temporal_vega``, ``second_engine`` or ``guards``.
    table
        Name or alias of ``mart.daily_signals`` in the query.

    Returns
    -------
    str
        An expression of type JSON: a list of ``{rule, expression, truth, values, parameters, provenance}``
        in the order of the roles. ``truth`` is true, false, or null where the rule is not evaluable;
        ``values`` holds each column the rule looks at, ``parameters`` each number.
    """
    if layer not in (*ROLES, GUARDS):
        raise ValueError(f"no such layer: {layer}")
    clauses = [_clause_sql(policy, rule, table) for rule in policy.rules_of(layer)]
    return f"json_array({', '.join(clauses)})"


def _clause_sql(policy: Policy, rule: Rule, table: str | None) -> str:
    columns = {str(node.value): node.kind for node in rule.condition.walk() if node.kind.startswith("column:")}
    values = _object({name: _value_sql(name, kind, table) for name, kind in columns.items()})
    parameters = _object({name: format_number(policy.values[name]) for name in rule.parameters})
    return _object(
        {
            "rule": _text(rule.role),
            "expression": _text(rule.expression),
            "truth": rule_sql(policy, rule, table=table),
            "values": values,
            "parameters": parameters,
            "provenance": _text(rule.provenance),
        }
    )


def _value_sql(name: str, kind: str, table: str | None) -> str:
    column = name if table is None else f"{table}.{name}"
    # JSON has no way to write an infinite number
    return f"(case when isfinite({column}) then {column} end)" if kind == "column:DOUBLE" else column


def _object(entries: Mapping[str, str]) -> str:
    return "json_object(" + ", ".join(f"{_text(key)}, {value}" for key, value in entries.items()) + ")"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _only_expression(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one expression of ``select (...)``: anything beside it in the statement is refused."""
    statements: Sequence[Mapping[str, Any]] = answer["statements"]
    node = statements[0]["node"]
    selected = node["select_list"]
    is_bare = (
        len(statements) == 1
        and node["type"] == "SELECT_NODE"
        and node["from_table"]["type"] == "EMPTY"
        and len(selected) == 1
        and not any(node.get(key) for key in ("modifiers", "where_clause", "group_expressions", "having", "qualify"))
        and not node["cte_map"].get("map")
    )
    if not is_bare:
        raise PolicyError(
            "the expression is more than one condition",
            expected="one condition, such as vix_close_pts >= $arm_vix_pts",
        )
    expression: Mapping[str, Any] = selected[0]
    return expression
