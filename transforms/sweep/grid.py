"""A grid file: a base policy and the values that some of its numbers shall take, expanded to policies.

The order is that of the parameters' names and of the values as listed, whatever the order of the file; the id of a
policy is a hash of what it is, so that two grids that hold the same policy call it the same.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

from transforms.errors import PolicyError, UsageError
from transforms.policy.expression import format_number
from transforms.policy.identity import policy_hash
from transforms.policy.model import SETTINGS, Policy
from transforms.sweep.objectives import OBJECTIVES
from transforms.toml_file import TomlFile, TomlReader, show_value
from transforms.wording import nearest

SCHEMA_VERSION = 1
MOST_POLICIES = 200_000
READING = "reading"
"""Name under which the reading of the temporal layer stands beside the parameters."""

_CONSTRAINT = re.compile(
    r"^\s*([a-z_0-9]+)\s*(<=|>=|<|>)\s*([a-z_][a-z_0-9]*|-?\d+(?:\.\d+)?)\s*(?:([+-])\s*(\d+(?:\.\d+)?))?\s*$"
)
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_SWEPT_SIZINGS = ("condor_band", "fixed_notional")
_KEYS = ("schema_version", "name", "base", "parameters")
_MAY_KEYS = ("description", "readings", "constraints", "objective", "map")
_RANGE_KEYS = ("from", "to", "step")

Place = tuple[str, ...]
Value = float | str


class GridError(UsageError):
    """A grid file cannot be used as written."""


@dataclass(frozen=True)
class GridFile(TomlFile):
    """The text of a grid and its name."""

    kind: ClassVar[str] = "grid file"
    error: ClassVar[type[UsageError]] = GridError
    way_out: ClassVar[str] = "start from the example in docs/sweep.md"


@dataclass(frozen=True)
class Constraint:
    """A condition between numbers of a policy: ``left compare right + shift``."""

    text: str
    left: str
    compare: str
    right: str | float
    shift: float

    def holds(self, values: Mapping[str, float]) -> bool:
        """Tell whether it holds for the numbers of a policy."""
        right = values[self.right] if isinstance(self.right, str) else self.right
        # Decimal steps written in binary: 0.3 is not 0.1 + 0.2, but nobody who wrote it means the difference.
        left, bound = round(values[self.left], 12), round(right + self.shift, 12)
        return _COMPARE[self.compare](left, bound)


@dataclass(frozen=True)
class Grid:
    """A grid as written.

    Attributes
    ----------
    axes
        Values by name of the parameter, and of ``reading`` where readings are listed; names ascending.
    map_rows, map_columns
        Axes of the heat map; None where only one axis has more than one value.
    """

    name: str
    description: str
    base: Policy
    axes: Mapping[str, tuple[Value, ...]]
    constraints: tuple[Constraint, ...]
    objective: str
    map_rows: str | None
    map_columns: str | None

    @property
    def size(self) -> int:
        """Combinations, the impossible ones among them."""
        return math.prod(len(values) for values in self.axes.values())


@dataclass(frozen=True)
class GridPolicy:
    """One policy of a grid: its id, the values that make it, and itself."""

    policy_id: str
    values: Mapping[str, Value]
    policy: Policy


@dataclass(frozen=True)
class Expansion:
    """The policies of a grid, and the combinations that are none: how many for which reason."""

    policies: tuple[GridPolicy, ...]
    skipped: Mapping[str, int]

    @property
    def grid_hash(self) -> str:
        """Hash of the policies in their order, 64 hexadecimal digits: what is evaluated, not how it is shown."""
        return hashlib.sha256("\n".join(one.policy_id for one in self.policies).encode()).hexdigest()


def read_grid(text: str, *, where: str, load_base: Callable[[str], Policy]) -> Grid:
    """Read and check a grid file.

    Parameters
    ----------
    text
        The TOML.
    where
        Name of the file, for errors.
    load_base
        Returns the policy that ``base`` names: a preset, or a file beside the grid.

    Raises
    ------
    GridError
        At the first thing that cannot be used; ``where`` is ``file:line (key)``.
    """
    source = GridFile(text.removeprefix("\ufeff"), where)
    return _Reader(source, load_base).grid(source.tables())


def expand_grid(grid: Grid) -> Expansion:
    """Make the policies of a grid.

    A combination that contradicts a constraint of the grid, a range of the policy or the order of its numbers is left
    out and counted by its reason.

    Raises
    ------
    GridError
        If nothing is left.
    """
    base = policy_hash(grid.base)
    policies: list[GridPolicy] = []
    skipped: Counter[str] = Counter()
    of_numbers: dict[tuple[Value, ...], Policy | str] = {}  # judged once for all readings
    for combination in itertools.product(*grid.axes.values()):
        values = dict(zip(grid.axes, combination, strict=True))
        numbers = {name: value for name, value in values.items() if not isinstance(value, str)}
        if (key := tuple(numbers.values())) not in of_numbers:
            of_numbers[key] = _put_numbers(grid, numbers)
        policy = of_numbers[key]
        if isinstance(policy, str):
            skipped[policy] += 1
        else:
            policies.append(_put_reading(GridPolicy(identify_policy(base, values), values, policy)))
    if not policies:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in sorted(skipped.items()))
        raise GridError(
            "no combination of the grid is a policy",
            where=grid.name,
            found=reasons,
            expected="at least one combination that meets every range and constraint",
            next_step="widen the lists, or loosen the constraints",
        )
    return Expansion(tuple(policies), dict(sorted(skipped.items())))


def remake_policy(base: Policy, policy_id: str, values: Mapping[str, Value]) -> GridPolicy:
    """Make a policy of an expansion again.

    Raises
    ------
    PolicyError
        If the values are none that the base policy may have.
    """
    numbers = {name: value for name, value in values.items() if not isinstance(value, str)}
    return _put_reading(GridPolicy(policy_id, values, base.with_values(numbers)))


def _put_numbers(grid: Grid, numbers: Mapping[str, float]) -> Policy | str:
    """The base with other numbers, or why that is no policy of the grid."""
    try:
        policy = grid.base.with_values(numbers)
    except PolicyError as error:
        return error.what
    broken = next((one for one in grid.constraints if not one.holds(policy.values)), None)
    return policy if broken is None else f"constraint {broken.text}"


def _put_reading(made: GridPolicy) -> GridPolicy:
    if READING not in made.values:
        return made
    reading, layers = str(made.values[READING]), made.policy.layers
    changed = tuple(replace(one, setting=reading) if one.name == "temporal_vega" else one for one in layers)
    return replace(made, policy=replace(made.policy, layers=changed))


def identify_policy(base_hash: str, values: Mapping[str, Value]) -> str:
    """Return the id of the policy that values make of a base policy with a hash: 16 hexadecimal digits of both."""
    said = {name: value if isinstance(value, str) else format_number(value) for name, value in values.items()}
    text = json.dumps([base_hash, said], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


@dataclass(frozen=True)
class _Reader(TomlReader):
    load_base: Callable[[str], Policy]

    def grid(self, body: Mapping[str, Any]) -> Grid:
        self.check_keys((), body, _KEYS, _MAY_KEYS)
        if self.number((), body, "schema_version") != SCHEMA_VERSION:
            self.fail(
                ("schema_version",),
                "a grid of another version",
                found=show_value(body["schema_version"]),
                expected=str(SCHEMA_VERSION),
            )
        base = self.base(body)
        axes: dict[str, tuple[Value, ...]] = {
            name: self.axis(base, name, entry) for name, entry in self.parameters(base, body).items()
        }
        if "readings" in body:
            axes[READING] = self.readings(base, body["readings"])
        axes = dict(sorted(axes.items()))
        objective = self.text((), body, "objective") if "objective" in body else next(iter(OBJECTIVES))
        if objective not in OBJECTIVES:
            self.fail(
                ("objective",),
                "the policies cannot be compared by that",
                found=objective,
                expected=", ".join(OBJECTIVES),
            )
        rows, columns = self.map_axes(body, axes)
        grid = Grid(
            name=self.text((), body, "name"),
            description=self.text((), body, "description") if "description" in body else "",
            base=base,
            axes=axes,
            constraints=self.constraints(base, body),
            objective=objective,
            map_rows=rows,
            map_columns=columns,
        )
        if grid.size > MOST_POLICIES:
            self.fail(
                ("parameters",),
                "the grid is too large",
                found=f"{grid.size:,} combinations",
                expected=f"at most {MOST_POLICIES:,}",
                next_step="take wider steps, or fewer parameters at a time",
            )
        return grid

    def base(self, body: Mapping[str, Any]) -> Policy:
        name = self.text((), body, "base")
        try:
            policy = self.load_base(name)
        except PolicyError as error:
            # An error inside of the policy's own file has its own place.
            if error.where and ":" in error.where:
                raise
            self.fail(
                ("base",),
                error.what,
                found=error.found or name,
                expected=error.expected or "a preset, or the file of a policy",
                next_step=error.next_step,
            )
        sizing = str(policy.machine()["sizing"])
        if sizing not in _SWEPT_SIZINGS:
            self.fail(
                ("base",),
                "only policies that are sized in VIX futures can be swept",
                found=f"{name}, sized by {sizing}",
                expected=" or ".join(_SWEPT_SIZINGS),
            )
        return policy

    def parameters(self, base: Policy, body: Mapping[str, Any]) -> dict[str, Any]:
        found = self.table((), body, "parameters")
        known = sorted(base.values)
        for name in found:
            if name not in base.values:
                self.fail(
                    ("parameters", name),
                    f"the policy {base.name} has no parameter {name}",
                    found=name,
                    expected=nearest(name, known, ", ".join(known)),
                )
        if not found and "readings" not in body:
            self.fail(("parameters",), "the grid varies nothing", expected="at least one parameter with its values")
        return found

    def axis(self, base: Policy, name: str, entry: Any) -> tuple[float, ...]:
        path = ("parameters", name)
        if isinstance(entry, dict):
            values = self.spread(path, entry)
        elif isinstance(entry, list):
            values = tuple(
                self.number(path, {f"[{place}]": one}, f"[{place}]") for place, one in enumerate(entry, start=1)
            )
        else:
            values = (self.number(("parameters",), {name: entry}, name),)
        if not values or len(set(values)) != len(values):
            self.fail(
                path,
                f"{name} has no value, or one twice",
                found=str(list(values))[:80],
                expected="a list of different numbers, or {from, to, step}",
            )
        limits = next(one for one in base.parameters if one.name == name)
        for value in values:
            if not limits.lowest <= value <= limits.highest:
                self.fail(
                    path,
                    f"a value of {name} is outside of its range in the policy {base.name}",
                    found=f"{value:g} {limits.unit}",
                    expected=f"{limits.lowest:g} to {limits.highest:g}",
                )
        return values

    def spread(self, path: Place, entry: Mapping[str, Any]) -> tuple[float, ...]:
        self.check_keys(path, entry, _RANGE_KEYS)
        start, stop, step = (Decimal(format_number(self.number(path, entry, key))) for key in _RANGE_KEYS)
        if step <= 0 or stop < start or (stop - start) / step > MOST_POLICIES:
            self.fail(
                path,
                "the range leads nowhere",
                found=f"from {start} to {stop} by {step}",
                expected="to at or above from, and a step above 0",
            )
        # In decimals, because 0.1 + 0.2 shall be the 0.3 that the file means.
        return tuple(float(start + step * number) for number in range(int((stop - start) / step) + 1))

    def readings(self, base: Policy, entry: Any) -> tuple[str, ...]:
        _, known = SETTINGS["temporal_vega"]
        if not base.layer("temporal_vega").is_enabled:
            self.fail(("readings",), "the policy does not use the temporal layer", expected="no readings")
        is_list = isinstance(entry, list) and entry and all(isinstance(one, str) for one in entry)
        if not is_list or not set(entry) <= set(known) or len(set(entry)) != len(entry):
            self.fail(
                ("readings",),
                "readings is not a list of readings",
                found=show_value(entry),
                expected=f"different ones of {', '.join(known)}",
            )
        return tuple(entry)

    def constraints(self, base: Policy, body: Mapping[str, Any]) -> tuple[Constraint, ...]:
        entry = body.get("constraints", [])
        if not isinstance(entry, list) or not all(isinstance(one, str) for one in entry):
            self.fail(
                ("constraints",), "constraints is not a list of texts", expected='["leave_vix_pts < arm_vix_pts"]'
            )
        return tuple(self.constraint(base, text) for text in entry)

    def constraint(self, base: Policy, text: str) -> Constraint:
        match = _CONSTRAINT.match(text)
        if match is None:
            self.fail(
                ("constraints",),
                "a constraint cannot be read",
                found=text[:80],
                expected="PARAMETER < PARAMETER + NUMBER, with <, <=, > or >=",
            )
        left, compare, right, sign, shift = match.groups()
        for name in (left, right):
            if name not in base.values and not re.fullmatch(r"-?\d+(\.\d+)?", name):
                known = sorted(base.values)
                self.fail(
                    ("constraints",),
                    f"the policy {base.name} has no parameter {name}",
                    found=text,
                    expected=nearest(name, known, ", ".join(known)),
                )
        if left not in base.values:
            self.fail(("constraints",), "a constraint begins with a number", found=text, expected="a parameter first")
        moved = float(shift or 0) * (-1 if sign == "-" else 1)
        is_name = right in base.values
        return Constraint(" ".join(text.split()), left, compare, right if is_name else float(right), moved)

    def map_axes(self, body: Mapping[str, Any], axes: Mapping[str, Sequence[Value]]) -> tuple[str | None, str | None]:
        varied = sorted((name for name in axes if len(axes[name]) > 1), key=lambda name: (-len(axes[name]), name))
        if "map" not in body:
            return (varied[0], varied[1]) if len(varied) > 1 else (None, None)
        entry = self.table((), body, "map")
        self.check_keys(("map",), entry, ("rows", "columns"))
        chosen = tuple(self.text(("map",), entry, key) for key in ("rows", "columns"))
        for key, name in zip(("rows", "columns"), chosen, strict=True):
            if name not in varied:
                self.fail(
                    ("map", key),
                    "the map wants an axis that the grid does not vary",
                    found=name,
                    expected=", ".join(varied) or "none is varied",
                )
        if chosen[0] == chosen[1]:
            self.fail(("map",), "the map has one axis twice", found=chosen[0], expected="two different ones")
        return chosen[0], chosen[1]
