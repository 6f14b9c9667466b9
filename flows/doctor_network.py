"""What is outside: one address of each host that the source asks, with short timeouts, and what its clock says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from flows.doctor import Finding, Patient

_TIMEOUT = (4.0, 6.0)
_TOLERANCE = timedelta(minutes=2)
_BLOCKING = 403


@dataclass(frozen=True)
class Answer:
    """What a host said: a status, or why there is none; and its clock."""

    host: str
    status: int | None
    problem: str
    date: datetime | None


def check_sources(patient: Patient) -> Iterator[Finding]:
    """Do the publishers answer, and do they have the same time?"""
    if patient.source != "cboe":
        yield Finding("sources", "ok", f"none needed: the source is {patient.source}")
        return
    if patient.is_offline:
        yield Finding("sources", "ok", "not asked (--offline)")
        return
    from flows.sources.http_policy import CONTROL_URLS

    addresses = list_addresses()
    with ThreadPoolExecutor(len(addresses)) as pool:
        answers = list(pool.map(lambda one: ask(*one), addresses.items()))
    for is_needed in (True, False):
        lost = [one for one in answers if one.status is None and (one.host in CONTROL_URLS) == is_needed]
        if lost:
            said = "cannot be reached: " + ", ".join(f"{one.host} ({one.problem})" for one in lost)
            step = "look at the network, a proxy (HTTPS_PROXY) or a firewall; what is stored already stays"
            if is_needed:
                yield Finding("sources", "problem", said, step)
            else:
                yield Finding("sources", "warning", f"{said}; optional, its values grow stale", step)
    for answer in answers:
        if answer.host in CONTROL_URLS and answer.status == _BLOCKING:
            said = f"{answer.host} answers 403: it may be blocking this address for a while"
            yield Finding("sources", "warning", said, "wait an hour; docs/runbook.md says more")
    reached = [answer.host for answer in answers if answer.status is not None]
    if reached:
        yield Finding("sources", "ok", f"{len(reached)} of {len(answers)} hosts answer: {', '.join(reached)}")
    yield from compare_clocks(patient.now, answers)


def list_addresses() -> dict[str, str]:
    """Return one address a host; with a mirror, that of each host on it."""
    from flows.sources.http_policy import ALLOWED_HOSTS, CONTROL_URLS, PLAIN_HTTP_HOSTS

    hosts = sorted(ALLOWED_HOSTS - (set() if os.environ.get("ALVH_FRED_API_KEY") else {"api.stlouisfed.org"}))
    mirror = os.environ.get("ALVH_HTTP_MIRROR_URL", "").rstrip("/")
    found = {}
    for host in hosts:
        scheme = "http" if host in PLAIN_HTTP_HOSTS else "https"
        address = CONTROL_URLS.get(host, f"{scheme}://{host}/")
        found[host] = f"{mirror}/{address.partition('://')[2]}" if mirror else address
    return found


def ask(host: str, address: str) -> Answer:
    """Ask a host for the head of an address. Any answer is one: only whether it is there is asked."""
    import requests

    from flows.settings import HttpSettings

    try:
        with requests.get(
            address,
            timeout=_TIMEOUT,
            stream=True,  # the body is never read
            allow_redirects=False,
            headers={"User-Agent": HttpSettings().user_agent},
            auth=lambda prepared: prepared,  # nothing of ~/.netrc
        ) as answer:
            return Answer(host, answer.status_code, "", _date(answer.headers.get("Date")))
    except requests.RequestException as error:
        return Answer(host, None, _say(error), None)


def compare_clocks(now: datetime, answers: list[Answer]) -> Iterator[Finding]:
    """Compare this clock with those of the hosts: the one that differs least counts."""
    differences = [now - answer.date for answer in answers if answer.date is not None]
    if not differences:
        return
    least = min(differences, key=abs)
    said = f"{abs(least).total_seconds():,.0f} s {'ahead of' if least > timedelta(0) else 'behind'} the publishers"
    if abs(least) <= _TOLERANCE:
        yield Finding("clock", "ok", said)
    else:
        step = "set the clock (NTP): nights take their sessions from it"
        yield Finding("clock", "problem", said, step)


CHECKS = [("sources", check_sources)]


def _say(error: Exception) -> str:
    import requests

    kinds = {
        requests.exceptions.ProxyError: "the proxy refuses",
        requests.exceptions.SSLError: "its certificate is not trusted here",
        requests.exceptions.ConnectTimeout: "no connection in time",
        requests.exceptions.ReadTimeout: "no answer in time",
        requests.exceptions.ConnectionError: "no connection",
    }
    return next((words for kind, words in kinds.items() if isinstance(error, kind)), type(error).__name__)


def _date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if text else None
    except (ValueError, OverflowError):
        return None
