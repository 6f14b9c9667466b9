"""The hash of a policy, and the words for what differs."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.policies import SMALL, load, small
from transforms.policy.differences import describe_difference
from transforms.policy.identity import canonical_text, policy_hash

HASH = policy_hash(load())

SAME = {
    "comment": small("value = 25.0", "value = 25.0 # as published"),
    "blank lines": SMALL.replace("\n", "\n\n"),
    "number": small("value = 25.0", "value = 25"),
    "exponent": small("value = 25.0", "value = 2.5e1"),
    "underscore": small("highest = 80", "highest = 8_0.00"),
    "zero": small("lowest = 0\n", "lowest = -0.0\n"),
    "inline table": small(
        'expression = "vix_close_pts is not null"', 'expression = "vix_close_pts IS  NOT NULL"\nmay_never_hold = false'
    ),
    "expression": small("vix_close_pts >= $arm_vix_pts", "((VIX_close_pts)>=$ARM_vix_pts)"),
    "several lines": small('"vix_close_pts >= $arm_vix_pts"', '"""\n  vix_close_pts\n  >= $arm_vix_pts\n"""'),
    "text": small('meaning = "VIX is high"', "meaning = '''VIX   is\nhigh'''"),
    "order of keys": small('value = 25.0\nunit = "pts"', 'unit = "pts"\nvalue = 25.0'),
    "order of tables": SMALL[: SMALL.index("[rules")]
    + SMALL[SMALL.index("[guards") :]
    + SMALL[SMALL.index("[rules") : SMALL.index("[guards")],
    "line endings": SMALL.replace("\n", "\r\n"),
}

CHANGED = {
    "value": (small("value = 25.0", "value = 25.000001"), ["parameter arm_vix_pts: value changes from 25 pts to"]),
    "limit": (small("highest = 80", "highest = 81"), ["parameter arm_vix_pts: highest allowed value changes from 80"]),
    "provenance": (
        small('provenance = "article"', 'provenance = "ours"'),
        ["parameter arm_vix_pts: provenance changes from article to ours"],
    ),
    "meaning": (small("arms here", "arms there"), ["parameter arm_vix_pts: meaning changes from arms here to"]),
    "name": (small('"small"', '"other"'), ["the policy's name changes from 'small' to 'other'"]),
    "description": (small("a policy for tests", "another"), ["the policy's description changes"]),
    "condition": (
        small("vix_close_pts >= $", "vix_close_pts > $"),
        ["guard high: condition changes from vix_close_pts >= $arm_vix_pts to vix_close_pts > $arm_vix_pts"],
    ),
    "permission": (
        small('meaning = "there is a price"', 'meaning = "there is a price"\nmay_always_hold = true'),
        ["rule base.listed: permission to always hold changes from no to yes"],
    ),
    "guard name": (
        small("[guards.high]", "[guards.higher]"),
        ["guard high is removed; it was vix_close_pts >= $arm_vix_pts (ours)", "guard higher is added"],
    ),
    "layer": (
        small("is_enabled = true", "is_enabled = false"),
        ["the layer base is switched off"],
    ),
    "sizing": (
        small('"fixed_notional"', '"vpd"')
        .replace("base_notional_frac", "vpd_nav_per_contract_usd")
        .replace(
            'value = 0.01\nunit = "frac"\nlowest = 0\nhighest = 0.05',
            'value = 100000\nunit = "usd"\nlowest = 100000\nhighest = 200000',
        ),
        [
            "the layer base changes from fixed_notional to vpd",
            "parameter base_notional_frac is removed; it was 0.01 frac (article)",
            "parameter vpd_nav_per_contract_usd is added: 100000 usd (article)",
        ],
    ),
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_spelling_does_not_change_the_hash(text: str) -> None:
    assert text != SMALL
    assert policy_hash(load(text)) == HASH
    assert describe_difference(load(), load(text)) == []


@pytest.mark.parametrize(("text", "sentences"), CHANGED.values(), ids=CHANGED.keys())
def test_meaning_changes_the_hash_and_is_said_in_words(text: str, sentences: list[str]) -> None:
    assert policy_hash(load(text)) != HASH
    found = describe_difference(load(), load(text))
    assert len(found) == len(sentences)
    for sentence, start in zip(found, sentences, strict=True):
        assert sentence.startswith(start)


def test_changes_all_have_hashes_of_their_own() -> None:
    assert len({policy_hash(load(text)) for text, _ in CHANGED.values()}) == len(CHANGED)


def test_hash_is_a_sha256_of_ascii_json() -> None:
    assert re.fullmatch("[0-9a-f]{64}", HASH)
    assert canonical_text(load()).isascii()
    assert list(json.loads(canonical_text(load()))) == sorted(json.loads(canonical_text(load())))


def test_hash_stays_what_it_was() -> None:
    # Signatures are made over it: a change of the canonical form would void every one of them.
    assert HASH == "3bc071237c62f1419b7f0e4989d54c3da146d1eb67e5d2da159e50d6a390fc6e"


def test_swept_value_has_the_hash_of_the_file_that_states_it() -> None:
    swept = load().with_values({"arm_vix_pts": 28.0})
    assert policy_hash(swept) == policy_hash(load(small("value = 25.0", "value = 28")))
