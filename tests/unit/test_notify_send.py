"""Delivering a message: what arrives, what is said where it does not, and that no address is ever written."""

from __future__ import annotations

import logging
import time

import pytest

from flows.notify_send import deliver_all, open_channels
from flows.settings import NotifySettings
from tests.support.receivers import TOKEN, open_receiver
from transforms.notices.kinds import DEFAULT_TEXT

NOBODY = f"json://user:{TOKEN}@127.0.0.1:9/{TOKEN}"
"""Nothing listens on the port named discard."""


def send(url: str, timeout_seconds: float = 10.0, title: str = "title", body: str = "one\ntwo") -> dict[str, str]:
    channels = open_channels(NotifySettings(url=url))  # type: ignore[arg-type]
    return deliver_all({one.label: (one, title, body) for one in channels}, timeout_seconds)


def test_message_arrives_as_it_is() -> None:
    with open_receiver() as receiver:
        assert send(receiver.address) == {"1 json://***": "sent"}
        assert [(one["title"], one["message"]) for one in receiver.messages] == [("title", "one\ntwo")]


def test_each_receiver_has_its_own_outcome() -> None:
    with open_receiver() as one, open_receiver(status=403) as other:
        outcomes = send(f"{one.address}, {other.address} {NOBODY} nonsense://{TOKEN}")
        assert outcomes == {
            "1 json://***": "sent",
            "2 json://***": "refused with status 403",
            "3 json://***": "no connection",
            "4 nonsense://***": "no address that apprise knows",
        }
        assert (len(one.messages), len(other.messages)) == (1, 0)


def test_receiver_that_hangs_is_given_up() -> None:
    with open_receiver(is_hanging=True) as receiver, open_receiver() as other:
        started = time.monotonic()
        # the library's own patience is 4 seconds; the bound holds whatever that is
        outcomes = send(f"{receiver.address}&rto=50 {other.address}", timeout_seconds=2.0)
        assert outcomes == {"1 json://***": "no answer in 2 s", "2 json://***": "sent"}
        assert time.monotonic() - started < 30


def test_block_that_is_not_there_is_said_in_fixed_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.blocks.core import Block

    def load(name: str) -> Block:
        raise ValueError(f"no {name} with {TOKEN}")

    monkeypatch.setattr(Block, "load", load)
    channels = open_channels(NotifySettings(block="slack-webhook/ops"))
    outcomes = deliver_all({one.label: (one, "title", "body") for one in channels}, 10.0)
    assert outcomes == {"block slack-webhook/ops": "Prefect has no such block"}


def test_block_sends_with_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.blocks.core import Block
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    with open_receiver() as receiver:
        block = CustomWebhookNotificationBlock(
            name="ops",
            url=f"http://127.0.0.1:{receiver.port}/{TOKEN}",
            json_data={"title": "{{subject}}", "message": "{{body}}"},
        )
        monkeypatch.setattr(Block, "load", lambda name: {"custom-webhook/ops": block}[name])
        channels = open_channels(NotifySettings(block="custom-webhook/ops"))
        outcomes = deliver_all({one.label: (one, "title", "body") for one in channels}, 10.0)
        assert outcomes == {"block custom-webhook/ops": "sent"}
        assert receiver.messages == [{"title": "title", "message": "body"}]


def test_block_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.blocks.core import Block
    from prefect.blocks.system import Secret

    monkeypatch.setattr(Block, "load", lambda name: Secret(value=TOKEN))
    channels = open_channels(NotifySettings(block="secret/ops"))
    outcomes = deliver_all({one.label: (one, "title", "body") for one in channels}, 10.0)
    assert outcomes == {"block secret/ops": "the block is none for notifications"}


def test_no_log_says_an_address_even_at_its_most_talkative(caplog: pytest.LogCaptureFixture) -> None:
    loggers = [logging.getLogger(name) for name in ("apprise", "urllib3", "urllib3.connectionpool")]
    with caplog.at_level(logging.DEBUG), open_receiver() as one, open_receiver(status=500) as other:
        for logger in loggers:
            caplog.set_level(logging.DEBUG, logger.name)
        before = [(one.level, one.propagate, one.handlers[:]) for one in loggers]
        send(f"{one.address} {other.address} {NOBODY}")
        assert len(one.messages) == 1
        assert [(one.level, one.propagate, one.handlers) for one in loggers] == before
    assert TOKEN not in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_settings_never_show_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALVH_NOTIFY_URL", NOBODY)
    settings = NotifySettings()
    assert settings.is_on
    assert TOKEN not in f"{settings!r} {settings} {settings.model_dump()}"


@pytest.mark.parametrize(
    ("url", "block", "is_on"), [(None, None, False), (" ", "", False), ("x", None, True), (None, "a/b", True)]
)
def test_nobody_is_told_unless_somebody_is_named(url: str | None, block: str | None, is_on: bool) -> None:
    settings = NotifySettings(url=url, block=block)  # type: ignore[arg-type]
    assert (settings.is_on, settings.on) == (is_on, DEFAULT_TEXT)
