"""What Prefect's pages show of a run, made without Prefect's server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.run import NightResult
from flows.run_page import check_rows, end_night, head_of_report, name_nightly, show, source_rows, tag_night
from warehouse.checks import CheckResult

FRIDAY_EVENING = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
REPORT = """# Hedge state

Curve flat.

## Hedge layers

- **Base** active

### Base: active

details

## Ledger
"""


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"source": "cboe"}, "nightly 2026-11-20 cboe"),
        ({"source": None}, "nightly 2026-11-20 sample"),
        ({"archive": "/some/where"}, "nightly 2026-11-20 archive"),
        ({"source": "sample", "as_of": "2026-11-12"}, "nightly 2026-11-12 sample"),
        ({"source": "nowhere"}, "nightly 2026-11-20 of no source"),
    ],
)
def test_run_is_named_by_session_and_source(
    parameters: dict[str, str | None], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("ALVH_SOURCE", "ALVH_ARCHIVE"):
        monkeypatch.delenv(variable, raising=False)
    assert name_nightly(parameters, FRIDAY_EVENING) == name


def test_tags_say_source_market_and_how_it_ended() -> None:
    tags = tag_night("cboe", is_simulated=False, outcome="source_unavailable", exit_code=5)
    assert tags == ["alvh", "cboe", "real", "source-unavailable", "exit-5"]


@pytest.mark.parametrize(
    ("code", "outcome", "name"),
    [(0, "published", "Published"), (3, "degraded", "Degraded"), (0, "nothing_new", "Nothing new")],
)
def test_state_has_the_sentence_and_a_name(code: int, outcome: str, name: str) -> None:
    from prefect.client.schemas.objects import State

    result = NightResult(code, outcome, "1 new: 2026-11-20")
    state = end_night(result)
    assert isinstance(state, State)
    assert state.is_completed()
    assert (state.name, state.message, state.data) == (name, "1 new: 2026-11-20", result)


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://vix.example.org/x.html", "[The whole report](https://vix.example.org/x.html)"),
        ("/home/me/x.html", "The whole report: `/home/me/x.html`"),
    ],
)
def test_head_of_the_report_ends_before_the_details(link: str, shown: str) -> None:
    lines = head_of_report(REPORT, link).splitlines()
    assert lines[:7] == REPORT.splitlines()[:7]
    assert lines[-1] == shown
    assert "details" not in lines


def test_head_of_a_report_without_layers_ends_before_its_second_section() -> None:
    assert "## B" not in head_of_report("# Title\n\n## A\n\ntext\n\n## B\n", "x")


def test_checks_that_failed_come_first_errors_before_warnings() -> None:
    results = [
        CheckResult(name, "sql", severity, passed, 0 if passed else 2, "what", "[]")
        for name, severity, passed in (("a", "error", True), ("b", "warn", False), ("c", "error", False))
    ]
    rows = check_rows(results)
    assert [(row["check"], row["result"], row["rows"]) for row in rows] == [
        ("c", "FAILED", 2),
        ("b", "FAILED", 2),
        ("a", "passed", 0),
    ]


def test_sources_that_are_not_well_come_first() -> None:
    source = dict.fromkeys(("publisher", "requirement", "newest_reference_date", "age_sessions", "note"))
    sources = [{**source, "label": label, "status": status} for label, status in (("a", "ok"), ("b", "stale"))]
    rows = source_rows({"data_health": {"sources": sources}})
    assert [(row["source"], row["status"], row["newest"]) for row in rows] == [("b", "stale", ""), ("a", "ok", "")]


def test_page_that_cannot_be_shown_fails_no_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said: list[tuple[object, ...]] = []

    class Logger:
        def warning(self, *arguments: object) -> None:
            said.append(arguments)

    monkeypatch.setattr("prefect.get_run_logger", Logger)
    show(lambda: (tmp_path / "nothing").read_text())
    assert said[0][1] == "FileNotFoundError"
