"""Values, distances and conditions in words: numbers in the units a trader reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from transforms.explain.distances import Term, Value

MISSING = "—"
NOT_EVALUABLE = "not evaluable"
_MINUS = "\N{MINUS SIGN}"
_DIGITS = {
    "pts": 2, "frac": 2, "sd": 2, "index": 1, "ratio": 3, "log": 4, "corr": 2, "exponent": 2, "pts squared": 1,
    "pctile": 3, "delta": 2,
}  # fmt: skip
_AFTER = {
    "pts": " pts", "frac": "%", "sd": " sd", "trading days": " trading days", "sessions": " sessions",
    "issues": " issues", "pts squared": " pts²",
}  # fmt: skip
_BOUNDS = {">=": "\N{GREATER-THAN OR EQUAL TO} ", "<=": "\N{LESS-THAN OR EQUAL TO} ", ">": "above ", "<": "below "}
LAYER_NAMES = {"base": "base", "temporal_vega": "temporal vega", "second_engine": "second engine"}


def say_value(value: Value, unit: str) -> str:
    """Return a value with its unit: ``23.40 pts``, ``4.90%``, ``yes``; an em dash where it is missing."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if unit == "usd":
        return f"{_MINUS if value < 0 else ''}${abs(value):,.0f}"
    return say_plain(value, unit) + _AFTER.get(unit, "")


def say_plain(value: float, unit: str) -> str:
    """Return a number in the digits of its unit, without the unit; fractions in per cent."""
    text = f"{abs(100 * value if unit == 'frac' else value):,.{_DIGITS.get(unit, 0)}f}"
    return f"{_MINUS if value < 0 and any(digit in '123456789' for digit in text) else ''}{text}"


def say_threshold(value: float, unit: str) -> str:
    """Return a threshold as it is set: no more digits than it has."""
    number = round(100 * value if unit == "frac" else value, 6)
    text = f"{abs(number):,.6f}".rstrip("0").rstrip(".")
    return f"{_MINUS if number < 0 else ''}{text}{_AFTER.get(unit, '').strip() if unit == 'frac' else ''}"


def say_distance(distance: float, unit: str) -> str:
    """Return how far a value has to go, without its direction: ``1.60 pts``, ``3.10 percentage points``."""
    size = abs(distance)
    if unit == "frac":
        text, word = say_plain(size, unit), "percentage points"
    else:
        word = _AFTER.get(unit, "").strip() or ("" if unit in ("count", "log", "corr", "exponent") else unit)
        text = say_plain(size, unit)
    if size and not any(digit in "123456789" for digit in text):
        return f"less than {text[:-1]}1 {word}".rstrip()
    word = word.removesuffix("s") if text == "1" and word.endswith("s") else word
    return f"{text} {'points' if word == 'index' else word}".rstrip()


def say_term(term: Term, units: Mapping[str, str], gaps: Mapping[str, str], *, wanted: bool) -> str:
    """Say what a term still needs, or by how much it is there.

    Parameters
    ----------
    units, gaps
        Unit of each column; of a column without a value on the session, why.
    wanted
        The truth that the next transition needs.

    Returns
    -------
    str
        For example ``vix_close_pts 23.40 pts, needs ≥ 25: 1.60 pts away``.
    """
    if term.truth is None:
        return say_missing(term, gaps)
    is_met = term.truth == wanted
    if term.flag is not None:
        to_be = term.flag == wanted
        if is_met:
            return f"{term.column} is {'true' if to_be else 'false'}: met"
        return f"needs {term.column} (false now)" if to_be else f"{term.column} to end (true now)"
    if term.text.endswith(" is not null") and not is_met:
        lacking = term.text.removesuffix(" is not null")
        return f"needs {lacking} (missing now)" if wanted else f"{lacking} to be missing (known now)"
    if term.distance is None or term.column is None or term.value is None or term.threshold is None:
        if is_met:
            return f"{term.text}{'' if wanted else ' does not hold'}: met"
        return f"needs {term.text} (false now)" if wanted else f"{term.text} to end (true now)"
    unit = units.get(term.column, "")
    name = f"size of {term.column}" if term.is_size else term.column
    said = f"{name} {say_value(term.value, unit)}"
    away = say_distance(term.distance, unit) if term.distance else "at the threshold"
    if is_met:
        return f"{said}, met: {away} from {say_threshold(term.threshold, unit)}"
    return f"{said}, needs {_BOUNDS[str(term.bound)]}{say_threshold(term.threshold, unit)}" + (
        f": {away} away" if term.distance else f": {away}"
    )


def say_missing(term: Term, gaps: Mapping[str, str]) -> str:
    """Say what an unknown truth lacks, with the reason of ``mart.daily_signal_gaps``."""
    whys = {"absent": "absent", "stale": "too old", "warming_up": "still warming up"}
    lacks = [f"{column} is {whys.get(gaps.get(column, ''), 'missing')}" for column in term.missing]
    return f"not evaluable: {', '.join(lacks) or term.text}"


def join_words(words: Sequence[str], last: str = "and") -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def say_count(count: int, noun: str) -> str:
    """Return ``1 session`` or ``2 sessions``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def say_truth(truth: bool | None) -> str:
    """Return ``true``, ``false`` or ``not evaluable``."""
    return NOT_EVALUABLE if truth is None else "true" if truth else "false"
