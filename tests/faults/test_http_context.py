"""Context over HTTP: pages, a plain http host, short patience, and a key that nobody gets to read."""

from __future__ import annotations

import json
import logging
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import HttpUrl, SecretStr

from flows.fetch import fetch_night
from flows.settings import HttpSettings, Settings
from flows.sources import federal_reserve, fred, proshares, shiller, unicorn
from flows.sources import http_policy as policy
from flows.sources.archive import archive_path
from flows.sources.base import Absent, Fetched, Known, NotModified, Request
from flows.sources.http import CONTEXT_ATTEMPTS, HttpSource
from flows.sources.keys import MASK, ApiKey, api_key
from flows.sources.loopback import LoopbackServer
from transforms.errors import SourceError, TransientSourceError
from warehouse.home import Home
from warehouse.raw_store import RawStore

ROOT = Path(__file__).resolve().parents[2]
KEY = "0123456789abcdefSECRET"
ODD_KEY = "se cret/&key=1"
NOW = datetime(2026, 1, 9, 22, 30, tzinfo=UTC)
VINTAGES = fred.vintages()[0]
PAGE = federal_reserve.meeting_calendar()
COUNT = unicorn.breadth_files()[0]
FUND = proshares.fund_histories()[0]

# shapes only: invented numbers
VINTAGES_JSON = json.dumps({"count": 1, "observations": [{"date": "2025-01-01", "value": "1"}]}).encode()
PAGE_HTML = b"<!DOCTYPE html><html><body>2026 FOMC Meetings</body></html>"
COUNT_CSV = b"20200207, 1500\n"


class Clock:
    """Time that passes only when somebody sleeps (or by ``tick`` a look)."""

    def __init__(self, tick: float = 0.0) -> None:
        self.now = 1000.0
        self.tick = tick

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        self.now += self.tick
        return self.now


def put(folder: Path, request: Request, content: bytes) -> None:
    file = folder / archive_path(request.url)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def opened(mirror: str | None, key: str | None = KEY, clock: Clock | None = None, **more: Any) -> HttpSource:
    values: dict[str, Any] = {"pace_seconds": 0.0, "backoff_seconds": 0.0, "read_timeout_seconds": 5.0, "attempts": 4}
    http = HttpSettings(mirror_url=HttpUrl(mirror) if mirror else None, **(values | more))
    times: dict[str, Any] = {"sleep": clock.sleep, "monotonic": clock.monotonic} if clock else {}
    secret = None if key is None else SecretStr(key)
    return HttpSource(http, fred_api_key=secret, utcnow=lambda: NOW, **times)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror"
    put(folder, VINTAGES, VINTAGES_JSON)
    put(folder, PAGE, PAGE_HTML)
    put(folder, COUNT, COUNT_CSV)
    put(folder, shiller.monthly_data(), b"Date,SP500\n")
    return folder


@pytest.fixture
def server(archive: Path) -> Iterator[LoopbackServer]:
    with LoopbackServer(archive) as running:
        yield running


@pytest.fixture
def source(server: LoopbackServer) -> Iterator[HttpSource]:
    with opened(server.url, clock=Clock()) as one:
        yield one


def error_of(source: HttpSource, request: Request) -> SourceError:
    with pytest.raises(SourceError) as caught:
        source.fetch(request)
    return caught.value


# --- hosts and kinds --------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [PAGE, COUNT, shiller.monthly_data()], ids=lambda request: request.publisher)
def test_context_host_is_asked_on_the_mirror(source: HttpSource, server: LoopbackServer, request_: Request) -> None:
    assert isinstance(source.fetch(request_), Fetched)
    assert server.paths() == ["/" + request_.url.split("://")[1]]


def test_plain_http_is_allowed_for_the_host_that_serves_nothing_else() -> None:
    assert policy.check_address(COUNT.url).scheme == "http"


@pytest.mark.parametrize("host", sorted(policy.ALLOWED_HOSTS - policy.PLAIN_HTTP_HOSTS))
def test_plain_http_is_refused_for_every_other_host(host: str) -> None:
    with pytest.raises(SourceError, match="may not be asked"):
        policy.check_address(f"http://{host}/file.csv")


def test_plain_http_host_is_not_asked_over_https() -> None:
    with pytest.raises(SourceError) as caught:
        policy.check_address("https://unicorn.us.com/advdec/NYSE_advn.csv")
    assert (caught.value.expected or "").startswith("a plain http address")


def test_only_the_breadth_host_is_asked_over_plain_http() -> None:
    assert {"unicorn.us.com"} == policy.PLAIN_HTTP_HOSTS


def test_page_is_fetched_where_a_page_is_asked_for(source: HttpSource) -> None:
    outcome = source.fetch(PAGE)
    assert isinstance(outcome, Fetched)
    assert outcome.body == PAGE_HTML
    assert outcome.headers["content-type"] == "text/html"


@pytest.mark.parametrize("kind", ["text/csv", "application/json", "application/pdf"])
def test_what_is_no_page_is_refused_where_a_page_is_asked_for(
    source: HttpSource, server: LoopbackServer, kind: str
) -> None:
    server.fault("fomccalendars", content_type=kind)
    assert kind in error_of(source, PAGE).what


@pytest.mark.parametrize("request_", [COUNT, shiller.monthly_data(), VINTAGES], ids=lambda request: request.publisher)
def test_page_is_refused_everywhere_else(source: HttpSource, server: LoopbackServer, request_: Request) -> None:
    server.fault(".", html=True)
    assert "text/html" in error_of(source, request_).what


@pytest.mark.parametrize("request_", [PAGE, COUNT, VINTAGES], ids=lambda request: request.publisher)
def test_context_body_over_its_limit_is_terminal(source: HttpSource, server: LoopbackServer, request_: Request) -> None:
    server.fault(".", endless=True)
    error = error_of(source, replace(request_, max_bytes=1000))
    assert "larger" in error.what
    assert not isinstance(error, TransientSourceError)


def test_missing_context_file_is_absent(source: HttpSource) -> None:
    assert isinstance(source.fetch(FUND), Absent)


def test_redirect_of_the_plain_http_host_to_https_is_refused() -> None:
    with pytest.raises(SourceError, match="redirects to another place"):
        policy.redirect_target(COUNT.url, COUNT.url.replace("http://", "https://"))


# --- patience ---------------------------------------------------------------------------------


def test_context_is_tried_less_often_than_what_a_night_needs(source: HttpSource, server: LoopbackServer) -> None:
    server.fault(".", status=503)
    assert isinstance(error_of(source, COUNT), TransientSourceError)
    assert len(server.requests) == CONTEXT_ATTEMPTS
    assert isinstance(error_of(source, replace(COUNT, is_context=False)), TransientSourceError)
    assert len(server.requests) == CONTEXT_ATTEMPTS + 4


def test_context_is_never_tried_more_often_than_the_settings_say(server: LoopbackServer) -> None:
    server.fault(".", status=503)
    with opened(server.url, attempts=1) as source:
        error_of(source, COUNT)
    assert len(server.requests) == 1


def test_context_body_that_drips_is_given_up_sooner(server: LoopbackServer) -> None:
    server.fault(".", drip=True, no_gzip=True)
    with opened(server.url, clock=Clock(tick=100.0), attempts=1) as source:
        assert "too long" in error_of(source, COUNT).what
    with opened(server.url, attempts=1) as source:
        assert isinstance(source.fetch(COUNT), Fetched)


# --- the key: sent ----------------------------------------------------------------------------


def test_key_is_sent_with_what_needs_it(source: HttpSource, server: LoopbackServer) -> None:
    outcome = source.fetch(VINTAGES)
    assert isinstance(outcome, Fetched)
    assert outcome.body == VINTAGES_JSON
    assert server.paths()[0].endswith(f"&file_type=json&api_key={KEY}")


def test_key_is_not_sent_with_anything_else(source: HttpSource, server: LoopbackServer) -> None:
    for request in (PAGE, COUNT, FUND, fred.bill_rate()):
        source.fetch(request)
    assert server.requests
    assert not any(KEY in f"{one.path} {one.headers}" for one in server.requests)


def test_vintages_are_asked_conditionally(source: HttpSource) -> None:
    outcome = source.fetch(VINTAGES)
    assert isinstance(outcome, Fetched)
    assert isinstance(source.fetch(VINTAGES, Known("", etag=outcome.headers["etag"])), NotModified)


def test_key_is_not_sent_to_a_mirror_beyond_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(_session: requests.Session, url: str, **_: Any) -> None:
        asked.append(url)
        raise requests.ConnectionError("no network")

    monkeypatch.setattr(requests.Session, "get", refuse)
    with opened("https://mirror.example") as source:
        error_of(source, VINTAGES)
    with opened(None) as source:
        error_of(source, VINTAGES)
    assert [KEY in url for url in asked] == [False] * CONTEXT_ATTEMPTS + [True] * CONTEXT_ATTEMPTS
    assert asked[-1].startswith("https://api.stlouisfed.org/")


def test_loopback_refuses_vintages_without_a_key(server: LoopbackServer) -> None:
    with opened(server.url, key=None) as source:
        error = error_of(source, VINTAGES)
    assert "API key" in error.what
    assert "status 400" in (error.found or "")


# --- the key: never seen again ----------------------------------------------------------------


def everything_said(error: BaseException) -> str:
    """All that can be read off an error, whatever is attached to it."""
    seen = [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
    chain: BaseException | None = error
    while chain is not None:
        seen += [str(chain), repr(chain.args), repr(vars(chain))]
        chain = chain.__cause__ or chain.__context__
    return "\n".join(seen) + repr(pickle.loads(pickle.dumps(error)))  # noqa: S301 - our own


FAULTS: dict[str, dict[str, Any]] = {
    "refused key": {"status": 400, "payload": f"The value api_key={KEY} is not registered".encode()},
    "unauthorized": {"status": 401, "payload": KEY.encode()},
    "forbidden": {"status": 403, "payload": KEY.encode()},
    "other status": {"status": 418, "payload": KEY.encode()},
    "unavailable": {"status": 503},
    "too many": {"status": 429, "retry_after": "999999"},
    "timeout": {"delay_seconds": 1.0},
    "dropped": {"drop": True},
    "truncated": {"truncate_to": 5, "no_gzip": True},
    "damaged": {"cut_gzip_to": 12},
    "page": {"html": True, "payload": f"<html>{KEY}</html>".encode()},
    "redirected here": {"redirect_to": f"/elsewhere?api_key={KEY}"},
    "redirected elsewhere": {"redirect_to": f"https://example.com/?api_key={KEY}"},
    "repeated in the body": {"body": lambda content: content + KEY.encode()},
    "repeated in a header": {"etag": f'"{KEY}"'},
    "too large": {"endless": True},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_key_is_in_no_error(
    server: LoopbackServer, fault: dict[str, Any], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    server.fault("api.stlouisfed", **fault)
    with (
        caplog.at_level(logging.DEBUG),
        opened(server.url, read_timeout_seconds=0.2) as source,
    ):
        error = error_of(source, VINTAGES)
    assert any(KEY in one.path for one in server.requests)  # it was sent
    assert KEY not in everything_said(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert KEY not in caplog.text
    assert KEY not in "".join(capfd.readouterr())


@pytest.mark.parametrize("fault", ["redirected here", "redirected elsewhere"])
def test_redirect_of_a_request_with_a_key_is_not_followed(server: LoopbackServer, fault: str) -> None:
    server.fault("observations", **FAULTS[fault])
    with opened(server.url) as source:
        error = error_of(source, VINTAGES)
    assert "redirects a request that carries a key" in error.what
    assert MASK in (error.found or "")
    assert len(server.requests) == 1


def test_key_is_in_no_error_of_a_host_that_cannot_be_reached(archive: Path, caplog: pytest.LogCaptureFixture) -> None:
    with LoopbackServer(archive) as gone:
        url = gone.url
    with caplog.at_level(logging.DEBUG), opened(url) as source:
        error = error_of(source, VINTAGES)
    assert isinstance(error, TransientSourceError)
    assert KEY not in everything_said(error) + caplog.text


def test_key_is_masked_in_the_librarys_debug_log(
    source: HttpSource, server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        source.fetch(VINTAGES)
    assert f"api_key={MASK}" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("key", [KEY, ODD_KEY])
def test_key_is_in_nothing_that_a_night_stores(
    server: LoopbackServer, archive: Path, tmp_path: Path, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = RawStore(Home(tmp_path / "home"))
    with caplog.at_level(logging.DEBUG), opened(server.url, key=key) as source:
        summary = fetch_night(source, store, date(2026, 1, 9), with_vintages=True)
    assert any("api_key=" in one.path for one in server.requests)
    stored = store.state("fred", VINTAGES.name).current
    assert stored is not None
    assert stored.url == VINTAGES.url
    written = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()).decode()
    seen = written + json.dumps(asdict(summary)) + caplog.text
    for spelling in ApiKey(SecretStr(key))._spellings:
        assert spelling not in seen


def test_key_is_in_no_fetched_answer(source: HttpSource) -> None:
    assert KEY not in repr(source.fetch(VINTAGES))


def test_key_is_not_shown_by_the_settings_or_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALVH_FRED_API_KEY", KEY)
    found = Settings()
    assert found.fred_api_key is not None
    assert found.fred_api_key.get_secret_value() == KEY
    shown = [repr(found), str(found), repr(found.model_dump()), found.model_dump_json()]
    assert KEY not in "".join([*shown, repr(api_key(found.fred_api_key))])


@pytest.mark.parametrize("value", ["", "  "])
def test_empty_key_is_no_key(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ALVH_FRED_API_KEY", value)
    assert api_key(Settings().fred_api_key) is None


def test_key_is_not_looked_for_under_any_other_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALVH_FRED_API_KEY", raising=False)
    monkeypatch.setenv("FRED_API_KEY", KEY)
    assert Settings().fred_api_key is None


def test_logs_are_left_alone_once_the_source_is_closed(server: LoopbackServer) -> None:
    library = logging.getLogger("urllib3.connectionpool")
    before = list(library.filters)
    with opened(server.url):
        assert len(library.filters) == len(before) + 1
    assert library.filters == before


# with Prefect and its log; the tests above hold the same of the source, its errors and its own log
@pytest.mark.slow
def test_key_is_in_no_output_of_a_night_on_the_command_line(server: LoopbackServer, tmp_path: Path) -> None:
    server.fault("api.stlouisfed", status=400, payload=f"bad key {KEY}".encode())
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ALVH_", "PREFECT_"))}
    env |= {
        "ALVH_HTTP_MIRROR_URL": server.url,
        "ALVH_HTTP_PACE_SECONDS": "0",
        "ALVH_HTTP_BACKOFF_SECONDS": "0",
        "ALVH_FETCH_RETRIES": "0",
        "ALVH_FRED_API_KEY": KEY,
        "ALVH_VERBOSE": "1",
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "urllib3,requests",
    }
    home = tmp_path / "home"
    command = [
        sys.executable,
        "-c",
        "from flows.cli import main; main()",
        "nightly",
        "--source",
        "cboe",
        "--home",
        str(home),
        "--debug",
    ]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 5  # this mirror has no contract list
    assert any(KEY in one.path for one in server.requests)
    said = done.stdout + done.stderr
    written = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    assert KEY not in said + written
    assert "API key" in written
