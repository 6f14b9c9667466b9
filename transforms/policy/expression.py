"""The tree of a rule's condition: read from the parser's answer, rendered as text and as SQL.

What the user wrote is never executed. It is parsed, every node is matched against a short list, and the
SQL that runs is written anew from the tree, in a form in which a missing value stays missing: division
by zero, an overflow and ``least`` or ``greatest`` of a missing value are NULL, hence "not evaluable".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from transforms.errors import PolicyError
from transforms.policy.tokens import DEEPEST_NESTING, FUNCTIONS

LARGEST_NUMBER = 1e12
"""No number in a rule or a parameter is larger: ten operators on such numbers stay finite."""
SMALLEST_NUMBER = 1e-12

COMPARISONS = {
    "COMPARE_EQUAL": "=",
    "COMPARE_NOTEQUAL": "<>",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
}
_OPERATORS = ("+", "-", "*", "/")
_LEVELS = {
    "or": 1,
    "and": 2,
    "not": 3,
    "compare": 4,
    "between": 4,
    "in": 4,
    "is_null": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
}
_ATOM = 9


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a condition.

    Attributes
    ----------
    kind
        ``or and not compare between in is_null`` (truths), ``+ - * / negate abs least greatest``,
        ``column parameter number text``. After checking, ``column`` carries its type, such as
        ``column:DOUBLE``.
    value
        Comparison sign, name, number or text; "not" of an IS NOT NULL.
    """

    kind: str
    value: str | float = ""
    children: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """Yield the node and everything below it, in the order in which it was written."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns used, in order of appearance, each once."""
        return tuple(dict.fromkeys(str(node.value) for node in self.walk() if node.kind.startswith("column")))

    @property
    def parameters(self) -> tuple[str, ...]:
        """Parameters used, in order of appearance, each once."""
        return tuple(dict.fromkeys(str(node.value) for node in self.walk() if node.kind == "parameter"))


def parse_tree(tree: Mapping[str, Any], depth: int = 1) -> Node:
    """Read one expression of DuckDB's ``json_serialize_sql`` (of DuckDB 1.x or 2.x).

    Raises
    ------
    PolicyError
        If any part of it is not on the list of what rules are made of.
    """
    if depth > DEEPEST_NESTING:
        raise PolicyError(
            "the expression is too deep to be read by anyone",
            found=f"more than {DEEPEST_NESTING} levels",
            expected=f"at most {DEEPEST_NESTING} levels",
            next_step="split the rule, or compute the signal as a column",
        )
    kind, name = str(tree.get("class")), str(tree.get("type"))
    if tree.get("alias"):
        raise _not_allowed("an alias")

    def read(key: str) -> Node:
        return parse_tree(tree[key], depth + 1)

    def read_all(key: str) -> tuple[Node, ...]:
        return tuple(parse_tree(child, depth + 1) for child in tree[key])

    match kind, name:
        case "CONJUNCTION", "CONJUNCTION_AND" | "CONJUNCTION_OR":
            return _conjunction("and" if name == "CONJUNCTION_AND" else "or", read_all("children"))
        case "COMPARISON", _ if name in COMPARISONS:
            return Node("compare", COMPARISONS[name], (read("left"), read("right")))
        case "BETWEEN", "COMPARE_BETWEEN":
            return Node("between", "", (read("input"), read("lower"), read("upper")))
        case "OPERATOR", "OPERATOR_NOT":
            return Node("not", "", read_all("children"))
        case "OPERATOR", "OPERATOR_IS_NULL" | "OPERATOR_IS_NOT_NULL":
            return Node("is_null", "not" if name == "OPERATOR_IS_NOT_NULL" else "", read_all("children"))
        case "OPERATOR", "COMPARE_IN":
            return Node("in", "", read_all("children"))
        case "OPERATOR", "COMPARE_NOT_IN":
            return Node("not", "", (Node("in", "", read_all("children")),))
        case "COLUMN_REF", "COLUMN_REF" if len(tree["column_names"]) == 1:
            return Node("column", str(tree["column_names"][0]).lower())
        case "PARAMETER", "VALUE_PARAMETER":
            return Node("parameter", str(tree["identifier"]).lower())
        case "CONSTANT", "VALUE_CONSTANT":
            return _constant(tree)
        case "FUNCTION", "FUNCTION":
            return _function(tree, depth)
    raise _not_allowed(_plain(name if kind == "OPERATOR" else kind))


def render_text(node: Node) -> str:
    """Write a condition in one spelling: single spaces, lower case, no parentheses that change nothing."""
    return _text(node)[0]


def render_sql(node: Node, values: Mapping[str, float], *, table: str | None = None) -> str:
    """Write a checked condition as DuckDB SQL, the parameters as numbers.

    Parameters
    ----------
    values
        Value of every parameter used.
    table
        Name or alias put before each column, for queries with more than one table.

    Returns
    -------
    str
        An expression of type BOOLEAN: TRUE, FALSE, or NULL where a value it needs is missing.
    """
    prefix = "" if table is None else f"{table}."

    def sql(part: Node) -> str:
        children = [sql(child) for child in part.children]
        match part.kind:
            case "and" | "or":
                return "(" + f" {part.kind} ".join(children) + ")"
            case "not":
                return f"(not {children[0]})"
            case "compare":
                left, right = (_finite(child, text) for child, text in zip(part.children, children, strict=True))
                return f"({left} {part.value} {right})"
            case "between":
                item, lower, upper = (_finite(child, text) for child, text in zip(part.children, children, strict=True))
                return f"({item} between {lower} and {upper})"
            case "in":
                return f"({_finite(part.children[0], children[0])} in ({', '.join(children[1:])}))"
            case "is_null":
                return f"({_finite(part.children[0], children[0])} is {'not ' if part.value else ''}null)"
            case "/":
                return f"({children[0]} / nullif({children[1]}, 0e0))"
            case "+" | "-" | "*":
                return f"({children[0]} {part.kind} {children[1]})"
            case "negate":
                return f"(-{children[0]})"
            case "abs":
                return f"abs({children[0]})"
            case "least" | "greatest":
                known = " and ".join(f"{child} is not null" for child in children)
                return f"(case when {known} then {part.kind}({', '.join(children)}) end)"
            case "number":
                return _number_sql(float(part.value))
            case "parameter":
                return _number_sql(values[str(part.value)])
            case "text":
                return _text_sql(str(part.value))
            case "column:DOUBLE":
                return f"(case when isfinite({prefix}{part.value}) then {prefix}{part.value} end)"
            case "column:BIGINT" | "column:INTEGER":
                return f"cast({prefix}{part.value} as double)"
            case "column:BOOLEAN" | "column:VARCHAR" | "column:DATE":
                return f"{prefix}{part.value}"
        raise ValueError(f"not a checked condition: {part.kind}")

    return sql(node)


def constant_value(node: Node, values: Mapping[str, float]) -> float | None:
    """Return the number a node stands for, or None where it depends on a column."""
    numbers = [constant_value(child, values) for child in node.children]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return None
    match node.kind:
        case "number":
            return float(node.value)
        case "parameter":
            return values.get(str(node.value))
        case "negate":
            return -known[0]
        case "abs":
            return abs(known[0])
        case "+":
            return known[0] + known[1]
        case "-":
            return known[0] - known[1]
        case "*":
            return known[0] * known[1]
        case "/":
            return known[0] / known[1] if known[1] else None
        case "least":
            return min(known)
        case "greatest":
            return max(known)
    return None


def format_number(value: float) -> str:
    """Write a number in one spelling: 25 for 25.0 and 2.5e1, 0.0094 as it is."""
    text = repr(float(value))
    return text.removesuffix(".0") if value else "0"


def is_number(node: Node) -> bool:
    """Say whether a checked node is a number rather than a truth, a text or a date."""
    return node.kind in _NUMBERS


_NUMBERS = {
    *_OPERATORS,
    *FUNCTIONS,
    "negate",
    "number",
    "parameter",
    "column:DOUBLE",
    "column:BIGINT",
    "column:INTEGER",
}


def _conjunction(kind: str, children: tuple[Node, ...]) -> Node:
    flat: list[Node] = []
    for child in children:
        flat.extend(child.children if child.kind == kind else (child,))
    return Node(kind, "", tuple(flat))


def _constant(tree: Mapping[str, Any]) -> Node:
    literal = tree.get("literal")
    if literal is not None:
        kind, text = literal.get("kind"), literal.get("text")
        if kind in ("INTEGER", "NUMERIC"):
            return Node("number", _checked(float(text)))
        if kind == "STRING":
            return Node("text", str(text))
        raise _not_allowed(_plain(str(kind)))
    held = tree["value"]
    kind = str(held["type"]["id"])
    if held.get("is_null"):
        raise _not_allowed("NULL")
    if kind == "VARCHAR":
        return Node("text", str(held["value"]))
    if kind == "DECIMAL":
        scale = held["type"]["type_info"]["scale"]
        return Node("number", _checked(float(f"{held['value']}e-{scale}")))
    if kind in ("INTEGER", "BIGINT", "DOUBLE"):
        return Node("number", _checked(float(held["value"])))
    raise _not_allowed(_plain(kind))


def _checked(value: float) -> float:
    if value and not SMALLEST_NUMBER <= abs(value) <= LARGEST_NUMBER:
        raise PolicyError(
            "a number of the expression is beyond anything a signal can be",
            found=f"{value:g}",
            expected=f"0, or a size from {SMALLEST_NUMBER:g} to {LARGEST_NUMBER:g}",
        )
    return value + 0.0  # -0.0 is 0.0


def _function(tree: Mapping[str, Any], depth: int) -> Node:
    name = str(tree.get("function_name")).lower()
    is_operator = bool(tree.get("is_operator"))
    orders = (tree.get("order_bys") or {}).get("orders")
    path = (tree.get("qualified_name") or {}).get("path", [name])
    if (
        tree.get("distinct")
        or tree.get("filter")
        or orders
        or tree.get("schema")
        or tree.get("catalog")
        or len(path) != 1
    ):
        raise _not_allowed(f"{name} with DISTINCT, FILTER, ORDER BY or a schema")
    entries = tree.get("arguments", tree.get("children")) or ()
    arguments = []
    for entry in entries:
        if entry.get("name"):
            raise _not_allowed("a named argument")
        arguments.append(parse_tree(entry.get("expression", entry), depth + 1))
    count = len(arguments)
    if is_operator and name in _OPERATORS and count == 2:
        return Node(name, "", tuple(arguments))
    if is_operator and name == "-" and count == 1:
        only = arguments[0]
        return Node("number", 0.0 - float(only.value)) if only.kind == "number" else Node("negate", "", (only,))
    if not is_operator and name in FUNCTIONS and (count == 1 if name == "abs" else 2 <= count <= 5):
        return Node(name, "", tuple(arguments))
    raise _not_allowed(f"{name} of {count}")


def _not_allowed(found: str) -> PolicyError:
    return PolicyError(
        "the expression has a part that no rule needs",
        found=found,
        expected=(
            "columns, $parameters, numbers, text, comparisons, BETWEEN, IN (constants), IS [NOT] NULL, "
            "AND, OR, NOT, + - * /, abs(x), least(x, y), greatest(x, y)"
        ),
        next_step="write it with these, or compute the signal as a column",
    )


def _plain(name: str) -> str:
    return name.replace("_", " ").lower()


def _text(node: Node) -> tuple[str, int]:
    """Return the text and how tightly it binds."""
    level = _LEVELS.get(node.kind, _ATOM)

    def inside(index: int, least: int) -> str:
        text, binding = _text(node.children[index])
        return text if binding >= least else f"({text})"

    match node.kind:
        case "and" | "or":
            return f" {node.kind} ".join(inside(index, level + 1) for index in range(len(node.children))), level
        case "not":
            return f"not {inside(0, level + 1)}", level
        case "compare":
            return f"{inside(0, 5)} {node.value} {inside(1, 5)}", level
        case "between":
            return f"{inside(0, 5)} between {inside(1, 5)} and {inside(2, 5)}", level
        case "in":
            choices = ", ".join(_text(child)[0] for child in node.children[1:])
            return f"{inside(0, 5)} in ({choices})", level
        case "is_null":
            return f"{inside(0, _ATOM)} is {'not ' if node.value else ''}null", level
        case "+" | "-" | "*" | "/":
            return f"{inside(0, level)} {node.kind} {inside(1, level + 1)}", level
        case "negate":
            return f"(-{inside(0, _ATOM)})", _ATOM
        case "abs" | "least" | "greatest":
            return f"{node.kind}({', '.join(_text(child)[0] for child in node.children)})", _ATOM
        case "number":
            return format_number(float(node.value)), _ATOM
        case "parameter":
            return f"${node.value}", _ATOM
        case "text":
            return _text_sql(str(node.value)), _ATOM
    return str(node.value), _ATOM


def _finite(node: Node, sql: str) -> str:
    """A result of arithmetic that is not a finite number is not a value."""
    is_computed = node.kind in (*_OPERATORS, "negate", *FUNCTIONS)
    return f"(case when isfinite({sql}) then {sql} end)" if is_computed else sql


def _number_sql(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"not a number a rule can hold: {value}")
    # The exponent makes it a DOUBLE; without it DuckDB reads a DECIMAL and computes in that.
    text = repr(float(value))
    text = text if "e" in text else f"{text}e0"
    return f"({text})" if text.startswith("-") else text


def _text_sql(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
