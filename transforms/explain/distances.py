"""How far a value is from the threshold of a condition, read from the condition's tree.

Only what can be said without doubt has a distance: one column, or its size ``abs(column)``, against numbers.
Any other shape has its truth and no distance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from transforms.policy.expression import Node, constant_value, render_text

Value = float | bool | str | None
"""What a column holds on a session: a number, a flag, a text (dates too), or None where it is missing."""

_OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}


@dataclass(frozen=True)
class Term:
    """One comparison of a condition, on one session.

    Attributes
    ----------
    text
        The comparison with numbers in place of the parameters.
    truth
        True, False, or None where a value it needs is missing.
    columns
        Columns it looks at; ``missing`` are those without a value.
    column, is_size
        The column that is compared with numbers, and whether it is its size, ``abs(column)``; None for
        other shapes.
    value, threshold, distance
        In the column's unit. ``distance`` is what must be added to ``value`` (its size, where ``is_size``)
        to be at ``threshold``; None where it cannot be said.
    bound
        The sign that changes the truth: ``value bound threshold`` does not hold now, and changes it when it
        does. ``>=`` and ``<=`` change it at the threshold, ``>`` and ``<`` just past it.
    flag
        The wanted truth of ``column`` where the comparison is a flag or its negation.
    """

    text: str
    truth: bool | None
    columns: tuple[str, ...]
    missing: tuple[str, ...]
    column: str | None = None
    is_size: bool = False
    value: float | None = None
    threshold: float | None = None
    distance: float | None = None
    bound: str | None = None
    flag: bool | None = None


def build_terms(
    condition: Node, values: Mapping[str, Value], parameters: Mapping[str, float]
) -> tuple[str, tuple[Term, ...]]:
    """Take a condition apart into its comparisons.

    Parameters
    ----------
    condition
        A parsed condition.
    values
        Value of every column it looks at.
    parameters
        Value of every parameter it refers to.

    Returns
    -------
    joined, terms
        ``and``, ``or``, or an empty text for a single term; one term a part. A part that is itself made of
        several conditions is one term without a distance.
    """
    if condition.kind in ("and", "or"):
        return condition.kind, tuple(_term(part, values, parameters) for part in condition.children)
    return "", (_term(condition, values, parameters),)


def evaluate(node: Node, values: Mapping[str, Value], parameters: Mapping[str, float]) -> Value:
    """Return the value of a condition, or of a part of it, as DuckDB would: None where it is not known."""

    def known(part: Node) -> Value:
        return evaluate(part, values, parameters)

    match node.kind:
        case "and" | "or":
            truths = [known(child) for child in node.children]
            settled = node.kind == "or"
            return settled if settled in truths else None if None in truths else not settled
        case "not":
            truth = known(node.children[0])
            return None if truth is None else not truth
        case "compare":
            left, right = (known(child) for child in node.children)
            return None if left is None or right is None else _compare(node.value, left, right)
        case "between":
            item, low, high = (known(child) for child in node.children)
            above = None if item is None or low is None else _compare(">=", item, low)
            below = None if item is None or high is None else _compare("<=", item, high)
            return False if False in (above, below) else None if None in (above, below) else True
        case "in":
            item, *choices = (known(child) for child in node.children)
            return None if item is None else item in choices
        case "is_null":
            return (known(node.children[0]) is None) != bool(node.value)
        case "number":
            return float(node.value)
        case "text":
            return str(node.value)
        case "parameter":
            return parameters[str(node.value)]
    if node.kind.partition(":")[0] == "column":
        value = values.get(str(node.value))
        return None if isinstance(value, float) and not math.isfinite(value) else value
    return _arithmetic(node, [known(child) for child in node.children])


def with_numbers(node: Node, parameters: Mapping[str, float]) -> Node:
    """Return a condition with the numbers of its parameters in their place."""
    if node.kind == "parameter" and str(node.value) in parameters:
        return Node("number", float(parameters[str(node.value)]))
    children = tuple(with_numbers(child, parameters) for child in node.children)
    if node.kind == "negate" and children[0].kind == "number":
        return Node("number", 0.0 - float(children[0].value))
    return replace(node, children=children)


def _term(node: Node, values: Mapping[str, Value], parameters: Mapping[str, float]) -> Term:
    truth = evaluate(node, values, parameters)
    term = Term(
        text=render_text(with_numbers(node, parameters)),
        truth=truth if isinstance(truth, bool) else None,
        columns=node.columns,
        missing=tuple(column for column in node.columns if evaluate(Node("column", column), values, {}) is None),
    )
    is_turned = node.kind == "not"
    inner = node.children[0] if is_turned else node
    if inner.kind.partition(":")[0] == "column":
        return replace(term, column=str(inner.value), flag=not is_turned)
    if inner.kind == "compare":
        return _with_threshold(term, inner, values, parameters, is_turned=is_turned)
    if inner.kind == "between":
        return _with_range(term, inner, values, parameters, is_turned=is_turned)
    return term


def _with_threshold(
    term: Term, node: Node, values: Mapping[str, Value], parameters: Mapping[str, float], *, is_turned: bool
) -> Term:
    left, right = node.children
    sign, side, threshold = str(node.value), left, constant_value(right, parameters)
    if threshold is None:
        sign, side, threshold = _MIRRORED[sign], right, constant_value(left, parameters)
    if threshold is None or sign in ("=", "<>") or not math.isfinite(threshold):
        return term
    holds = (term.truth is True) != is_turned
    return _measured(term, side, values, threshold, _OPPOSITE[sign] if holds else sign)


def _with_range(
    term: Term, node: Node, values: Mapping[str, Value], parameters: Mapping[str, float], *, is_turned: bool
) -> Term:
    side, *bounds = node.children
    low, high = (constant_value(bound, parameters) for bound in bounds)
    value = _quantity(side, values)
    if low is None or high is None or value is None or not low <= high:
        return term
    if (term.truth is True) != is_turned:
        is_low_nearer = value - low < high - value
        return _measured(term, side, values, low if is_low_nearer else high, "<" if is_low_nearer else ">")
    return _measured(term, side, values, low if value < low else high, ">=" if value < low else "<=")


def _measured(term: Term, side: Node, values: Mapping[str, Value], threshold: float, bound: str) -> Term:
    is_size = side.kind == "abs" and side.children[0].kind.partition(":")[0] == "column"
    if not is_size and side.kind.partition(":")[0] != "column":
        return term
    if is_size and threshold <= 0:
        return term  # a size never gets there
    column = str(side.children[0].value if is_size else side.value)
    value = _quantity(side, values)
    if value is None:
        return replace(term, column=column, is_size=is_size, threshold=threshold)
    return replace(
        term, column=column, is_size=is_size, value=value, threshold=threshold, distance=threshold - value, bound=bound
    )


def _quantity(side: Node, values: Mapping[str, Value]) -> float | None:
    value = evaluate(side, values, {}) if side.columns and not side.parameters else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _compare(sign: str | float, left: Value, right: Value) -> bool:
    pair = (left, right)
    match sign:
        case "=":
            return left == right
        case "<>":
            return left != right
    if isinstance(left, str) and isinstance(right, str):
        return _ordered(str(sign), (left > right) - (left < right))
    first, second = (float(one) for one in pair if isinstance(one, int | float))
    return _ordered(str(sign), (first > second) - (first < second))


def _ordered(sign: str, order: int) -> bool:
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[sign]


def _arithmetic(node: Node, parts: list[Value]) -> float | None:
    numbers = [float(part) for part in parts if isinstance(part, int | float)]
    if len(numbers) < len(parts):
        return None
    match node.kind:
        case "+":
            result = numbers[0] + numbers[1]
        case "-":
            result = numbers[0] - numbers[1]
        case "*":
            result = numbers[0] * numbers[1]
        case "/":
            if numbers[1] == 0:
                return None
            result = numbers[0] / numbers[1]
        case "negate":
            result = -numbers[0]
        case "abs":
            result = abs(numbers[0])
        case "least":
            result = min(numbers)
        case _:
            result = max(numbers)
    return result if math.isfinite(result) else None
