"""Telling somebody of a night: one message where something is news, none where nothing is.

A message that is not delivered is kept and goes out with the next run's. Nothing here ever fails a night.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import duckdb
from pydantic import ValidationError

from flows.night import Night
from flows.notify_send import deliver_all, open_channels
from flows.settings import NotifySettings, Settings
from transforms.errors import PipelineError
from transforms.notices.addresses import link_report
from transforms.notices.kinds import DEFAULT_KINDS, KINDS, read_kinds
from transforms.notices.message import Message, explain_silence, merge_late, write_message, write_test_message
from transforms.notices.news import drop_repeated, find_failure, find_news
from transforms.notices.standing import Standing
from warehouse.home import Home
from warehouse.notices import (
    SENT,
    NoticeLog,
    describe_attempt,
    read_evening,
    report_path,
    session_before,
)
from warehouse.query import open_published
from warehouse.report_data import latest_session, require_session
from warehouse.run_log import published_run


@dataclass(frozen=True)
class Judgement:
    """What a session has to say.

    Attributes
    ----------
    message
        None where there is nothing.
    why
        Why there is nothing; empty where there is something.
    standing
        What the next night is compared with; None where nothing was published.
    compared_with
        Session of the standing it was compared with.
    """

    message: Message | None
    why: str = ""
    standing: Standing | None = None
    compared_with: date | None = None


@dataclass(frozen=True)
class Told:
    """What became of a message.

    Attributes
    ----------
    sentence
        The words for it.
    title
        Of tonight's message; None where there was none.
    kinds
        Of the news it told.
    channels
        By label of the receiver: ``sent``, or why not.
    warning
        What does not stop a night, but should be mended.
    """

    sentence: str
    title: str | None = None
    kinds: tuple[str, ...] = ()
    channels: dict[str, str] = field(default_factory=dict)
    warning: str = ""

    @property
    def is_delivered(self) -> bool:
        """True where every receiver took what there was."""
        return all(outcome == SENT for outcome in self.channels.values())

    def as_dict(self) -> dict[str, Any]:
        """Return what a run record keeps of it."""
        return {name: value for name, value in vars(self).items() if value or name == "sentence"}


def is_notified() -> bool:
    """Return whether anybody is to be told of a night."""
    try:
        return NotifySettings().is_on
    except ValidationError:
        return True  # so that the step says what is wrong


def notify_step(night: Night, error: Exception | None) -> Told:
    """Tell of a night, where something is news. Never raises.

    Parameters
    ----------
    error
        What it failed with; None where it was published.
    """
    try:
        judged = judge_night(night.home) if error is None else judge_failure(night, error)
        return tell(night.home, judged, night.run_id, night.now)
    except PipelineError as problem:
        return _broken(problem.what)
    except ValidationError as problem:
        return _broken(f"a setting cannot be used: {_name_settings(problem)}")
    except Exception as problem:
        # Its text may hold an address.
        return _broken(f"a defect of ours, {type(problem).__name__}")


def judge_night(home: Home) -> Judgement:
    """Judge what the night that has just been published has to say: since the last one, and not told yet."""
    log = NoticeLog(home)
    return judge_published(home, None, log.read_standing(), log.told())


def judge_published(
    home: Home, as_of: date | None = None, before: Standing | None = None, told: Collection[str] = ()
) -> Judgement:
    """Judge what a published session has to say.

    Parameters
    ----------
    as_of
        The session; the newest when not given.
    before
        What it is compared with; the session before it when not given.
    told
        Keys of news that have been told.

    Raises
    ------
    UsageError
        If nothing is published, or not that session.
    """
    chosen, _ = choose_kinds(NotifySettings().on)
    with open_published(home) as connection:
        newest = latest_session(connection)
        session = as_of or newest
        require_session(connection, session)
        record = published_run(home, connection)
        failures = record.failures if session == newest else []
        evening = read_evening(connection, session, record.run, failures)
        earlier = session_before(connection, session) if before is None else None
        if earlier is not None:
            before = read_evening(connection, earlier, record.run, []).standing
    found, since = find_news(evening, before), before.session if before else None
    news = drop_repeated([one for one in found if one.kind in chosen and one.key not in told])
    if not news:
        return Judgement(None, explain_silence(evening, before, found, chosen), evening.standing, since)
    message = write_message(
        news,
        is_simulated=evening.is_simulated,
        numbers=evening.curve,
        report=locate_report(home, evening.session),
    )
    return Judgement(message, standing=evening.standing, compared_with=since)


def judge_failure(night: Night, error: Exception) -> Judgement:
    """Judge what a night that did not end well has to say."""
    code, lines = 1, [f"{type(error).__name__}: {error}"]
    if isinstance(error, PipelineError):
        code, lines = error.exit_code, error.lines()
    news = find_failure(night.session, code, lines, _published_session(night.home))
    if news.kind not in choose_kinds(NotifySettings().on)[0]:
        return Judgement(None, f"not chosen: {news.short}")
    if news.key in NoticeLog(night.home).told():
        return Judgement(None, f"told already: {news.short}")
    return Judgement(write_message([news], is_simulated=night.is_simulated))


def tell(home: Home, judged: Judgement, run_id: str, now: datetime) -> Told:
    """Send each receiver one message, of tonight and of what it has not had, and write down what became of it.

    What a crash hits between the two is told again: twice is better than never.

    Raises
    ------
    PipelineError
        If it could not be written down.
    """
    settings, log, message = NotifySettings(), NoticeLog(home), judged.message
    late = {channel.label: log.undelivered(channel.label) for channel in open_channels(settings)}
    texts = {}
    for channel in open_channels(settings):
        text = merge_late(message, [one for _, one in late[channel.label]])
        if text is not None:
            texts[channel.label] = (channel, *text)
    outcomes = deliver_all(texts, settings.timeout_seconds)
    tried = [describe_attempt(message, run_id, now, outcomes)] if message is not None else []
    for label, waiting in late.items():
        tried += [log.describe_retry(name, run_id, now, {label: outcomes[label]}) for name, _ in waiting]
    if tried:
        log.add(tried)
    if judged.standing is not None:
        log.keep_standing(judged.standing)
    return _describe(judged, outcomes, choose_kinds(settings.on)[1])


def send_test(today: date) -> Told:
    """Send every receiver a message that says nothing but that messages arrive. Nothing is written down."""
    settings, message = NotifySettings(), write_test_message(today)
    texts = {one.label: (one, message.title, message.body) for one in open_channels(settings)}
    return _describe(Judgement(message), deliver_all(texts, settings.timeout_seconds), (), is_kept=False)


def choose_kinds(text: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the kinds that are told, and the words of the setting that are none. Without any, the default holds."""
    kinds, unknown = read_kinds(text)
    return kinds or frozenset(DEFAULT_KINDS), unknown


def locate_report(home: Home, session: date) -> str:
    """Return where the page of a session is read: under the address it is served at, else its path."""
    base = Settings().report_base_url
    if base:
        return link_report(base, session)
    path = report_path(home, session)
    return str(path) if path.exists() else f"`alvh report --as-of {session}` writes it"


def _describe(judged: Judgement, outcomes: Mapping[str, str], unknown: Sequence[str], *, is_kept: bool = True) -> Told:
    missed = [f"{label} ({outcome})" for label, outcome in outcomes.items() if outcome != SENT]
    if not outcomes:
        sentence = f"nothing to tell: {judged.why}"
    elif missed:
        sentence = f"not delivered to {', '.join(missed)}" + ("; kept, the next run tries again" if is_kept else "")
    else:
        what = judged.message.title if judged.message else "what was late"
        sentence = f"told {', '.join(outcomes)}: {what}"
    warnings = [sentence] if missed else []
    if unknown:
        warnings.append(f"ALVH_NOTIFY_ON: no such kind of news: {', '.join(unknown)}; known: {', '.join(KINDS)}")
    message = judged.message
    return Told(
        sentence,
        title=message.title if message else None,
        kinds=message.kinds if message else (),
        channels=dict(outcomes),
        warning="; ".join(warnings),
    )


def _broken(why: str) -> Told:
    sentence = f"not told: {why}"
    return Told(sentence, warning=f"{sentence}; the night itself is not touched by it")


def _name_settings(problem: ValidationError) -> str:
    # the values themselves are not repeated
    return ", ".join("ALVH_NOTIFY_" + "_".join(str(part) for part in one["loc"]).upper() for one in problem.errors())


def _published_session(home: Home) -> date | None:
    if not home.published.exists():
        return None
    try:
        with open_published(home) as connection:
            return latest_session(connection)
    except (PipelineError, duckdb.Error):
        return None
