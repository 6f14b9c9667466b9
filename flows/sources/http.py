"""Publishers over HTTPS: paced, bounded, conditional, and careful about what an answer means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType

import requests
import urllib3
from pydantic import SecretStr
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from flows.settings import HttpSettings
from flows.sources import http_policy as policy
from flows.sources.base import Absent, Fetched, Known, NotModified, Outcome, Request
from flows.sources.http_body import peek_body, read_body
from flows.sources.http_errors import key_refused, network_error, redirected_with_key
from flows.sources.keys import api_key
from transforms.errors import PipelineError, SourceError, TransientSourceError

CONTROL_SECONDS = 30.0
CONTROL_USES = 10
"""One good control answer vouches for at most this many 403s: a block can begin right after it,
and every absence taken on its word until then would be a hole in the data."""
CONTEXT_ATTEMPTS = 2
CONTEXT_TOTAL_SECONDS = 120.0
"""Patience with a file that nothing waits for; never more than the settings allow any file."""


class _Session(requests.Session):
    """A session that leaves redirects and credentials alone."""

    def __init__(self, *, uses_proxies: bool) -> None:
        super().__init__()
        self.trust_env = uses_proxies
        self.verify = True
        # A no-op keeps requests from sending what ~/.netrc holds for a host.
        self.auth = lambda prepared: prepared

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        # Even with allow_redirects=False requests reads a redirect's whole body and parses where
        # it leads. We decide ourselves, within our bounds.
        return None


@dataclass
class _Host:
    """What this run has learned about one publisher's host."""

    next_start: float | None = None
    control_until: float = 0.0
    control_uses_left: int = 0
    vouched: list[str] = field(default_factory=list)
    closed_reason: str | None = None
    closed_until: float | None = None


@dataclass(frozen=True)
class _ControlAnswer:
    shown: str
    is_good: bool


class HttpSource:
    """Asks publishers (or a mirror of them) for files; one instance per run, not shared by threads.

    Parameters
    ----------
    settings
        Mirror, pace, time limits, retries.
    fred_api_key
        The user's own key, sent with what needs it and found in nothing that this returns or raises.
    sleep, monotonic, utcnow
        The clock, replaceable so that tests do not wait.
    """

    name = "http"

    def __init__(
        self,
        settings: HttpSettings,
        *,
        fred_api_key: SecretStr | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        utcnow: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._mirror = policy.check_mirror(str(settings.mirror_url)) if settings.mirror_url else None
        self._sleep = sleep
        self._monotonic = monotonic
        self._utcnow = utcnow
        self._hosts: dict[str, _Host] = {}
        self._backoff = wait_exponential(
            multiplier=settings.backoff_seconds, max=settings.max_wait_seconds
        ) + wait_random(0, settings.backoff_seconds / 2)
        is_local = settings.mirror_url is not None and policy.is_loopback(settings.mirror_url.host)
        self._session = _Session(uses_proxies=not is_local)
        self._session.headers.update({"User-Agent": settings.user_agent, "Accept-Encoding": "gzip"})
        # A mirror beyond this machine never gets to see the user's key: it serves what is stored.
        self._key = api_key(fred_api_key) if self._mirror is None or is_local else None
        if self._key is not None:
            self._key.guard_logs()

    def __enter__(self) -> HttpSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
        if self._key is not None:
            self._key.leave_logs()

    def fetch(self, request: Request, known: Known | None = None) -> Outcome:
        """Answer one request over the network, retrying what may pass.

        Raises
        ------
        TransientSourceError
            Retries used up, a wait longer than the limit asked for, or the host blocks us; after
            a block every later request to that host fails at once.
        SourceError
            The answer can never be right: wrong content type, too large, empty, redirected elsewhere.
        """
        if not request.needs_key or self._key is None:
            return self._fetch(request, known)
        try:
            outcome = self._fetch(request, known)
        except SourceError as error:
            masked = self._key.mask_error(error)
        else:
            if not isinstance(outcome, Fetched) or not self._key.is_in(outcome):
                return outcome
            masked = SourceError(
                "The publisher repeats the API key in its answer, which is therefore not stored.",
                where=request.url,
                expected="an answer that can be kept and shared",
                next_step="Leave ALVH_FRED_API_KEY unset until the publisher has mended it.",
            )
        raise masked  # out here, so that nothing with the key in it hangs on to the error

    def _fetch(self, request: Request, known: Known | None) -> Outcome:
        host_name = policy.check_address(request.url).hostname or ""
        host = self._hosts.setdefault(host_name, _Host())
        self._refuse_if_closed(host, host_name, request.url)

        def may_pass(error: BaseException) -> bool:
            if not isinstance(error, TransientSourceError) or host.closed_reason is not None:
                return False
            return (error.retry_after_seconds or 0.0) <= self._settings.max_wait_seconds

        attempts = self._settings.attempts
        retrying = Retrying(
            stop=stop_after_attempt(min(attempts, CONTEXT_ATTEMPTS) if request.is_context else attempts),
            wait=self._wait,
            retry=retry_if_exception(may_pass),
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(self._ask, request, known, host)

    def _wait(self, state: RetryCallState) -> float:
        backoff = min(self._backoff(state), self._settings.max_wait_seconds)
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_seconds if isinstance(error, TransientSourceError) else None
        return max(backoff, asked or 0.0)

    def _ask(self, request: Request, known: Known | None, host: _Host) -> Outcome:
        asked = policy.asked_address(request.url, self._mirror)
        headers = {}
        if known is not None and known.etag:
            headers["If-None-Match"] = known.etag
        if known is not None and known.last_modified:
            headers["If-Modified-Since"] = known.last_modified
        for _ in range(policy.MAX_REDIRECTS + 1):
            with self._open(asked, host, headers, with_key=request.needs_key) as response:
                if policy.classify_status(response.status_code) != "redirect":
                    return self._judge(request, response, asked, host, is_conditional=bool(headers))
                if request.needs_key:
                    raise redirected_with_key(asked, response.headers.get("Location"))
                target = policy.redirect_target(asked, response.headers.get("Location"))
                peek_body(response)
                asked = target
        raise SourceError(
            "The publisher redirects in circles.",
            where=request.url,
            found=f"more than {policy.MAX_REDIRECTS} redirects, the last to {asked}",
            expected="the file",
            next_step="Open the address in a browser; if the file has moved, correct the source's address.",
        )

    def _judge(
        self, request: Request, response: requests.Response, asked: str, host: _Host, *, is_conditional: bool
    ) -> Outcome:
        status = response.status_code
        verdict = policy.classify_status(status)
        if verdict == "ok":
            return self._fetched(request, response, asked)
        seen = peek_body(response)
        if verdict == "not_modified" and is_conditional:
            return NotModified(request, checked_at_utc=self._utcnow())
        if verdict == "absent":
            return Absent(request, checked_at_utc=self._utcnow(), reason=f"status {status}")
        if verdict == "forbidden":
            return self._judge_forbidden(request, seen, asked, host)
        if verdict == "transient":
            raise self._transient_status(response, asked, host)
        if request.needs_key and status in (400, 401):
            raise key_refused(asked, status, seen)
        raise SourceError(
            "The publisher says that a file we do not have is unchanged."
            if verdict == "not_modified"
            else "The publisher answered with a status that is no file.",
            where=asked,
            found=f"status {status} {policy.printable(seen)}".strip(),
            expected="status 200, or 304 to a conditional request",
            next_step="Open the address in a browser; if the file has moved, correct the source's address.",
        )

    def _fetched(self, request: Request, response: requests.Response, asked: str) -> Fetched:
        content_type = response.headers.get("Content-Type")
        kind = policy.expected_kind(request)
        if not policy.is_expected_type(kind, content_type):
            shown = policy.printable((content_type or "").encode("utf-8", "replace"))
            raise SourceError(
                f"The publisher sent {shown} instead of the file.",
                where=asked,
                found=policy.printable(peek_body(response)) or "an empty page",
                expected=f"a {kind} file" if kind else "a data file",
                next_step="Open the address in a browser: it may be an error page, or the file has moved.",
            )
        # The clock starts with the body: answering at all has the read timeout.
        longest = self._settings.total_timeout_seconds
        deadline = self._monotonic() + (min(longest, CONTEXT_TOTAL_SECONDS) if request.is_context else longest)
        body = read_body(
            response,
            max_bytes=request.max_bytes,
            where=asked,
            is_overdue=lambda: self._monotonic() > deadline,
        )
        headers = {name: response.headers[name] for name in policy.KEPT_HEADERS if name in response.headers}
        return Fetched(
            request=request,
            body=body,
            status=response.status_code,
            fetched_at_utc=self._utcnow(),
            headers=headers,
            via=asked,
        )

    def _transient_status(self, response: requests.Response, asked: str, host: _Host) -> TransientSourceError:
        status = response.status_code
        now = self._utcnow()
        wait = None
        if status in (429, 503):
            wait = policy.retry_after_seconds(response.headers.get("Retry-After"), now)
        next_step = "Run again later; what has already arrived is kept."
        if wait is not None and wait > self._settings.max_wait_seconds:
            # timedelta cannot hold every number that a header can
            resume = now + timedelta(seconds=min(wait, 365 * 86400.0))
            next_step = f"Run again after {resume:%Y-%m-%d %H:%M:%S} UTC, when the publisher expects us back."
            if status == 429:  # it counts our requests, whatever they ask for: others would be refused too
                host.closed_reason = "asked us to stay away"
                host.closed_until = self._monotonic() + wait
        return TransientSourceError(
            "The publisher's server cannot answer now."
            if status != 429
            else "The publisher's server says that we ask too often.",
            where=asked,
            found=f"status {status}" + ("" if wait is None else f", Retry-After {wait:.0f} s"),
            expected="status 200",
            next_step=next_step,
            retry_after_seconds=wait,
        )

    def _judge_forbidden(self, request: Request, seen: bytes, asked: str, host: _Host) -> Absent:
        host_name = policy.check_address(request.url).hostname or ""
        control = policy.CONTROL_URLS.get(host_name)
        is_fresh = self._monotonic() < host.control_until and host.control_uses_left > 0
        # Only the object store's own words are taken on an earlier control's word.
        if control == request.url or not (is_fresh and policy.looks_like_missing_object(seen)):
            answer = None if control is None or control == request.url else self._ask_control(control, host)
            if answer is None or not answer.is_good:
                raise self._blocked(host, host_name, asked, seen, answer)
            host.control_until = self._monotonic() + CONTROL_SECONDS
            host.control_uses_left = CONTROL_USES
            host.vouched.clear()
        host.control_uses_left -= 1
        host.vouched.append(request.name)
        return Absent(request, checked_at_utc=self._utcnow(), reason="status 403 while the control address answers")

    def _ask_control(self, control: str, host: _Host) -> _ControlAnswer:
        """Ask a host's control address for one byte; a longer answer is not read."""
        asked = policy.asked_address(control, self._mirror)
        with self._open(asked, host, {"Range": "bytes=0-0", "Accept-Encoding": "identity"}) as response:
            status = response.status_code
            if policy.classify_status(status) == "transient":
                # Neither absent nor blocked is known: let the retries ask both again.
                raise self._transient_status(response, asked, host)
            if status != 200:  # a server that ignores Range sends the whole file
                peek_body(response)
            # A page that asks whether we are human can come with status 200.
            is_file = policy.is_expected_type(None, response.headers.get("Content-Type"))
            is_good = status == 304 or (200 <= status < 300 and is_file)
            return _ControlAnswer(f"{status}" if is_file else f"{status} with a page", is_good)

    def _blocked(
        self, host: _Host, host_name: str, asked: str, seen: bytes, control: _ControlAnswer | None
    ) -> TransientSourceError:
        host.closed_reason = "blocks us"
        found = f"status 403 {policy.printable(seen)}".strip()
        if control is not None:
            found += f"; its control address answers {control.shown}"
        next_step = (
            "Run again in an hour or more; what has already arrived is kept. "
            "If it happens again, raise ALVH_HTTP_PACE_SECONDS."
        )
        if host.vouched:
            next_step += " Ask again for what last seemed absent: " + ", ".join(host.vouched) + "."
        return TransientSourceError(
            f"{host_name} blocks our requests; it is left alone for the rest of this run.",
            where=asked,
            found=found,
            expected="an answer, at least from the control address",
            next_step=next_step,
        )

    def _refuse_if_closed(self, host: _Host, host_name: str, url: str) -> None:
        if host.closed_reason is None:
            return
        left = None if host.closed_until is None else host.closed_until - self._monotonic()
        if left is not None and left <= 0:
            host.closed_reason = host.closed_until = None
            return
        raise TransientSourceError(
            f"Not asked: {host_name} {host.closed_reason}, as an earlier request of this run found.",
            where=url,
            expected="a host that answers",
            next_step="Run again in an hour or more." if left is None else f"Run again in {left:.0f} seconds.",
            retry_after_seconds=left,
        )

    def _pace(self, host: _Host) -> None:
        now = self._monotonic()
        start = now if host.next_start is None else max(now, host.next_start)
        if start > now:
            self._sleep(start - now)
        host.next_start = start + self._settings.pace_seconds

    @contextmanager
    def _open(
        self, asked: str, host: _Host, headers: dict[str, str], *, with_key: bool = False
    ) -> Iterator[requests.Response]:
        """Ask an address and close its response; network errors become project errors.

        ``asked`` never holds the key, so that it can be shown and recorded.
        """
        self._pace(host)
        limits = self._settings
        try:
            with self._session.get(
                self._key.add_to(asked) if with_key and self._key is not None else asked,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=(
                    limits.connect_timeout_seconds,
                    min(limits.read_timeout_seconds, limits.total_timeout_seconds),
                ),
            ) as response:
                yield response
        except PipelineError:
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise network_error(error, asked) from error
