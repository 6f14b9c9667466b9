"""Errors: exit codes, lines for a terminal, and the way through a pickle."""

from __future__ import annotations

import copy
import pickle

import pytest

from transforms import errors

KINDS = [
    errors.PipelineError,
    errors.UsageError,
    errors.ChecksFailedError,
    errors.SourceError,
    errors.TransientSourceError,
    errors.LockHeldError,
    errors.PolicyError,
    errors.BookError,
]
PARTS = {"where": "a file", "found": "nine", "expected": "ten", "next_step": "look"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_error_keeps_everything_through_a_pickle(kind: type[errors.PipelineError]) -> None:
    before = kind("it broke", **PARTS)
    after = pickle.loads(pickle.dumps(before))  # noqa: S301 - our own bytes
    assert type(after) is kind
    assert {name: getattr(after, name) for name in PARTS} == PARTS
    assert (after.what, str(after)) == ("it broke", str(before))


@pytest.mark.parametrize("seconds", [0.0, 12.5, None])
def test_transient_error_keeps_its_retry_after_through_a_pickle(seconds: float | None) -> None:
    before = errors.TransientSourceError("busy", **PARTS, retry_after_seconds=seconds)
    after = pickle.loads(pickle.dumps(before))  # noqa: S301 - our own bytes
    assert after.retry_after_seconds == seconds
    assert after.found == "nine"


def test_transient_error_keeps_its_retry_after_through_a_copy() -> None:
    assert copy.copy(errors.TransientSourceError("busy", retry_after_seconds=3.0)).retry_after_seconds == 3.0


@pytest.mark.parametrize(
    ("kind", "code"),
    list(zip(KINDS, [1, 2, 4, 5, 5, 6, 2, 2], strict=True)),
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_error_has_the_promised_exit_code(kind: type[errors.PipelineError], code: int) -> None:
    assert kind.exit_code == code


def test_error_lines_name_what_where_found_expected_and_next() -> None:
    assert errors.PipelineError("it broke", **PARTS).lines() == [
        "it broke",
        "  where:    a file",
        "  found:    nine",
        "  expected: ten",
        "  next:     look",
    ]


def test_error_lines_leave_empty_parts_out() -> None:
    assert errors.PipelineError("it broke", found="nine").lines() == ["it broke", "  found:    nine"]


def test_transient_error_is_a_source_error() -> None:
    assert issubclass(errors.TransientSourceError, errors.SourceError)
