"""What is news between two nights, and the one message that tells it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.support.explain_fixtures import AS_OF, make_facts
from transforms.explain.build import build_explanation
from transforms.notices.addresses import explain_refusal, link_report, redact_address, split_addresses
from transforms.notices.kinds import DEFAULT_KINDS, DEFAULT_TEXT, KINDS, read_kinds
from transforms.notices.message import (
    LONGEST_TITLE,
    MOST_LINES,
    Message,
    Undelivered,
    explain_silence,
    merge_late,
    write_message,
)
from transforms.notices.news import drop_repeated, find_failure, find_news
from transforms.notices.standing import Evening, Standing, build_evening

DAY_BEFORE = date(2026, 2, 19)
CURVE = {"vix_close_pts": 26.1, "vx1_settle_pts": 25.0, "contango_frac": -0.021, "curve_regime": "backwardation"}
SOURCE = {
    "label": "VVIX history",
    "status": "ok",
    "newest_reference_date": "2026-02-20",
    "age_sessions": 0,
    "note": "",
}
STALE_SOURCE = SOURCE | {"status": "stale", "newest_reference_date": "2026-02-18", "age_sessions": 2}


def evening(**changes: Any) -> Evening:
    options: dict[str, Any] = {
        "explanation": build_explanation(make_facts()),
        "health": {"sources": [SOURCE], "reasons": []},
        "curve": CURVE,
        "is_simulated": False,
    }
    return build_evening(AS_OF, **{**options, **changes})


def before(tonight: Evening, **changes: Any) -> Standing:
    return replace(tonight.standing, session=DAY_BEFORE, **changes)


def test_quiet_evening_has_no_news() -> None:
    tonight = evening()
    assert find_news(tonight, before(tonight)) == []


def test_first_session_has_no_news_of_states() -> None:
    assert find_news(evening(health={"sources": [STALE_SOURCE], "reasons": []}), None) == []


def test_transition_tells_states_reason_and_the_numbers_of_the_rule() -> None:
    tonight = evening()
    layers = {**tonight.standing.layers, "temporal_vega": ("idle", 0)}
    (news,) = find_news(tonight, before(tonight, layers=layers))
    assert (news.kind, news.short) == ("transition", "temporal vega idle → armed")
    (line,) = news.lines
    assert line.startswith("Temporal vega idle → armed: volatility is at its arming level, waiting for")
    assert "vix_close_pts 26.10 pts (≥ 25 holds)" in line
    assert "is_ts_macd_converging false" in line


def test_further_step_is_news_of_a_layer_that_stays_active() -> None:
    tonight = evening()
    layers = {**tonight.standing.layers, "base": ("active", 3)}
    (news,) = find_news(tonight, before(tonight, layers=layers))
    assert news.short == "base step 3 → 1"


def test_layer_that_was_not_there_before_is_no_transition() -> None:
    tonight = evening()
    layers = {"base": tonight.standing.layers["base"]}
    assert find_news(tonight, before(tonight, layers=layers)) == []


def test_governor_change_says_which_guard_holds() -> None:
    explanation = build_explanation(make_facts())
    explanation["governor"] |= {"mode": "steward", "held_text": "FOMC today"}
    tonight = evening(explanation=explanation)
    (news,) = find_news(tonight, before(tonight, governor_mode="promoter"))
    assert (news.kind, news.short) == ("governor", "governor promoter → steward")
    assert news.lines == ("Governor promoter → steward: FOMC today",)


def test_degraded_evening_tells_every_reason() -> None:
    tonight = evening(health={"sources": [], "reasons": ["one.", "two."]})
    (news,) = find_news(tonight, before(tonight))
    assert (news.kind, news.short, news.lines) == (
        "degraded",
        "degraded data, 2 reasons",
        ("Degraded: one.", "Degraded: two."),
    )


def test_source_is_news_when_it_becomes_stale_and_not_while_it_stays() -> None:
    tonight = evening(health={"sources": [STALE_SOURCE], "reasons": []})
    (news,) = find_news(tonight, before(tonight, unwell=frozenset()))
    assert (news.kind, news.short) == ("stale", "VVIX history stale")
    assert news.lines == ("New since 2026-02-19: VVIX history stale, newest value 2026-02-18, 2 sessions behind",)
    assert find_news(tonight, before(tonight)) == []


def test_source_that_the_reasons_name_is_told_once() -> None:
    other = STALE_SOURCE | {"label": "VVIX history of old"}
    reason = "VVIX history (cboe) is stale."
    tonight = evening(health={"sources": [STALE_SOURCE, other], "reasons": [reason]})
    news = find_news(tonight, before(tonight, unwell=frozenset()))
    assert [one.kind for one in news] == ["degraded", "stale", "stale"]
    assert [one.short for one in drop_repeated(news)] == ["degraded data, 1 reason", "VVIX history of old stale"]
    assert drop_repeated(news[1:]) == news[1:], "who is told of no degraded night is told of the source"


def test_source_that_a_home_never_had_is_no_news() -> None:
    tonight = evening(health={"sources": [SOURCE | {"status": "absent"}], "reasons": []})
    assert find_news(tonight, before(tonight, unwell=frozenset())) == []


def test_orders_of_a_book_are_counted_and_not_named() -> None:
    tonight = evening(orders=[("VX 2026-03-18", -3)], book_orders=2)
    (news,) = find_news(tonight, before(tonight))
    assert (news.kind, news.short) == ("orders", "3 orders")
    assert news.lines == ("Orders of the model account: -3 VX 2026-03-18", "Your book has 2 orders")


def test_failure_names_code_error_and_what_is_published() -> None:
    error = ["VIX is missing", "  where:    VIX_History.csv", "  next:     run again later"]
    news = find_failure(AS_OF, 5, error, DAY_BEFORE)
    assert news.short == "night failed, code 5"
    assert news.lines == ("Failed: VIX is missing", "where: VIX_History.csv", "Published: session 2026-02-19")
    assert news.to_do == "run again later; docs/runbook.md, exit code 5"


def test_failure_found_again_is_the_same_news_whatever_it_found() -> None:
    one, two, other = (
        find_failure(AS_OF, 5, [what, f"  found:    {found}"], None)
        for what, found in (("no VIX", "after 3 s"), ("no VIX", "after 4 s"), ("no list", "after 3 s"))
    )
    assert one.key == two.key
    assert one.key != other.key


def test_key_of_news_changes_with_what_it_says() -> None:
    tonight, other = (evening(health={"sources": [], "reasons": [reason]}) for reason in ("one.", "two."))
    assert find_news(tonight, None)[0].key != find_news(other, None)[0].key
    assert find_news(tonight, None)[0].key == find_news(tonight, before(tonight))[0].key


def test_message_is_short_whatever_happened() -> None:
    explanation = build_explanation(make_facts())
    tonight = evening(
        explanation=explanation,
        health={"sources": [STALE_SOURCE], "reasons": [f"reason {number} " + 400 * "x" for number in range(30)]},
        orders=[(f"VX 2026-0{number}-18", number) for number in range(1, 10)],
        is_simulated=True,
    )
    layers = dict.fromkeys(tonight.standing.layers, ("blocked", 0))
    news = find_news(tonight, before(tonight, layers=layers, governor_mode="other", unwell=frozenset()))
    assert {one.kind for one in news} == set(KINDS) - {"failed"}
    message = write_message(news, is_simulated=True, numbers=tonight.curve, report="https://example.org/x")
    title, body = merge_late(message, [Undelivered("alvh 2026-02-18: x", "x")] * 4) or ("", "")
    assert len(title) <= LONGEST_TITLE
    assert len(body.splitlines()) <= MOST_LINES
    assert title.endswith("and 6 more")
    assert body.splitlines()[0].startswith("SIMULATED")
    assert "Report: https://example.org/x" in body.splitlines()


def test_message_of_a_simulated_market_says_so_in_its_title() -> None:
    tonight = evening(health={"sources": [], "reasons": ["one."]}, is_simulated=True)
    message = write_message(find_news(tonight, None), is_simulated=True)
    assert message.title == "alvh SIMULATED 2026-02-20: degraded data, 1 reason"


def test_message_has_numbers_report_and_what_to_do_in_this_order() -> None:
    tonight = evening(health={"sources": [], "reasons": ["one."]})
    message = write_message(find_news(tonight, None), is_simulated=False, numbers=tonight.curve, report="/home/x.html")
    assert message.body.splitlines() == [
        "Degraded: one.",
        "VIX 26.10, VX1 25.00, contango −2.10%, regime backwardation",
        "Report: /home/x.html",
        "To do: `alvh status`, then docs/runbook.md, source late",
    ]


def test_missing_numbers_are_dashes() -> None:
    assert evening(curve=dict.fromkeys(CURVE)).curve == "VIX —, VX1 —, contango —, regime —"


def test_hostile_reason_is_one_line() -> None:
    tonight = evening(health={"sources": [], "reasons": ["a\nReport: http://evil\x1b[31m"]})
    message = write_message(find_news(tonight, None), is_simulated=False)
    assert message.body.splitlines()[0] == "Degraded: a Report: http://evil[31m"


LATE = Undelivered("alvh 2026-02-19: governor promoter → steward", "Governor promoter → steward: FOMC today")
TONIGHT = Message("alvh 2026-02-20: degraded data, 1 reason", "Degraded: one.", AS_OF)


@pytest.mark.parametrize(
    ("tonight", "late", "merged"),
    [
        (None, [], None),
        (TONIGHT, [], (TONIGHT.title, TONIGHT.body)),
        (None, [LATE], (f"late: {LATE.title}", LATE.body)),
        (
            TONIGHT,
            [LATE],
            (
                TONIGHT.title,
                f"{TONIGHT.body}\nNot delivered before: 2026-02-19: governor promoter → steward",
            ),
        ),
    ],
)
def test_receiver_gets_one_message_with_what_it_has_not_had(
    tonight: Message | None, late: list[Undelivered], merged: tuple[str, str] | None
) -> None:
    assert merge_late(tonight, late) == merged


def test_silence_says_what_was_looked_at() -> None:
    tonight = evening()
    assert explain_silence(tonight, before(tonight), [], DEFAULT_KINDS) == (
        "since 2026-02-19: no layer moved, governor stays promoter, data ok, no source became stale"
    )


def test_silence_claims_nothing_of_a_kind_that_was_found_and_not_chosen() -> None:
    tonight = evening(health={"sources": [], "reasons": ["one."]})
    news = find_news(tonight, before(tonight))
    said = explain_silence(tonight, before(tonight), news, {"transition"})
    assert "data ok" not in said
    assert said.endswith("; not chosen: degraded data, 1 reason")
    assert explain_silence(tonight, before(tonight), news, DEFAULT_KINDS) == "told already: degraded data, 1 reason"


def test_standing_goes_through_json() -> None:
    standing = evening(health={"sources": [STALE_SOURCE], "reasons": []}).standing
    assert Standing.from_json(json.loads(json.dumps(standing.to_json()))) == standing


def test_kinds_are_read_from_a_list_and_unknown_words_are_named() -> None:
    assert read_kinds("Failed, transition orders") == (frozenset({"failed", "transition", "orders"}), ())
    assert read_kinds("faild") == (frozenset(), ("faild",))
    assert read_kinds(DEFAULT_TEXT) == (frozenset(DEFAULT_KINDS), ())
    assert "orders" not in DEFAULT_KINDS


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("ntfy://topic", ("ntfy://topic",)),
        ("ntfy://topic, mailto://me:pw@example.org?to=a@b.c,d@e.f", None),
        ("  json://a\n\tjson://b ;", ("json://a", "json://b")),
        ("", ()),
    ],
)
def test_addresses_are_split_before_a_scheme_only(text: str, addresses: tuple[str, ...] | None) -> None:
    expected = addresses or () if addresses is not None else tuple(text.split(", "))
    assert split_addresses(text) == expected


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ntfy://token@host/topic", "ntfy://***"),
        ("https://discord.com/api/webhooks/1/secret", "https://***"),
        ("xoxb-a-bare-token", "***"),
        ("averyverylongtokenwithoutend://x", "***"),
        ("", "***"),
    ],
)
def test_redacted_address_is_its_scheme_alone(address: str, shown: str) -> None:
    assert redact_address(address) == shown


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["Failed to send to topic secret: Forbidden, error=403."], "refused with status 403"),
        (["A Connection error occurred sending JSON notification to secret.host."], "no connection"),
        (["something else: secret"], "not taken"),
        ([], "not taken"),
    ],
)
def test_refusal_is_said_without_anything_of_the_address(lines: list[str], why: str) -> None:
    assert explain_refusal(lines) == why


@pytest.mark.parametrize(
    ("base", "link"),
    [
        ("https://vix.example.org/reports/", "https://vix.example.org/reports/2026-02-20/hedge-state.html"),
        ("http://me:pw@localhost:8000", "http://localhost:8000/2026-02-20/hedge-state.html"),
    ],
)
def test_report_link_has_no_password(base: str, link: str) -> None:
    assert link_report(base, AS_OF) == link
