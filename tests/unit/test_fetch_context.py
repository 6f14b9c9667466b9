"""What a night asks for beyond what it needs: last, with little patience, and never at the settlements' cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flows.fetch import CONTEXT_SECONDS, FetchSummary, fetch_night, raise_if_worth_retrying
from flows.sources import federal_reserve, fred, plan, unicorn
from flows.sources.base import Absent, Fetched, Known, Outcome, Request
from flows.sources.http_policy import check_address, expected_kind
from transforms.errors import SourceError, TransientSourceError
from warehouse.home import Home
from warehouse.raw_store import RawStore

SESSION = date(2025, 9, 12)
NOW = datetime(2025, 9, 12, 22, 30, tzinfo=UTC)


def host_of(request: Request) -> str:
    return urlsplit(request.url).hostname or ""


@dataclass
class Publishers:
    """Answers "absent", or what a test wants, and writes down what was asked for."""

    answer: Callable[[Request], Outcome | SourceError] = lambda request: Absent(request, NOW, "not there")
    asked: list[Request] = field(default_factory=list)
    name: str = "test"

    def fetch(self, request: Request, known: Known | None = None) -> Outcome:
        self.asked.append(request)
        found = self.answer(request)
        if isinstance(found, SourceError):
            raise found
        return found

    @property
    def context(self) -> list[Request]:
        return [request for request in self.asked if request.is_context]


def failing(hosts: Sequence[str]) -> Callable[[Request], Outcome | SourceError]:
    def answer(request: Request) -> Outcome | SourceError:
        if host_of(request) in hosts:
            return TransientSourceError("The server did not answer in time.")
        return Absent(request, NOW, "not there")

    return answer


@pytest.fixture
def store(tmp_path: Path) -> RawStore:
    return RawStore(Home(tmp_path / "home"))


def planned(store: RawStore, *, ask_everything: bool = False, with_vintages: bool = True) -> list[Request]:
    return list(plan.plan_context(store, ask_everything=ask_everything, with_vintages=with_vintages).requests)


def land_count(store: RawStore, name: str, body: bytes) -> None:
    store.land(
        publisher="unicorn",
        dataset="nyse_breadth",
        name=name,
        url=f"http://unicorn.us.com/advdec/{name}",
        body=body,
        status=200,
        headers={},
        fetched_at=NOW,
    )


# --- the plan ---------------------------------------------------------------------------------


def test_context_is_optional_bounded_and_may_be_absent(store: RawStore) -> None:
    for request in planned(store):
        assert request.requirement == "optional", request.name
        assert request.is_context
        assert request.may_be_absent
        assert request.max_bytes <= 24 * 1024 * 1024
    assert not any(request.is_context for request in plan.first_requests())


def test_context_addresses_may_be_asked_and_their_kind_is_known(store: RawStore) -> None:
    for request in planned(store):
        assert check_address(request.url).hostname
        assert expected_kind(request) in {"csv", "json", "htm"}, request.name


def test_context_names_are_unique_within_their_publisher(store: RawStore) -> None:
    names = [(request.publisher, request.name) for request in [*plan.first_requests(), *planned(store)]]
    assert len(names) == len(set(names))


def test_only_the_breadth_counts_are_asked_over_plain_http(store: RawStore) -> None:
    plain = {request.dataset for request in planned(store) if request.url.startswith("http://")}
    assert plain == {"nyse_breadth"}


def test_only_the_meeting_calendar_may_be_a_page(store: RawStore) -> None:
    pages = [request for request in planned(store) if expected_kind(request) == "htm"]
    assert pages == [federal_reserve.meeting_calendar()]


def test_vintages_are_planned_only_where_they_can_be_had(store: RawStore) -> None:
    with_them, without = planned(store), planned(store, with_vintages=False)
    assert [request for request in with_them if request not in without] == fred.vintages()
    assert not any(request.needs_key for request in without)


def test_vintage_addresses_hold_no_key() -> None:
    assert [request.url for request in fred.vintages() if "api_key" in request.url] == []


def test_the_bill_rate_is_asked_once_and_stays_expected(store: RawStore) -> None:
    everything = [*plan.first_requests(), *planned(store)]
    assert [(r.requirement, r.is_context) for r in everything if r.name == "DTB3.csv"] == [("expected", False)]


def test_counts_are_asked_for_until_their_end_is_stored(store: RawStore) -> None:
    land_count(store, "NYSE_advn.csv", b"20200206, 1500\n20200207, 1600\n")
    land_count(store, "NYSE_decln.csv", b"20200207, 1500\n20200210, 1600\n")
    counts = [request.name for request in planned(store) if request.dataset == "nyse_breadth"]
    assert counts == ["NYSE_advn.csv"]
    assert plan.plan_context(store, ask_everything=False, with_vintages=False).complete == 1


def test_counts_that_ended_are_compared_where_asking_is_free(store: RawStore) -> None:
    land_count(store, "NYSE_advn.csv", b"20200207, 1500\n20200210, 1600\n")
    counts = [request.name for request in planned(store, ask_everything=True) if request.dataset == "nyse_breadth"]
    assert counts == ["NYSE_advn.csv", "NYSE_decln.csv"]


def test_a_refused_version_does_not_end_the_counts(store: RawStore) -> None:
    land_count(store, "NYSE_advn.csv", b"20200207, 1500\n20200210, 1600")
    assert "NYSE_advn.csv" in [request.name for request in planned(store)]


# --- the order and the bounds -----------------------------------------------------------------


def test_context_is_asked_after_everything_else(store: RawStore) -> None:
    source = Publishers()
    fetch_night(source, store, SESSION)
    kinds = [request.is_context for request in source.asked]
    assert kinds == sorted(kinds)
    assert any(kinds)


def test_a_dead_host_is_given_up_and_the_others_are_asked(store: RawStore) -> None:
    source = Publishers(failing(["fred.stlouisfed.org"]))
    summary = fetch_night(source, store, SESSION)
    # the bill rate before, and one of context: two in a row
    assert [r.name for r in source.asked if host_of(r) == "fred.stlouisfed.org"] == ["DTB3.csv", "DFF.csv"]
    asked = {host_of(request) for request in source.context}
    assert {"cdn.cboe.com", "accounts.profunds.com", "unicorn.us.com", "www.federalreserve.gov"} <= asked
    left_out = [entry for entry in summary.failures if entry.reason.startswith("not asked")]
    assert {entry.dataset for entry in left_out} == {"fred_series"}
    assert "fred.stlouisfed.org failed too often" in left_out[0].reason


def test_a_dead_host_of_settlements_leaves_the_rest_to_be_asked(store: RawStore) -> None:
    source = Publishers(failing(["cdn.cboe.com"]))
    fetch_night(source, store, SESSION)
    asked = [host_of(request) for request in source.asked]
    assert asked.count("cdn.cboe.com") == 8
    assert "fred.stlouisfed.org" in asked
    assert "cdn.cboe.com" not in [host_of(request) for request in source.context]


def test_failures_on_one_host_do_not_count_against_another(store: RawStore) -> None:
    source = Publishers(failing(["accounts.profunds.com", "unicorn.us.com", "www.federalreserve.gov"]))
    summary = fetch_night(source, store, SESSION)
    by_host = {host: sum(host_of(r) == host for r in source.context) for host in map(host_of, source.context)}
    assert by_host["accounts.profunds.com"] == 2
    assert by_host["unicorn.us.com"] == 2
    assert by_host["www.federalreserve.gov"] == 1
    assert len([e for e in summary.failures if e.reason.startswith("not asked")]) == 1


def test_a_refused_body_does_not_count_as_a_host_that_is_down(store: RawStore) -> None:
    def answer(request: Request) -> Outcome:
        if host_of(request) == "accounts.profunds.com":
            return Fetched(request, b"moved\n", 200, NOW)
        return Absent(request, NOW, "not there")

    source = Publishers(answer)
    summary = fetch_night(source, store, SESSION)
    assert sum(host_of(r) == "accounts.profunds.com" for r in source.asked) == 3
    assert [entry.is_refused for entry in summary.failures if entry.publisher == "proshares"] == [True] * 3


def test_context_ends_when_its_time_is_used_up(store: RawStore) -> None:
    now = 0.0

    def slow(request: Request) -> Outcome:
        nonlocal now
        now += CONTEXT_SECONDS / 2 if request.is_context else 1e6
        return Absent(request, NOW, "not there")

    source = Publishers(slow)
    summary = fetch_night(source, store, SESSION, monotonic=lambda: now)
    assert len(source.context) == 3
    left_out = [entry for entry in summary.failures if "taken too long" in entry.reason]
    assert len(left_out) == len(planned(store, with_vintages=False)) - 3
    assert {entry.requirement for entry in left_out} == {"optional"}


def test_counts_need_no_request_once_complete(store: RawStore) -> None:
    for request in unicorn.breadth_files():
        land_count(store, request.name, b"20200210, 1600\n")
    source = Publishers()
    summary = fetch_night(source, store, SESSION)
    assert "unicorn.us.com" not in {host_of(request) for request in source.asked}
    assert summary.complete == 2


def test_failed_context_is_no_reason_to_try_the_night_again(store: RawStore) -> None:
    summary = FetchSummary()
    only_context = fetch_night(Publishers(failing(["unicorn.us.com", "www.federalreserve.gov"])), store, SESSION)
    summary.failures = [entry for entry in only_context.failures if entry.publisher in ("unicorn", "federalreserve")]
    assert summary.failures
    raise_if_worth_retrying(summary)


# --- users' files -----------------------------------------------------------------------------


def test_users_files_are_stored_with_their_place_as_address(store: RawStore, tmp_path: Path) -> None:
    inputs = tmp_path / "home" / "inputs"
    inputs.mkdir(parents=True)
    (inputs / "release_dates.csv").write_bytes(b"series_id,reference_date,release_date\nGDPC1,2025-01-01,2025-04-30\n")
    fetch_night(Publishers(), store, SESSION, home=tmp_path / "home")
    stored = store.state("user", "release_dates.csv").current
    assert stored is not None
    assert (stored.dataset, stored.url) == ("release_dates", "inputs/release_dates.csv")


def test_a_removed_users_file_is_noted_as_absent(store: RawStore, tmp_path: Path) -> None:
    path = tmp_path / "home" / "inputs" / "release_dates.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"series_id,reference_date,release_date\n")
    fetch_night(Publishers(), store, SESSION, home=tmp_path / "home")
    path.unlink()
    summary = fetch_night(Publishers(), store, SESSION, home=tmp_path / "home")
    assert store.state("user", "release_dates.csv").absent == "not in inputs/"
    assert "release_dates.csv" not in [entry.name for entry in summary.failures]


def test_a_users_file_put_back_is_no_longer_absent(store: RawStore, tmp_path: Path) -> None:
    path = tmp_path / "home" / "inputs" / "release_dates.csv"
    path.parent.mkdir(parents=True)
    for _ in range(2):
        path.write_bytes(b"series_id,reference_date,release_date\n")
        fetch_night(Publishers(), store, SESSION, home=tmp_path / "home")
        path.unlink()
        fetch_night(Publishers(), store, SESSION, home=tmp_path / "home")
    path.write_bytes(b"series_id,reference_date,release_date\n")
    fetch_night(Publishers(), store, SESSION, home=tmp_path / "home")
    state = store.state("user", "release_dates.csv")
    assert state.absent is None
    assert len(state.versions) == 1


@pytest.mark.parametrize("body", [b"a;b\n1;2\n", b"\x00\x01\x02", b"x" * (8 * 1024 * 1024 + 1), b""])
def test_a_users_file_that_cannot_be_read_is_a_failure_and_no_crash(
    store: RawStore, tmp_path: Path, body: bytes
) -> None:
    path = tmp_path / "home" / "inputs" / "sector_price_cash_flow.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(body)
    summary = fetch_night(Publishers(), store, SESSION, home=tmp_path / "home")
    failures = [entry for entry in summary.failures if entry.publisher == "user"]
    assert [(entry.name, entry.requirement) for entry in failures] == [("sector_price_cash_flow.csv", "optional")]
    assert failures[0].reason
    assert store.state("user", "sector_price_cash_flow.csv").current is None


def test_no_home_reads_no_users_files(store: RawStore) -> None:
    fetch_night(Publishers(), store, SESSION)
    assert store.state("user", "release_dates.csv").checked_at_utc is None


def test_a_removed_users_file_is_no_longer_read(store: RawStore, tmp_path: Path) -> None:
    path = tmp_path / "home" / "inputs" / "release_dates.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"series_id,reference_date,release_date\n")
    fetch_night(Publishers(), store, SESSION, home=tmp_path / "home")
    assert [file.name for file in store.current_files()] == ["release_dates.csv"]
    path.unlink()
    fetch_night(Publishers(), store, SESSION, home=tmp_path / "home")
    assert store.current_files() == []
