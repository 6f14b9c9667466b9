"""The HTTP source against a loopback server that misbehaves as the publishers' servers do."""

from __future__ import annotations

import pickle
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import HttpUrl

from flows.settings import HttpSettings
from flows.sources import http_body
from flows.sources import http_policy as policy
from flows.sources.base import Absent, Fetched, Known, NotModified, Request, Source
from flows.sources.http import CONTROL_SECONDS, CONTROL_USES, HttpSource
from flows.sources.loopback import ACCESS_DENIED_XML, Burst, LoopbackServer
from transforms.errors import SourceError, TransientSourceError, UsageError

CDN = "https://cdn.cboe.com"
VIX_URL = policy.CONTROL_URLS["cdn.cboe.com"]
CONTRACT_URL = f"{CDN}/data/us/futures/market_statistics/historical_data/VX/VX_2026-01-21.csv"
MISSING_URL = f"{CDN}/data/us/futures/market_statistics/historical_data/VX/VX_2004-01-21.csv"
LIST_URL = "https://www-api.cboe.com/us/futures/market_statistics/historical_data/product/list/VX/"
SETTLEMENT_URL = "https://www.cboe.com/us/futures/market_statistics/settlement/csv?dt=2026-01-07"
FRED_URL = "https://fred.stlouisfed.org/graph/fredgraph.csv?id=DTB3"

# shapes only: invented numbers
VIX_CSV = b"DATE,OPEN,HIGH,LOW,CLOSE\n01/02/2024,10,11,9,10.5\n"
CONTRACT_CSV = b"Trade Date,Futures,Open\n2026-01-02,F (Jan 2026),20\n" * 40
LIST_JSON = b'{"2026": []}'
SETTLEMENT_CSV = b"Product,Symbol,Expiration Date,Price\nVX,VX/F6,2026-01-21,20\n"
FRED_CSV = b"observation_date,DTB3\n2026-01-02,4\n"

NOW = datetime(2026, 1, 7, 23, 30, tzinfo=UTC)


class Clock:
    """Time that passes only when somebody sleeps (or by ``tick`` a look)."""

    def __init__(self, tick: float = 0.0) -> None:
        self.now = 1000.0
        self.tick = tick
        self.sleeps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        self.now += self.tick
        return self.now


def put(folder: Path, path: str, content: bytes) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def ask(url: str, name: str | None = None, **more: Any) -> Request:
    if name is None:
        name = url.rsplit("/", 1)[-1].replace("?", "_") or "list.json"
    return Request(publisher="cboe", dataset="any", name=name, url=url, requirement="expected", **more)


def settings(mirror: str | None, **more: Any) -> HttpSettings:
    values: dict[str, Any] = {
        "pace_seconds": 0.0,
        "backoff_seconds": 0.0,
        "attempts": 3,
        "max_wait_seconds": 120.0,
        "read_timeout_seconds": 5.0,
        "total_timeout_seconds": 30.0,
    }
    return HttpSettings(mirror_url=HttpUrl(mirror) if mirror else None, **(values | more))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror"
    put(folder, VIX_URL.removeprefix("https://"), VIX_CSV)
    put(folder, CONTRACT_URL.removeprefix("https://"), CONTRACT_CSV)
    put(folder, LIST_URL.removeprefix("https://") + "index.json", LIST_JSON)
    put(folder, SETTLEMENT_URL.removeprefix("https://").replace("?", "/"), SETTLEMENT_CSV)
    put(folder, FRED_URL.removeprefix("https://").replace("?", "/"), FRED_CSV)
    return folder


@pytest.fixture
def server(archive: Path) -> Iterator[LoopbackServer]:
    with LoopbackServer(archive) as running:
        yield running


class Sources:
    """Opens sources on one server and closes them all."""

    def __init__(self, server: LoopbackServer) -> None:
        self.server = server
        self.clock = Clock()
        self.opened: list[HttpSource] = []

    def __call__(self, **more: Any) -> HttpSource:
        source = HttpSource(
            settings(self.server.url, **more),
            sleep=self.clock.sleep,
            monotonic=self.clock.monotonic,
            utcnow=lambda: NOW,
        )
        self.opened.append(source)
        return source


@pytest.fixture
def sources(server: LoopbackServer) -> Iterator[Sources]:
    made = Sources(server)
    yield made
    for source in made.opened:
        source.close()


# --- the plain answer -------------------------------------------------------------------------


def test_http_source_satisfies_the_source_protocol(sources: Sources) -> None:
    source: Source = sources()
    assert source.name == "http"


def test_fetch_returns_the_decoded_body(sources: Sources, server: LoopbackServer) -> None:
    outcome = sources().fetch(ask(CONTRACT_URL))
    assert isinstance(outcome, Fetched)
    assert (outcome.body, outcome.status) == (CONTRACT_CSV, 200)
    assert server.requests[0].headers["accept-encoding"] == "gzip"
    assert outcome.headers["content-encoding"] == "gzip"


def test_fetch_reads_a_body_sent_without_compression(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", no_gzip=True)
    outcome = sources().fetch(ask(CONTRACT_URL))
    assert isinstance(outcome, Fetched)
    assert outcome.body == CONTRACT_CSV
    assert outcome.headers["content-length"] == str(len(CONTRACT_CSV))


def test_fetch_reads_a_chunked_body(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", chunked=True)
    outcome = sources().fetch(ask(CONTRACT_URL))
    assert isinstance(outcome, Fetched)
    assert outcome.body == CONTRACT_CSV


def test_fetch_records_the_instant_in_utc(sources: Sources) -> None:
    outcome = sources().fetch(ask(CONTRACT_URL))
    assert isinstance(outcome, Fetched)
    assert outcome.fetched_at_utc == NOW
    assert outcome.fetched_at_utc.tzinfo is UTC


def test_fetch_default_clock_is_timezone_aware(server: LoopbackServer) -> None:
    with HttpSource(settings(server.url)) as source:
        outcome = source.fetch(ask(CONTRACT_URL))
    assert isinstance(outcome, Fetched)
    assert outcome.fetched_at_utc.utcoffset() is not None


def test_fetch_keeps_only_the_named_headers_in_lower_case(sources: Sources) -> None:
    outcome = sources().fetch(ask(CONTRACT_URL))
    assert isinstance(outcome, Fetched)
    assert set(outcome.headers) == set(policy.KEPT_HEADERS)


def test_fetch_leaves_out_headers_that_did_not_come(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", content_type="", no_gzip=True)
    outcome = sources().fetch(ask(CONTRACT_URL))
    assert isinstance(outcome, Fetched)
    assert "content-type" not in outcome.headers
    assert "content-encoding" not in outcome.headers


def test_fetch_sends_the_user_agent_of_the_settings(sources: Sources, server: LoopbackServer) -> None:
    sources(user_agent="test agent/1").fetch(ask(CONTRACT_URL))
    assert server.requests[0].headers["user-agent"] == "test agent/1"


def test_http_source_keeps_its_connection_between_requests(server: LoopbackServer) -> None:
    with HttpSource(settings(server.url)) as source:
        outcome = source.fetch(ask(CONTRACT_URL))
        assert isinstance(outcome, Fetched)
        known = Known("", etag=outcome.headers["etag"])
        for _ in range(3):
            assert isinstance(source.fetch(ask(CONTRACT_URL), known), NotModified)
        assert server.connections == 1


def test_http_source_closes_its_connections_as_a_context_manager(server: LoopbackServer) -> None:
    with HttpSource(settings(server.url)) as source:
        source.fetch(ask(CONTRACT_URL))
        assert len(server._server.open_sockets) == 1
    deadline = time.monotonic() + 5
    while server._server.open_sockets and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not server._server.open_sockets


# --- addresses --------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [LIST_URL, SETTLEMENT_URL, FRED_URL])
def test_mirror_address_keeps_host_path_and_query(url: str, sources: Sources, server: LoopbackServer) -> None:
    outcome = sources().fetch(ask(url, name="any"))
    assert isinstance(outcome, Fetched)
    assert outcome.via == f"{server.url}/{url.removeprefix('https://')}"
    assert outcome.request.url == url
    assert server.paths() == ["/" + url.removeprefix("https://")]


def test_mirror_base_path_is_kept() -> None:
    mirror = policy.check_mirror("https://mirror.example/vix/")
    assert policy.asked_address(VIX_URL, mirror) == "https://mirror.example/vix/" + VIX_URL[len("https://") :]


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.cboe.com/a.csv",
        "https://example.com/a.csv",
        "https://cdn.cboe.com.example.com/a.csv",
        "https://cdn.cboe.com@example.com/a.csv",
        "https://user:secret@cdn.cboe.com/a.csv",
        "https://cdn.cboe.com:8443/a.csv",
        "https://cdn.cboe.com:99999/a.csv",
        "https://cdn.cboe.com/../a.csv",
        "https://cdn.cboe.com/x/%2e%2e/a.csv",
        "https://cdn.cboe.com/x\\..\\a.csv",
        "https://cdn.cboe.com/a.csv\r\nX: y",
        "file:///etc/hostname",
        "",
    ],
)
def test_address_outside_the_allow_list_is_never_asked(url: str, sources: Sources, server: LoopbackServer) -> None:
    with pytest.raises(SourceError, match="may not be asked") as caught:
        sources().fetch(ask(url, name="a.csv"))
    assert not isinstance(caught.value, TransientSourceError)
    assert server.requests == []


@pytest.mark.parametrize("mirror", ["http://127.0.0.1:9/", "http://localhost:9", "https://mirror.example/x"])
def test_mirror_is_accepted_on_loopback_or_over_https(mirror: str) -> None:
    with HttpSource(settings(mirror)) as source:
        assert source.name == "http"


@pytest.mark.parametrize(
    "mirror", ["http://mirror.example/", "http://10.0.0.5/", "https://user:hidden@mirror.example/"]
)
def test_mirror_is_refused_without_encryption_or_with_a_password(mirror: str) -> None:
    with pytest.raises(UsageError) as caught:
        HttpSource(settings(mirror))
    assert "hidden" not in str(caught.value)


class Stub(requests.adapters.BaseAdapter):
    """Stands where the network would be and keeps what was asked."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
        self.asked: list[tuple[str, Any]] = []

    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:  # type: ignore[override]
        self.asked.append((request.url or "", more["verify"]))
        raise self.error

    def close(self) -> None:
        pass


def stubbed(error: Exception) -> tuple[HttpSource, Stub]:
    source, stub = HttpSource(settings(None), sleep=lambda _: None), Stub(error)
    source._session.mount("https://", stub)
    return source, stub


def test_address_without_a_mirror_is_the_publishers_with_verification(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    source, stub = stubbed(requests.ConnectionError("no network"))
    with source, pytest.raises(TransientSourceError):
        source.fetch(ask(VIX_URL))
    assert stub.asked == [(VIX_URL, True)] * 3


@pytest.mark.parametrize("value", ["", " ", "0", "False", "false", "/no/such/bundle.pem"])
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_no_environment_turns_verification_off(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """A bundle may add trust; nothing takes the question away. A bundle that is not there is no connection."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    source, stub = stubbed(requests.ConnectionError("no network"))
    with source, pytest.raises(TransientSourceError):
        source.fetch(ask(VIX_URL))
    assert stub.asked
    assert {verify for _, verify in stub.asked} == {value or True}


def test_nothing_of_netrc_goes_to_a_publisher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine cdn.cboe.com login somebody password hidden\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    seen: list[dict[str, str]] = []

    class Headers(Stub):
        def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:  # type: ignore[override]
            seen.append(dict(request.headers))
            return super().send(request, **more)

    source = HttpSource(settings(None), sleep=lambda _: None)
    source._session.mount("https://", Headers(requests.ConnectionError("no network")))
    with source, pytest.raises(TransientSourceError):
        source.fetch(ask(VIX_URL))
    assert seen
    assert not any("Authorization" in headers for headers in seen)


def test_untrusted_certificate_is_terminal() -> None:
    inner = ssl.SSLCertVerificationError("certificate verify failed")
    source, stub = stubbed(requests.exceptions.SSLError(inner))
    with source, pytest.raises(SourceError, match="certificate") as caught:
        source.fetch(ask(VIX_URL))
    assert not isinstance(caught.value, TransientSourceError)
    assert len(stub.asked) == 1


# --- pace -------------------------------------------------------------------------------------


def test_pace_separates_starts_on_one_host(sources: Sources) -> None:
    source = sources(pace_seconds=0.8)
    for _ in range(3):
        source.fetch(ask(CONTRACT_URL))
    assert sources.clock.sleeps == pytest.approx([0.8, 0.8])


def test_pace_does_not_hold_back_another_host(sources: Sources) -> None:
    source = sources(pace_seconds=0.8)
    source.fetch(ask(CONTRACT_URL))
    source.fetch(ask(FRED_URL))
    assert sources.clock.sleeps == []


def test_pace_counts_time_that_has_passed_anyway(sources: Sources) -> None:
    source = sources(pace_seconds=0.8)
    source.fetch(ask(CONTRACT_URL))
    sources.clock.now += 0.5
    source.fetch(ask(CONTRACT_URL))
    assert sources.clock.sleeps == pytest.approx([0.3])


def test_pace_covers_the_control_request(sources: Sources) -> None:
    sources(pace_seconds=0.8).fetch(ask(MISSING_URL))
    assert sources.clock.sleeps == pytest.approx([0.8])


# --- conditional requests ---------------------------------------------------------------------


def test_conditional_request_with_etag_is_not_modified(sources: Sources, server: LoopbackServer) -> None:
    source = sources()
    first = source.fetch(ask(CONTRACT_URL))
    assert isinstance(first, Fetched)
    second = source.fetch(ask(CONTRACT_URL), Known("", etag=first.headers["etag"]))
    assert second == NotModified(ask(CONTRACT_URL), checked_at_utc=NOW)
    assert server.requests[1].headers["if-none-match"] == first.headers["etag"]


def test_conditional_request_with_date_is_not_modified(sources: Sources, server: LoopbackServer) -> None:
    source = sources()
    first = source.fetch(ask(CONTRACT_URL))
    assert isinstance(first, Fetched)
    known = Known("", last_modified=first.headers["last-modified"])
    assert isinstance(source.fetch(ask(CONTRACT_URL), known), NotModified)
    assert server.requests[1].headers["if-modified-since"] == first.headers["last-modified"]


def test_conditional_request_fetches_a_changed_file(sources: Sources, server: LoopbackServer, archive: Path) -> None:
    source = sources()
    first = source.fetch(ask(CONTRACT_URL))
    assert isinstance(first, Fetched)
    put(archive, CONTRACT_URL.removeprefix("https://"), b"changed\n")
    second = source.fetch(ask(CONTRACT_URL), Known("", etag=first.headers["etag"]))
    assert isinstance(second, Fetched)
    assert second.body == b"changed\n"


def test_request_without_validators_is_unconditional(sources: Sources, server: LoopbackServer) -> None:
    sources().fetch(ask(CONTRACT_URL), Known("0" * 64))
    assert not {"if-none-match", "if-modified-since"} & set(server.requests[0].headers)


@pytest.mark.parametrize("known", [None, Known("0" * 64)])
def test_not_modified_without_a_validator_is_terminal(
    known: Known | None, sources: Sources, server: LoopbackServer
) -> None:
    server.fault("VX_2026", status=304)
    with pytest.raises(SourceError, match="unchanged") as caught:
        sources().fetch(ask(CONTRACT_URL), known)
    assert not isinstance(caught.value, TransientSourceError)
    assert len(server.requests) == 1


def test_loopback_frozen_etag_hides_a_change(sources: Sources, server: LoopbackServer, archive: Path) -> None:
    server.fault("VX_2026", etag='"frozen"')
    source = sources()
    first = source.fetch(ask(CONTRACT_URL))
    assert isinstance(first, Fetched)
    put(archive, CONTRACT_URL.removeprefix("https://"), b"changed\n")
    assert isinstance(source.fetch(ask(CONTRACT_URL), Known("", etag=first.headers["etag"])), NotModified)


def test_validator_that_breaks_a_header_is_terminal(sources: Sources, server: LoopbackServer) -> None:
    with pytest.raises(SourceError, match="cannot be sent") as caught:
        sources().fetch(ask(CONTRACT_URL), Known("", etag='"a"\r\nX-Evil: 1'))
    assert not isinstance(caught.value, TransientSourceError)
    assert server.requests == []


# --- size, length, emptiness ------------------------------------------------------------------


def terminal(source: HttpSource, request: Request) -> SourceError:
    with pytest.raises(SourceError) as caught:
        source.fetch(request)
    assert not isinstance(caught.value, TransientSourceError)
    assert caught.value.where
    assert caught.value.expected
    assert caught.value.next_step
    return caught.value


def transient(source: HttpSource, request: Request) -> TransientSourceError:
    with pytest.raises(TransientSourceError) as caught:
        source.fetch(request)
    assert caught.value.where
    assert caught.value.expected
    assert caught.value.next_step
    return caught.value


class ShortRaw:
    """A raw body that ends without an error, as a lenient HTTP library would let it."""

    def __init__(self, content: bytes) -> None:
        self.left = content

    def read1(self, amount: int, *, decode_content: bool) -> bytes:
        part, self.left = self.left[:amount], self.left[amount:]
        return part


def test_body_of_exactly_the_limit_is_accepted(sources: Sources) -> None:
    outcome = sources().fetch(ask(CONTRACT_URL, max_bytes=len(CONTRACT_CSV)))
    assert isinstance(outcome, Fetched)


def test_body_one_byte_over_the_limit_is_terminal(sources: Sources, server: LoopbackServer) -> None:
    error = terminal(sources(), ask(CONTRACT_URL, max_bytes=len(CONTRACT_CSV) - 1))
    assert "decoded" in (error.found or "")
    assert len(server.requests) == 1


def test_declared_length_over_the_limit_is_terminal(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", no_gzip=True)
    error = terminal(sources(), ask(CONTRACT_URL, max_bytes=10))
    assert error.found == f"Content-Length {len(CONTRACT_CSV)}"


def test_endless_body_ends_at_the_limit(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", endless=True)
    assert "larger" in terminal(sources(), ask(CONTRACT_URL, max_bytes=100_000)).what


def test_gzip_bomb_ends_at_the_limit(sources: Sources, server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    largest = 0
    real = http_body._Gunzip.decode

    def watched(self: Any, data: bytes, limit: int) -> bytes:
        nonlocal largest
        part = real(self, data, limit)
        largest = max(largest, len(part))
        return part

    monkeypatch.setattr(http_body._Gunzip, "decode", watched)
    server.fault("VX_2026", gzip_bomb_bytes=64 << 20)
    assert "larger" in terminal(sources(), ask(CONTRACT_URL, max_bytes=100_000)).what
    assert largest == 100_001


def test_unknown_content_encoding_is_terminal(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", no_gzip=True, headers={"Content-Encoding": "br"})
    assert "br" in (terminal(sources(), ask(CONTRACT_URL)).found or "")


def test_empty_body_is_terminal(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", body=lambda _: b"", no_gzip=True)
    assert "empty" in terminal(sources(), ask(CONTRACT_URL)).what


def test_compressed_empty_body_is_terminal(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", body=lambda _: b"")
    assert "empty" in terminal(sources(), ask(CONTRACT_URL)).what


@pytest.mark.parametrize("no_gzip", [True, False])
def test_truncated_body_is_transient(no_gzip: bool, sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", truncate_to=20, no_gzip=no_gzip)
    assert "truncated" in transient(sources(), ask(CONTRACT_URL)).what
    assert len(server.requests) == 3


def test_truncated_body_is_fetched_whole_on_retry(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", truncate_to=20, times=1)
    outcome = sources().fetch(ask(CONTRACT_URL))
    assert isinstance(outcome, Fetched)
    assert outcome.body == CONTRACT_CSV


def test_body_shorter_than_declared_is_truncated_even_if_the_connection_ended_well() -> None:
    response = requests.Response()
    response.headers["Content-Length"] = "6"
    response.raw = ShortRaw(b"abc")
    with pytest.raises(TransientSourceError, match="truncated") as caught:
        http_body.read_body(response, max_bytes=10, where="here", is_overdue=lambda: False)
    assert caught.value.found == "3 of 6 bytes"


def test_unfinished_gzip_stream_of_full_length_is_truncated(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", cut_gzip_to=40)
    assert "truncated" in transient(sources(), ask(CONTRACT_URL)).what


def test_damaged_gzip_stream_is_transient(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", no_gzip=True, headers={"Content-Encoding": "gzip"})
    assert "damaged" in transient(sources(), ask(CONTRACT_URL)).what


def test_dripping_body_meets_the_total_limit(server: LoopbackServer) -> None:
    server.fault("VX_2026", drip=True, no_gzip=True)
    clock = Clock(tick=1.0)  # every look at the clock costs a second, every byte is a look
    with HttpSource(
        settings(server.url, total_timeout_seconds=5.0, attempts=1),
        sleep=clock.sleep,
        monotonic=clock.monotonic,
    ) as source:
        error = transient(source, ask(CONTRACT_URL))
    assert "too long" in error.what
    assert int((error.found or "").split()[0]) < 20


# --- content types ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        "text/csv",
        "Text/CSV; charset=utf-8",
        "text/plain",
        "application/octet-stream",
        "application/csv",
        "application/vnd.ms-excel",
        "",
    ],
)
def test_csv_content_type_is_accepted(kind: str, sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", content_type=kind)
    assert isinstance(sources().fetch(ask(CONTRACT_URL)), Fetched)


@pytest.mark.parametrize("kind", ["text/html", "application/xml", "text/xml; charset=utf-8", "application/json"])
def test_csv_with_another_content_type_is_terminal(kind: str, sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", content_type=kind)
    error = terminal(sources(), ask(CONTRACT_URL))
    assert kind in error.what
    assert (error.found or "").startswith("Trade Date,Futures,Open")
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/octet-stream", ""])
def test_json_content_type_is_accepted(kind: str, sources: Sources, server: LoopbackServer) -> None:
    server.fault("/list/VX/", content_type=kind)
    assert isinstance(sources().fetch(ask(LIST_URL, name="VX.json")), Fetched)


@pytest.mark.parametrize("kind", ["text/html", "application/atom+xml", "text/csv"])
def test_json_with_another_content_type_is_terminal(kind: str, sources: Sources, server: LoopbackServer) -> None:
    server.fault("/list/VX/", content_type=kind)
    assert kind in terminal(sources(), ask(LIST_URL, name="VX.json")).what


def test_html_page_with_status_200_is_shown_in_the_error(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", html=True, payload=b"<html>\x00\x1b[31m  Down for\nmaintenance" + b"x" * 500)
    found = terminal(sources(), ask(CONTRACT_URL)).found or ""
    assert found.startswith("<html> [31m Down for maintenancexxx")
    assert len(found) <= 120
    assert found.isprintable()


def test_file_of_unknown_kind_still_refuses_a_page(sources: Sources, server: LoopbackServer) -> None:
    server.fault("dt=2026", html=True)
    assert "text/html" in terminal(sources(), ask(SETTLEMENT_URL, name="settlement")).what


# --- absent or blocked ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 410])
def test_not_found_is_absent(status: int, sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", status=status)
    outcome = sources().fetch(ask(CONTRACT_URL))
    assert outcome == Absent(ask(CONTRACT_URL), checked_at_utc=NOW, reason=f"status {status}")
    assert len(server.requests) == 1


def test_missing_object_is_absent_when_the_control_answers(sources: Sources, server: LoopbackServer) -> None:
    outcome = sources().fetch(ask(MISSING_URL))
    assert isinstance(outcome, Absent)
    assert server.paths() == ["/" + MISSING_URL[8:], "/" + VIX_URL[8:]]


def test_control_request_asks_for_one_byte(sources: Sources, server: LoopbackServer) -> None:
    sources().fetch(ask(MISSING_URL))
    assert server.requests[1].headers["range"] == "bytes=0-0"


@pytest.mark.parametrize("status", [200, 304])
def test_control_answer_without_range_counts(status: int, sources: Sources, server: LoopbackServer) -> None:
    server.fault("VIX_History", status=status, headers={"Content-Type": "text/csv"})
    assert isinstance(sources().fetch(ask(MISSING_URL)), Absent)


def test_forbidden_control_means_blocked(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VIX_History", status=403)
    error = transient(sources(), ask(MISSING_URL))
    assert "blocks" in error.what
    assert "control address answers 403" in (error.found or "")
    assert len(server.requests) == 2


def test_control_page_with_status_200_means_blocked(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VIX_History", html=True)
    assert "blocks" in transient(sources(), ask(MISSING_URL)).what


def test_forbidden_control_address_itself_is_blocked_at_once(sources: Sources, server: LoopbackServer) -> None:
    source = sources()
    source.fetch(ask(MISSING_URL))  # a fresh good control answer must not vouch for the control
    server.fault("VIX_History", status=403, payload=ACCESS_DENIED_XML)
    before = len(server.requests)
    assert "blocks" in transient(source, ask(VIX_URL)).what
    assert len(server.requests) == before + 1


def test_forbidden_on_a_host_without_control_is_blocked(sources: Sources, server: LoopbackServer) -> None:
    server.fault("dt=2026", status=403)
    assert "blocks" in transient(sources(), ask(SETTLEMENT_URL)).what
    assert len(server.requests) == 1


def test_forbidden_fred_series_is_absent_when_its_control_answers(sources: Sources, server: LoopbackServer) -> None:
    server.fault("id=NONE", status=403)
    url = "https://fred.stlouisfed.org/graph/fredgraph.csv?id=NONE"
    assert isinstance(sources().fetch(ask(url)), Absent)


def test_unreachable_control_is_neither_absent_nor_blocked(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VIX_History", status=503, times=1)
    outcome = sources().fetch(ask(MISSING_URL))
    assert isinstance(outcome, Absent)
    assert len(server.requests) == 4


def test_control_answer_is_reused_for_a_while(sources: Sources, server: LoopbackServer) -> None:
    source = sources()
    for _ in range(CONTROL_USES):
        assert isinstance(source.fetch(ask(MISSING_URL)), Absent)
    assert len(server.paths("VIX_History")) == 1


def test_control_answer_is_asked_again_after_its_uses(sources: Sources, server: LoopbackServer) -> None:
    source = sources()
    for _ in range(CONTROL_USES + 1):
        source.fetch(ask(MISSING_URL))
    assert len(server.paths("VIX_History")) == 2


def test_control_answer_is_asked_again_after_its_time(sources: Sources, server: LoopbackServer) -> None:
    source = sources()
    source.fetch(ask(MISSING_URL))
    sources.clock.now += CONTROL_SECONDS + 1
    source.fetch(ask(MISSING_URL))
    assert len(server.paths("VIX_History")) == 2


def test_control_answer_does_not_vouch_for_another_kind_of_403(sources: Sources, server: LoopbackServer) -> None:
    source = sources()
    source.fetch(ask(MISSING_URL))
    server.fault("cdn.cboe.com", status=403)
    assert "blocks" in transient(source, ask(CONTRACT_URL)).what


def test_block_names_the_absences_it_makes_doubtful(sources: Sources, server: LoopbackServer) -> None:
    source = sources()
    source.fetch(ask(MISSING_URL))
    server.fault("cdn.cboe.com", status=403)
    assert "VX_2004-01-21.csv" in (transient(source, ask(CONTRACT_URL)).next_step or "")


def test_block_does_not_doubt_absences_before_the_last_control(sources: Sources, server: LoopbackServer) -> None:
    source = sources()
    source.fetch(ask(MISSING_URL))
    sources.clock.now += CONTROL_SECONDS + 1
    source.fetch(ask(MISSING_URL, name="later.csv"))
    server.fault("cdn.cboe.com", status=403)
    next_step = transient(source, ask(CONTRACT_URL)).next_step or ""
    assert "later.csv" in next_step
    assert "VX_2004-01-21.csv" not in next_step


def test_block_stops_later_requests_to_the_host(sources: Sources, server: LoopbackServer) -> None:
    server.fault("cdn.cboe.com", status=403)
    source = sources()
    transient(source, ask(CONTRACT_URL))
    asked = len(server.requests)
    error = transient(source, ask(VIX_URL))
    assert "Not asked: cdn.cboe.com blocks us" in error.what
    assert len(server.requests) == asked


def test_block_leaves_other_hosts_alone(sources: Sources, server: LoopbackServer) -> None:
    server.fault("cdn.cboe.com", status=403)
    source = sources()
    transient(source, ask(CONTRACT_URL))
    assert isinstance(source.fetch(ask(FRED_URL)), Fetched)


def test_block_ends_with_the_run(sources: Sources, server: LoopbackServer) -> None:
    server.fault("cdn.cboe.com", status=403, times=2)
    transient(sources(), ask(CONTRACT_URL))
    assert isinstance(sources().fetch(ask(CONTRACT_URL)), Fetched)


@pytest.mark.parametrize("is_like_absence", [True, False])
def test_burst_block_is_found(is_like_absence: bool, sources: Sources, server: LoopbackServer) -> None:
    body = (ACCESS_DENIED_XML, "application/xml") if is_like_absence else (b"<html>no</html>", "text/html")
    server.burst = Burst(5, within_seconds=60, block_seconds=60, payload=body[0], content_type=body[1])
    source = sources()
    for _ in range(5):
        assert isinstance(source.fetch(ask(CONTRACT_URL)), Fetched)
    assert "blocks" in transient(source, ask(CONTRACT_URL)).what


# --- retries ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520])
def test_passing_status_is_retried(status: int, sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", status=status, times=2)
    assert isinstance(sources().fetch(ask(CONTRACT_URL)), Fetched)
    assert len(server.requests) == 3


def test_lasting_status_is_given_up_after_the_attempts(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", status=500)
    assert "500" in (transient(sources(attempts=4), ask(CONTRACT_URL)).found or "")
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [202, 204, 400, 401, 405, 451])
def test_other_status_is_terminal(status: int, sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", status=status)
    assert f"status {status}" in (terminal(sources(), ask(CONTRACT_URL)).found or "")
    assert len(server.requests) == 1


def test_dropped_connection_is_retried(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", drop=True, times=2)
    assert isinstance(sources().fetch(ask(CONTRACT_URL)), Fetched)


def test_dropped_connection_is_transient_in_the_end(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", drop=True)
    assert "connection failed" in transient(sources(), ask(CONTRACT_URL)).what


def test_slow_answer_is_transient(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", delay_seconds=5)
    error = transient(sources(read_timeout_seconds=0.05, attempts=1), ask(CONTRACT_URL))
    assert "in time" in error.what


def test_slow_answer_is_retried(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", delay_seconds=5, times=1)
    assert isinstance(sources(read_timeout_seconds=0.3).fetch(ask(CONTRACT_URL)), Fetched)


def test_refused_connection_is_transient(archive: Path) -> None:
    with LoopbackServer(archive) as gone:
        address = gone.url
    with HttpSource(settings(address), sleep=lambda _: None) as source:
        assert "connection failed" in transient(source, ask(CONTRACT_URL)).what


def test_backoff_doubles_with_jitter(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", status=500)
    transient(sources(attempts=4, backoff_seconds=2.0), ask(CONTRACT_URL))
    for slept, least in zip(sources.clock.sleeps, [2.0, 4.0, 8.0], strict=True):
        assert least <= slept <= least + 1.0


def test_backoff_is_capped(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", status=500)
    transient(sources(attempts=4, backoff_seconds=2.0, max_wait_seconds=3.0), ask(CONTRACT_URL))
    assert max(sources.clock.sleeps) == 3.0


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("value", ["7", "Wed, 07 Jan 2026 23:30:07 GMT"])
def test_retry_after_is_honoured(status: int, value: str, sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", status=status, retry_after=value, times=1)
    assert isinstance(sources().fetch(ask(CONTRACT_URL)), Fetched)
    assert sources.clock.sleeps == [7.0]


@pytest.mark.parametrize("value", ["soon", "-5", "Wed, 07 Jan 2026 20:00:00 GMT"])
def test_retry_after_that_says_nothing_falls_back_to_backoff(
    value: str, sources: Sources, server: LoopbackServer
) -> None:
    server.fault("VX_2026", status=503, retry_after=value, times=1)
    assert isinstance(sources(backoff_seconds=2.0).fetch(ask(CONTRACT_URL)), Fetched)
    assert 2.0 <= sources.clock.sleeps[0] <= 3.0


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_beyond_the_limit_says_when_to_resume(
    status: int, sources: Sources, server: LoopbackServer
) -> None:
    server.fault("VX_2026", status=status, retry_after="3600")
    error = transient(sources(max_wait_seconds=120), ask(CONTRACT_URL))
    assert error.retry_after_seconds == 3600.0
    assert "2026-01-08 00:30:00 UTC" in (error.next_step or "")
    assert len(server.requests) == 1
    assert sources.clock.sleeps == []


def test_retry_after_of_absurd_length_is_still_an_error_message(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", status=429, retry_after="999999999")
    assert transient(sources(), ask(CONTRACT_URL)).retry_after_seconds == 999_999_999.0


def test_too_many_requests_with_a_long_wait_rests_the_host(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", status=429, retry_after="3600")
    source = sources()
    transient(source, ask(CONTRACT_URL))
    error = transient(source, ask(VIX_URL))
    assert error.retry_after_seconds == 3600.0
    assert len(server.requests) == 1


def test_too_many_requests_rest_ends_with_the_wait(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", status=429, retry_after="3600")
    source = sources()
    transient(source, ask(CONTRACT_URL))
    sources.clock.now += 3601
    assert isinstance(source.fetch(ask(VIX_URL)), Fetched)


# --- redirects --------------------------------------------------------------------------------


def test_redirect_on_the_same_host_is_followed(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", redirect_to="/" + VIX_URL[8:])
    outcome = sources().fetch(ask(CONTRACT_URL))
    assert isinstance(outcome, Fetched)
    assert outcome.body == VIX_CSV
    assert outcome.via == f"{server.url}/{VIX_URL[8:]}"


def test_redirect_is_followed_three_times(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", redirect_to="/" + CONTRACT_URL[8:], times=3)
    assert isinstance(sources().fetch(ask(CONTRACT_URL)), Fetched)


def test_redirect_in_circles_is_terminal(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", redirect_to="/" + CONTRACT_URL[8:])
    assert "circles" in terminal(sources(), ask(CONTRACT_URL)).what
    assert len(server.requests) == 4


def test_redirect_to_another_server_is_terminal(sources: Sources, server: LoopbackServer, archive: Path) -> None:
    with LoopbackServer(archive) as other:
        server.fault("VX_2026", redirect_to=f"{other.url}/{VIX_URL[8:]}")
        error = terminal(sources(), ask(CONTRACT_URL))
        assert other.requests == []
    assert other.url in (error.found or "")


def test_redirect_without_a_place_is_terminal(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", status=302)
    assert terminal(sources(), ask(CONTRACT_URL)).found == "no Location header"


@pytest.mark.parametrize(
    "location",
    [
        "http://cdn.cboe.com/b.csv",
        "https://example.com/b.csv",
        "//example.com/b.csv",
        "https://cdn.cboe.com:8443/b.csv",
        "https://cdn.cboe.com@example.com/b.csv",
        "https://[broken/b.csv",
        "/x/%2e%2e/%2e%2e/b.csv",
        "file:///etc/hostname",
        "",
        None,
    ],
)
def test_redirect_elsewhere_from_a_publisher_is_refused(location: str | None) -> None:
    with pytest.raises(SourceError, match="another place"):
        policy.redirect_target(f"{CDN}/a.csv", location)


@pytest.mark.parametrize("location", ["/b.csv", "b.csv", "https://cdn.cboe.com/b.csv"])
def test_redirect_within_a_publisher_is_allowed(location: str) -> None:
    assert policy.redirect_target(f"{CDN}/a.csv", location) == f"{CDN}/b.csv"


def test_redirect_that_cannot_be_read_is_terminal(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", redirect_to="https://[broken/b.csv")
    assert "another place" in terminal(sources(), ask(CONTRACT_URL)).what


def test_redirect_keeps_the_connection(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", redirect_to="/" + VIX_URL[8:])
    sources().fetch(ask(CONTRACT_URL))
    assert server.connections == 1


# --- the errors themselves --------------------------------------------------------------------


def test_source_error_survives_pickling(sources: Sources, server: LoopbackServer) -> None:
    server.fault("VX_2026", status=400)
    error = terminal(sources(), ask(CONTRACT_URL))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - made two lines above
