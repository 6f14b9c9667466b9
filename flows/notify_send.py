"""Delivering a message: to addresses of apprise and to a notification block of Prefect, within a time.

Nothing here ever says an address. What the libraries log of one is caught and reduced to a few fixed words.
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flows.settings import NotifySettings
from transforms.notices.addresses import explain_refusal, redact_address, split_addresses
from warehouse.notices import SENT

Deliver = Callable[[str, str], None]

_TALKATIVE = ("apprise", "urllib3", "requests", "httpx", "httpcore", "prefect.blocks", "smtplib", "paho")
_BEYOND_CRITICAL = logging.CRITICAL + 1


class NotDeliveredError(Exception):
    """A receiver did not take a message. Its text is fit to print."""


@dataclass(frozen=True)
class Channel:
    """A way to a receiver.

    Attributes
    ----------
    label
        Its place in the setting and its scheme, ``1 ntfy://***``: how logs and records name it.
    deliver
        Delivers title and body, or raises.
    """

    label: str
    deliver: Deliver


def open_channels(settings: NotifySettings) -> list[Channel]:
    """Return the receivers that are set up. Nothing is loaded and nobody is asked before something is sent."""
    text = settings.url.get_secret_value() if settings.url else ""
    channels = [
        Channel(f"{place} {redact_address(address)}", _by_apprise(address))
        for place, address in enumerate(split_addresses(text), start=1)
    ]
    block = (settings.block or "").strip()
    if block:
        # Its name says where the secret is kept, and is none itself.
        channels.append(Channel(f"block {block}", _by_block(block)))
    return channels


def deliver_all(texts: Mapping[str, tuple[Channel, str, str]], timeout_seconds: float) -> dict[str, str]:
    """Deliver to each receiver its text, all at once, and wait no longer than the time.

    Parameters
    ----------
    texts
        By label: the channel, title and body.
    timeout_seconds
        Bound on all of them together. A receiver that hangs is given up, and counts as not reached.

    Returns
    -------
    dict
        By label: ``sent``, or in fixed words why not.
    """
    outcomes: dict[str, str] = {}
    threads = []
    for channel, title, body in texts.values():
        run = contextvars.copy_context().run
        # A daemon: one that hangs does not keep the process from ending.
        thread = threading.Thread(target=run, args=(_try, channel, title, body, outcomes), daemon=True)
        threads.append(thread)
        thread.start()
    deadline = time.monotonic() + timeout_seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = f"no answer in {timeout_seconds:g} s"
    return {label: outcomes.get(label, late) for label in texts}


def _try(channel: Channel, title: str, body: str, outcomes: dict[str, str]) -> None:
    # Quiet for as long as the thread lives: one that was given up may still log.
    with _quiet() as lines:
        try:
            channel.deliver(title, body)
            outcomes[channel.label] = SENT
        except NotDeliveredError as error:
            outcomes[channel.label] = str(error) or explain_refusal(lines)
        except Exception as error:
            # Its text may hold the address.
            outcomes[channel.label] = f"{explain_refusal(lines)} ({type(error).__name__})"


def _by_apprise(address: str) -> Deliver:
    def deliver(title: str, body: str) -> None:
        # here, because its plugins take longest to load and most nights say nothing
        from apprise import Apprise, AppriseAsset, NotifyFormat

        # In this thread and not in a pool, which the process would wait for; no pictures from elsewhere.
        asset = AppriseAsset(
            app_id="alvh", app_desc="alvh", app_url="", async_mode=False, image_url_mask="", image_url_logo=""
        )
        sender = Apprise(asset=asset)
        if not sender.add(address):
            raise NotDeliveredError("no address that apprise knows")
        if not sender.notify(title=title, body=body, body_format=NotifyFormat.TEXT):
            raise NotDeliveredError

    return deliver


def _by_block(name: str) -> Deliver:
    def deliver(title: str, body: str) -> None:
        import flows.prefect_env  # isort: skip  # noqa: F401 - before Prefect, which reads its settings on import
        import prefect.blocks.notifications  # noqa: F401 - registers the kinds of blocks
        from prefect.blocks.abstract import NotificationBlock
        from prefect.blocks.core import Block

        try:
            block: Any = Block.load(name)
        except ValueError:
            raise NotDeliveredError("Prefect has no such block") from None
        if not isinstance(block, NotificationBlock):
            raise NotDeliveredError("the block is none for notifications")
        sender: Any = block  # declared for callers with an event loop; a thread has none
        with sender.raise_on_failure():
            sender.notify(body, subject=title)

    return deliver


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.lines, self.thread = lines, threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.lines.append(record.getMessage())


_lock = threading.Lock()
_loud: dict[str, tuple[int, bool, list[logging.Handler]]] = {}
_listeners = [0]


@contextmanager
def _quiet() -> Iterator[list[str]]:
    """Keep the libraries' log from every handler, and catch the warnings of this thread's sender."""
    lines: list[str] = []
    handler = _Lines(lines)
    with _lock:
        if not _listeners[0]:
            for name in _TALKATIVE:
                logger = logging.getLogger(name)
                _loud[name] = (logger.level, logger.propagate, logger.handlers[:])
                logger.propagate, logger.handlers = False, [logging.NullHandler()]
                logger.setLevel(logging.WARNING if name == "apprise" else _BEYOND_CRITICAL)
        _listeners[0] += 1
        logging.getLogger("apprise").addHandler(handler)
    try:
        yield lines
    finally:
        with _lock:
            logging.getLogger("apprise").removeHandler(handler)
            _listeners[0] -= 1
            if not _listeners[0]:
                for name, (level, propagate, handlers) in _loud.items():
                    logger = logging.getLogger(name)
                    logger.propagate, logger.handlers = propagate, handlers
                    logger.setLevel(level)
