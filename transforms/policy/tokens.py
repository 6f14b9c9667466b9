"""The words of a rule's expression: what may be written at all, decided before any parser sees it.

An expression is SQL, but a small part of it. Everything outside that part (comments, quoted names,
casts, sub-queries, semicolons, other alphabets) fails here, at a position that can be named, and so does
nesting deep enough to trouble a parser.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from transforms.errors import PolicyError
from transforms.wording import nearest

LONGEST_EXPRESSION = 2_000
"""Characters of an expression."""
DEEPEST_NESTING = 30
"""Parentheses inside each other, and levels of the parsed expression."""
MOST_TOKENS = 500

KEYWORDS = ("and", "between", "in", "is", "not", "null", "or")
FUNCTIONS = ("abs", "greatest", "least")

Kind = Literal["word", "number", "text", "parameter", "symbol"]

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<comment>--|/\*|\#)
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<parameter>\$[A-Za-z_][A-Za-z0-9_]*)
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<text>'(?:[ -&(-~]|'')*')
  | (?P<symbol><>|!=|<=|>=|[<>=()+*/,-])
    """,
    re.VERBOSE,
)
_HINTS = {
    ";": "one condition, without a semicolon",
    '"': "column names without quotes",
    "'": "text in single quotes that are closed, in plain letters",
    ".": "bare column names: no table before them",
    ":": "no casts",
    "$": "a parameter by name, such as $arm_vix_pts",
    "|": "OR, written as a word",
    "&": "AND, written as a word",
    "%": "the operators + - * / only",
    "^": "the operators + - * / only",
    "?": "a parameter by name, such as $arm_vix_pts",
}
_ALLOWED = (
    "columns, $parameters, numbers, comparisons, BETWEEN, IN, IS NULL, AND, OR, NOT, + - * /, abs, least, greatest"
)


@dataclass(frozen=True)
class Token:
    """One word, number, text, parameter or symbol, in lower case except for text."""

    kind: Kind
    text: str
    position: int


def tokenise(text: str) -> tuple[Token, ...]:
    """Split an expression into tokens.

    Returns
    -------
    tuple of Token
        Words and parameters (without the ``$``) in lower case, text with its quotes.

    Raises
    ------
    PolicyError
        If the expression is empty, too long, too deep, or has anything in it that no rule needs.
    """
    if len(text) > LONGEST_EXPRESSION:
        raise PolicyError(
            "the expression is too long",
            found=f"{len(text):,} characters",
            expected=f"at most {LONGEST_EXPRESSION:,}",
            next_step="split the rule, or compute the signal as a column",
        )
    tokens = tuple(_scan(text))
    if not tokens:
        raise PolicyError("the expression is empty", expected=_ALLOWED, next_step="leave the rule out instead")
    _check_nesting(tokens)
    return tokens


def check_words(tokens: Collection[Token], columns: Collection[str], parameters: Collection[str]) -> None:
    """Refuse names that are no column, no parameter and no function, and name the nearest that is.

    Raises
    ------
    PolicyError
        At the first such name.
    """
    ordered = tuple(tokens)
    for token, following in zip(ordered, (*ordered[1:], None), strict=True):
        is_called = following is not None and following.text == "("
        if token.kind == "parameter" and token.text not in parameters:
            raise PolicyError(
                "the expression refers to a parameter that is not there",
                found=f"${token.text}",
                expected=nearest(token.text, parameters, "a name under [parameters]"),
                next_step="add the parameter, or mend the name",
            )
        if token.kind != "word" or token.text in KEYWORDS or (is_called and token.text in FUNCTIONS):
            continue
        if token.text in ("true", "false"):
            raise PolicyError(
                "a constant is not a condition",
                found=token.text.upper(),
                expected="a condition on a column; of a flag, its name or NOT its name",
                next_step="leave the rule out where there is no such gate",
            )
        if is_called and token.text not in columns:
            raise PolicyError(
                "the expression calls a function that rules may not use",
                found=f"{token.text}(...)",
                expected=", ".join(FUNCTIONS),
                next_step="write it with columns, numbers and comparisons, or compute the signal as a column",
            )
        if token.text not in columns:
            raise PolicyError(
                "the expression names a column that mart.daily_signals does not have",
                found=token.text,
                expected=nearest(token.text, columns, "a column of mart.daily_signals"),
                next_step="`alvh tables mart.daily_signals` lists the columns with their meaning",
            )


def _scan(text: str) -> Iterator[Token]:
    position = 0
    was_number_or_word = False
    while position < len(text):
        match = _TOKEN.match(text, position)
        kind = match.lastgroup if match else None
        if (
            match is None
            or kind == "comment"
            or (was_number_or_word and kind in ("number", "word", "parameter", "text"))
        ):
            raise _refusal(text, position)
        if kind != "space":
            found = match.group()
            was_number_or_word = kind in ("number", "word", "parameter", "text")
            spelled = found if kind == "text" else found.lower().removeprefix("$")
            yield Token(kind, "<>" if spelled == "!=" else spelled, position)  # type: ignore[arg-type]
        else:
            was_number_or_word = False
        position = match.end()


def _refusal(text: str, position: int) -> PolicyError:
    sign = text[position]
    is_comment = text.startswith(("--", "/*", "#"), position)
    hint = "no comments: say it in `meaning`" if is_comment else _HINTS.get(sign, _ALLOWED)
    name = sign if sign.isascii() and sign.isprintable() else f"U+{ord(sign):04X}"
    return PolicyError(
        "the expression has something in it that no rule needs",
        found=f"{name!r} at character {position + 1}",
        expected=hint,
        next_step=f"rules are made of {_ALLOWED}",
    )


def _check_nesting(tokens: tuple[Token, ...]) -> None:
    # A run of NOT or of signs nests as deep as parentheses do.
    depth = deepest = run = 0
    for token in tokens:
        run = run + 1 if token.text in ("not", "-", "+") else 0
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "symbol" else 0
        deepest = max(deepest, depth + run)
        if depth < 0:
            break
    if depth != 0:
        raise PolicyError(
            "the parentheses of the expression do not match",
            found="one too many ')'" if depth < 0 else f"{depth} '(' left open",
            expected="a ')' for each '('",
        )
    if deepest > DEEPEST_NESTING or len(tokens) > MOST_TOKENS:
        raise PolicyError(
            "the expression is too deep or too long to be read by anyone",
            found=f"{deepest} levels, {len(tokens)} words and signs",
            expected=f"at most {DEEPEST_NESTING} levels and {MOST_TOKENS} words and signs",
            next_step="split the rule, or compute the signal as a column",
        )
