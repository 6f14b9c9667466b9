"""Every reader of what comes from outside, on a few hundred damaged inputs, and on every input that was ever a find."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from random import Random
from zlib import crc32

import pytest

from tests.fuzz.edits import Edit, apply_edits
from tests.fuzz.engine import bounded, mutate, run_mutation
from tests.fuzz.table import TARGETS
from tests.fuzz.targets import Target

CASES = Path(__file__).resolve().parent / "cases"
KEPT = [
    pytest.param(target, path, id=f"{target.name}-{path.name}")
    for target in TARGETS
    for path in sorted((CASES / target.name).glob("*"))
]
EACH = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@pytest.mark.parametrize(("target", "path"), KEPT)
def test_what_was_a_find_once_is_none_any_more(target: Target, path: Path) -> None:
    with bounded():
        target.run(path.read_bytes())


@EACH
def test_good_input_is_taken(target: Target) -> None:
    assert target.seeds
    for seed in target.seeds:
        target.run(seed)


@EACH
def test_damaged_input_is_refused_or_taken_whole(target: Target) -> None:
    rng = Random(crc32(target.name.encode()))  # the same inputs in every run
    for _ in range(target.quick):
        body = mutate(target, rng)
        try:
            with bounded():
                target.run(body)
        except Exception as error:
            raise AssertionError(f"{target.name}: {type(error).__name__}: {error}\ninput: {body[:2000]!r}") from error


@pytest.mark.slow
@EACH
def test_damaged_input_for_as_long_as_asked(target: Target) -> None:
    found = run_mutation(
        target, float(os.environ.get("FUZZ_SECONDS", "20")), seed=int(os.environ.get("FUZZ_SEED", "7"))
    )
    assert found["tried"] > 0
    assert found["finds"] == {}


def test_folder_of_cases_is_that_of_a_target() -> None:
    assert {path.name for path in CASES.iterdir()} <= {target.name for target in TARGETS}
    assert KEPT


def test_names_of_targets_are_told_apart() -> None:
    assert len({target.name for target in TARGETS}) == len(TARGETS)


def test_target_that_takes_what_it_must_not_is_found() -> None:
    """The harness itself: a reader that crashes on a digit is caught, with its input."""

    def read(body: bytes) -> None:
        if b"7" in body:
            raise KeyError("seven")

    found = run_mutation(Target("planted", read, (b"price,17.5\n",)), 0.2, seed=1)
    assert [key for key in found["finds"] if key.startswith("KeyError")]


def test_reader_that_hangs_is_found() -> None:
    from tests.fuzz.engine import HangError

    with pytest.raises(HangError), bounded(1):
        threading.Event().wait()


def test_edits_are_a_function_of_what_they_are_given() -> None:
    edits = [Edit(kind, 30_000, 500 + kind, kind) for kind in range(20)]
    seed = b"a,1.5\nb,2.5\n"
    assert apply_edits(seed, edits, (b"x",), (seed,)) == apply_edits(seed, edits, (b"x",), (seed,))
    changed = {apply_edits(seed, [edit], (b"x",), (b"other",)) for edit in edits}
    assert len(changed) > 10
