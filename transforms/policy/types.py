"""What may be compared with what: types, units, possible texts and possible numbers of a condition.

A comparison that could never hold is an error here, before any data are read: a level in points against
a fraction, a text the column cannot have, a number outside of the column's range.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from transforms.errors import PolicyError
from transforms.policy.expression import Node, constant_value, render_text
from transforms.registry import ColumnInfo
from transforms.wording import nearest

MOST_OPERATORS = 10
"""Arithmetic on one side of a comparison: with LARGEST_NUMBER it keeps results finite."""
_ARITHMETIC = {"+", "-", "*", "/", "negate", "abs", "least", "greatest"}
_PURE = {"frac", "ratio"}
_NUMBER_TYPES = {"DOUBLE", "BIGINT", "INTEGER"}
_WORDS = {"truth": "a flag or a condition", "number": "a number", "text": "a text", "date": "a date"}


@dataclass(frozen=True)
class _Kind:
    """``truth number text date``; the unit of a number, None where any unit goes with it."""

    name: str
    unit: str | None = None
    column: ColumnInfo | None = None


def check_condition(
    node: Node, columns: Mapping[str, ColumnInfo], units: Mapping[str, str], values: Mapping[str, float]
) -> Node:
    """Check the types of a condition. Return it with the type of each column noted.

    Parameters
    ----------
    columns
        The columns rules may use: those of ``mart.daily_signals``.
    units, values
        Of every parameter.

    Raises
    ------
    PolicyError
        If it is no condition, or compares what cannot be compared.
    """
    checker = _Checker(columns, units, values)
    kind = checker.kind(node)
    if kind.name != "truth":
        raise PolicyError(
            "the expression is not a condition",
            found=f"{_WORDS[kind.name]}: {render_text(node)}",
            expected="something that is true or false: a flag, or a comparison",
            next_step="compare it, for example with >= and a parameter",
        )
    if not node.columns:
        raise PolicyError(
            "the expression looks at no column, so it never changes",
            found=render_text(node),
            expected="at least one column of mart.daily_signals",
            next_step="leave the rule out where there is no such gate",
        )
    return _noted(node, columns)


def _noted(node: Node, columns: Mapping[str, ColumnInfo]) -> Node:
    if node.kind == "column":
        return Node(f"column:{columns[str(node.value)].type}", node.value)
    return replace(node, children=tuple(_noted(child, columns) for child in node.children))


@dataclass(frozen=True)
class _Checker:
    columns: Mapping[str, ColumnInfo]
    units: Mapping[str, str]
    values: Mapping[str, float]

    def kind(self, node: Node) -> _Kind:
        """Return what a node is, after checking everything below it."""
        match node.kind:
            case "and" | "or" | "not":
                for child in node.children:
                    self._expect(child, "truth", f"{node.kind.upper()} joins conditions")
            case "compare":
                self._compare(node)
            case "between":
                for bound in node.children[1:]:
                    self._numbers(node.children[0], bound, node)
            case "in":
                self._in(node)
            case "is_null":
                self.kind(node.children[0])
            case "column":
                return self._column(str(node.value))
            case "parameter":
                return _Kind("number", self.units[str(node.value)])
            case "number":
                return _Kind("number")
            case "text":
                return _Kind("text")
            case _:
                return self._arithmetic(node)
        return _Kind("truth")

    def _expect(self, node: Node, name: str, why: str) -> _Kind:
        kind = self.kind(node)
        if kind.name != name:
            raise _mismatch(why, node, kind, name)
        return kind

    def _column(self, name: str) -> _Kind:
        info = self.columns.get(name)
        if info is None:
            # A word of conditions that stands alone is the name of a column to the parser.
            raise PolicyError(
                "the expression names a column that is none",
                found=name,
                expected=nearest(name, self.columns, "a column of mart.daily_signals"),
                next_step="`alvh tables mart.daily_signals` lists them",
            )
        if info.type == "BOOLEAN":
            return _Kind("truth", column=info)
        if info.type in _NUMBER_TYPES:
            return _Kind("number", info.unit, info)
        if info.type == "DATE":
            return _Kind("date", column=info)
        if info.type == "VARCHAR":
            return _Kind("text", column=info)
        raise PolicyError(
            "a column of this type cannot be used in a rule",
            found=f"{name} is {info.type}",
            expected="BOOLEAN, DOUBLE, BIGINT, VARCHAR or DATE",
        )

    def _compare(self, node: Node) -> None:
        left, right = node.children
        kinds = self.kind(left), self.kind(right)
        names = {kind.name for kind in kinds}
        if names == {"truth"}:
            raise PolicyError(
                "conditions are joined, not compared",
                found=render_text(node),
                expected="AND, OR, NOT; of a flag, its name or NOT its name",
            )
        if len(names) > 1:
            raise _mismatch("both sides of a comparison are of one type", right, kinds[1], kinds[0].name)
        if names == {"number"}:
            self._numbers(left, right, node)
        elif names == {"text"}:
            self._texts(node, left, right)
        elif any(kind.column is None for kind in kinds):  # no way to write a date; kept for a later grammar
            raise _mismatch("a date is compared with a date", right, kinds[1], "date")

    def _numbers(self, left: Node, right: Node, whole: Node) -> None:
        first = self._expect(left, "number", "a comparison with a number")
        second = self._expect(right, "number", "a comparison with a number")
        _same_unit(first, second, whole)
        for column, other in ((first.column, right), (second.column, left)):
            value = constant_value(other, self.values)
            if column is not None and value is not None and not _is_possible(column, value):
                raise PolicyError(
                    "the comparison is with a number the column never has",
                    found=f"{render_text(other)} = {value:g} beside {column.name}",
                    expected=f"{column.name} lies {_range(column)} {column.unit}",
                    next_step="mind the unit: 25 points, but 0.25 of a fraction",
                )

    def _texts(self, node: Node, left: Node, right: Node) -> None:
        if node.value not in ("=", "<>"):
            raise PolicyError(
                "texts have no order",
                found=render_text(node),
                expected="= or <> or IN (...)",
            )
        for side, other in ((left, right), (right, left)):
            if side.kind == "text":
                self._text_of(other, side)
        if left.kind == right.kind == "column":
            allowed = [set(self.columns[str(side.value)].allowed) for side in (left, right)]
            if not allowed[0] & allowed[1]:
                raise PolicyError(
                    "the two columns never have a text in common",
                    found=render_text(node),
                    expected="columns with the same texts, or a text",
                )

    def _text_of(self, column: Node, text: Node) -> None:
        if column.kind != "column":
            raise PolicyError("a text is compared with a column", found=render_text(text), expected="a column of texts")
        info = self.columns[str(column.value)]
        if not info.allowed:
            raise PolicyError(
                "the column's texts are free, so a rule cannot depend on them",
                found=info.name,
                expected="a column with a fixed list of texts",
            )
        if text.value not in info.allowed:
            listed = ", ".join(f"'{item}'" for item in info.allowed)
            near = nearest(str(text.value), info.allowed, "")
            raise PolicyError(
                f"the column {info.name} never has this text",
                found=render_text(text),
                expected=f"{listed}" + (f"; did you mean '{near}'?" if near and " or " not in near else ""),
            )

    def _in(self, node: Node) -> None:
        item, *choices = node.children
        kind = self.kind(item)
        for choice in choices:
            if choice.columns:
                raise PolicyError(
                    "IN takes a list of constants",
                    found=render_text(choice),
                    expected="numbers, $parameters or texts",
                    next_step="write a comparison for each column",
                )
            other = self.kind(choice)
            if kind.name not in ("number", "text") or other.name != kind.name:
                raise _mismatch("IN compares with values of one type", choice, other, kind.name)
            if kind.name == "number":
                self._numbers(item, choice, node)
            else:
                self._text_of(item, choice)

    def _arithmetic(self, node: Node) -> _Kind:
        count = sum(part.kind in _ARITHMETIC for part in node.walk())
        if count > MOST_OPERATORS:
            raise PolicyError(
                "there is too much arithmetic in one comparison",
                found=f"{count} operators and functions",
                expected=f"at most {MOST_OPERATORS}",
                next_step="compute the signal as a column",
            )
        kinds = [self._expect(child, "number", f"{node.kind} takes numbers") for child in node.children]
        if node.kind in ("+", "-", "least", "greatest"):
            for other in kinds[1:]:
                _same_unit(kinds[0], other, node)
        if node.kind == "/" and constant_value(node.children[1], self.values) == 0:
            raise PolicyError("the expression divides by zero", found=render_text(node), expected="another divisor")
        units = [kind.unit for kind in kinds]
        if node.kind in ("*", "/"):
            return _Kind("number", _product_unit(node.kind, units[0], units[1]))
        return _Kind("number", next((unit for unit in units if unit), None))


def _product_unit(operator: str, first: str | None, second: str | None) -> str | None:
    """The unit of a product or a quotient, None where we do not follow it further."""
    if second is None or second in _PURE:
        return first
    return second if operator == "*" and (first is None or first in _PURE) else None


def _same_unit(first: _Kind, second: _Kind, node: Node) -> None:
    if first.unit and second.unit and first.unit != second.unit:
        raise PolicyError(
            "the two sides are in different units",
            found=f"{render_text(node)}: {first.unit} beside {second.unit}",
            expected=f"both in {first.unit}",
            next_step="mend the parameter's unit, or compare with another column",
        )


def _is_possible(column: ColumnInfo, value: float) -> bool:
    below = isinstance(column.lowest, int | float) and value < column.lowest
    above = isinstance(column.highest, int | float) and value > column.highest
    return not (below or above)


def _range(column: ColumnInfo) -> str:
    low, high = column.lowest, column.highest
    if low is None:
        return f"at or below {high}"
    return f"from {low} to {high}" if high is not None else f"at or above {low}"


def _mismatch(why: str, node: Node, kind: _Kind, name: str) -> PolicyError:
    return PolicyError(
        f"the types do not fit: {why}",
        found=f"{render_text(node)} is {_WORDS[kind.name]}",
        expected=_WORDS[name],
    )
