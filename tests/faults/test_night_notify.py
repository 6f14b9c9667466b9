"""Who is told of a night: one message where something is news, none where nothing is, and no night fails by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import tests.support.market as market_module
from flows.fetch import FetchSummary
from flows.night import Night
from flows.notify import notify_step
from flows.run import Steps
from tests.support.market import LAST, Market
from tests.support.nights import Trader, evening_of
from tests.support.receivers import TOKEN, Receiver, open_receiver
from transforms.errors import ChecksFailedError, SourceError, UsageError
from warehouse.home import Home
from warehouse.notices import NoticeLog

MONDAY = date(2025, 9, 15)
ARMED = f"alvh {LAST}: temporal vega armed → idle"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with open_receiver() as receiver:
        monkeypatch.setenv("ALVH_NOTIFY_URL", receiver.address)
        yield receiver


@pytest.fixture
def home(trader: Trader) -> Home:
    """A home that has had its first night."""
    trader.begin()
    return trader.home


def plant_standing(home: Home, **changes: object) -> None:
    """Have the night before leave the hedge where tonight does, but for what is changed."""
    standing = {
        "session": "2025-09-11",
        "layers": {"base": ["active", 1], "temporal_vega": ["idle", 0], "second_engine": ["idle", 0]},
        "governor_mode": "steward",
        "unwell": [],
    }
    path = home.path / "notices" / "standing.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**standing, **changes}), encoding="utf-8")


def plant_transition(home: Home, state: str = "armed") -> None:
    layers = {"base": ["active", 1], "temporal_vega": [state, 0], "second_engine": ["idle", 0]}
    plant_standing(home, layers=layers)


def spoil_last_record(home: Home, dataset_file: str) -> None:
    """Have the published run say that it could not fetch a file."""
    path = max(home.runs.glob("*.json"))
    record = json.loads(path.read_text(encoding="utf-8"))
    record["fetch"]["failures"].append(
        {"dataset": "index_history", "name": dataset_file, "reason": "timed out", "is_refused": False,
         "requirement": "expected"}
    )  # fmt: skip
    path.write_text(json.dumps(record), encoding="utf-8")


def titles(receiver: Receiver) -> list[str]:
    return [str(one["title"]) for one in receiver.messages]


def test_transition_night_sends_one_message_and_the_same_session_again_sends_none(
    trader: Trader,
    market: Market,
    receiver: Receiver,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trader.begin()
    # The whole market rises: a VIX that leaves its futures and the other indices behind would be refused.
    calm, settle = market_module.vix_close, market_module.vx_settle
    monkeypatch.setattr(market_module, "vix_close", lambda day: 26.5 if day == MONDAY else calm(day))
    less = (26.5 - calm(MONDAY)) / 5  # what a future rises less than the VIX
    monkeypatch.setattr(market_module, "vx_settle", lambda day, to: settle(day, to) - less * (day == MONDAY))
    market.extend_to(MONDAY)
    market.edit(market.index_path("SPX"), lambda text: move_last(text, 0.96))
    market.edit(market.index_path("VVIX"), lambda text: move_last(text, 1.3))
    trader.now = evening_of(MONDAY)
    result = trader.run()
    (message,) = receiver.messages
    assert message["title"] == f"alvh {MONDAY}: temporal vega idle → armed"
    lines = message["message"].splitlines()
    assert "vix_close_pts 26.50 pts (≥ 25 holds)" in lines[0]
    assert lines[1].startswith("VIX 26.50, VX1 ")
    assert lines[2] == f"Report: {result.report}"
    assert lines[3] == "To do: `alvh explain --layer temporal_vega`"
    record = json.loads(max(trader.home.runs.glob("*.json")).read_text(encoding="utf-8"))
    assert record["notice"]["channels"] == {"1 json://***": "sent"}
    assert record["steps"][-1]["step"] == "notify"

    again = notify_step(trader.night(), None)
    assert again.sentence == (
        f"nothing to tell: since {MONDAY}: no layer moved, governor stays steward, data ok, no source became stale"
    )
    assert len(receiver.messages) == 1
    written = capfd.readouterr()
    assert "notify   told 1 json://***: alvh" in written.err
    assert_no_token(trader.home.path, written.out + written.err)


def test_quiet_night_sends_none(trader: Trader, home: Home, receiver: Receiver) -> None:
    told = notify_step(trader.night(), None)
    assert told.sentence.startswith("nothing to tell: since 2025-09-11: no layer moved")
    assert (receiver.messages, NoticeLog(home).path.exists()) == ([], False)
    standing = NoticeLog(home).read_standing()
    assert standing is not None
    assert standing.session == LAST


def test_degraded_night_sends_one(trader: Trader, home: Home, receiver: Receiver) -> None:
    plant_standing(home)
    spoil_last_record(home, "VVIX_History.csv")
    notify_step(trader.night(), None)
    notify_step(trader.night(), None)
    assert titles(receiver) == [f"alvh {LAST}: degraded data, 1 reason"]
    assert "Degraded: VVIX history (cboe) is failed" in receiver.messages[0]["message"]


def test_failed_night_sends_one_and_ends_as_it_would_have(
    trader: Trader, home: Home, market: Market, receiver: Receiver
) -> None:
    before = trader.state()
    market.index_path("VIX").write_text("<html>", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(SourceError) as caught:
            trader.run()
        assert caught.value.exit_code == 5
    assert titles(receiver) == [f"alvh {LAST}: night failed, code 5"]
    assert f"Published: session {LAST}" in receiver.messages[0]["message"]
    assert trader.state() == before


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (ChecksFailedError("2 checks failed"), f"alvh {LAST}: night failed, code 4"),
        (KeyError("x"), f"alvh {LAST}: night failed, code 1"),
    ],
)
def test_every_kind_of_failure_is_told(
    trader: Trader, home: Home, receiver: Receiver, error: Exception, title: str
) -> None:
    notify_step(trader.night(), error)
    assert titles(receiver) == [title]


def test_wrong_option_is_not_told(trader: Trader, home: Home, receiver: Receiver) -> None:
    def refuse(night: Night) -> FetchSummary:
        raise UsageError("no such session")

    with pytest.raises(UsageError):
        trader.run(Steps(fetch=refuse))
    assert receiver.messages == []


def test_message_that_was_not_delivered_goes_out_with_the_next_run(
    trader: Trader, home: Home, receiver: Receiver
) -> None:
    plant_transition(home)
    receiver.status = 503
    told = notify_step(trader.night(), None)
    assert told.channels == {"1 json://***": "refused with status 503"}
    assert told.warning == "not delivered to 1 json://*** (refused with status 503); kept, the next run tries again"
    receiver.status = 200
    assert notify_step(trader.night(), None).sentence == "told 1 json://***: what was late"
    assert notify_step(trader.night(), None).sentence.startswith("nothing to tell")
    assert titles(receiver) == [f"late: {ARMED}"]
    outcomes = [entry["channels"]["1 json://***"] for entry in NoticeLog(home).entries()]
    assert outcomes == ["refused with status 503", "sent"]


def test_late_message_and_a_new_one_are_one(trader: Trader, home: Home, receiver: Receiver) -> None:
    plant_transition(home)
    receiver.status = 503
    notify_step(trader.night(), None)
    receiver.status = 200
    notify_step(trader.night(), SourceError("VIX is missing"))
    (message,) = receiver.messages
    assert message["title"] == f"alvh {LAST}: night failed, code 5"
    assert message["message"].splitlines()[-1] == f"Not delivered before: {LAST}: temporal vega armed → idle"
    assert NoticeLog(home).undelivered("1 json://***") == []


def test_receiver_that_took_a_message_does_not_get_it_again_for_another(
    trader: Trader, home: Home, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_transition(home)
    with open_receiver(status=500) as other:
        monkeypatch.setenv("ALVH_NOTIFY_URL", f"{receiver.address} {other.address}")
        notify_step(trader.night(), None)
        other.status = 200
        notify_step(trader.night(), None)
        assert (titles(receiver), titles(other)) == ([ARMED], [f"late: {ARMED}"])


def test_receiver_that_hangs_does_not_hold_the_night(
    trader: Trader, home: Home, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_transition(home)
    receiver.is_hanging = True
    monkeypatch.setenv("ALVH_NOTIFY_TIMEOUT_SECONDS", "0.5")
    assert notify_step(trader.night(), None).channels == {"1 json://***": "no answer in 0.5 s"}
    assert [name for name, _ in NoticeLog(home).undelivered("1 json://***")]


def test_only_chosen_kinds_are_told(
    trader: Trader, home: Home, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALVH_NOTIFY_ON", "failed")
    plant_transition(home)
    told = notify_step(trader.night(), None)
    assert told.sentence.endswith("; not chosen: temporal vega armed → idle")
    assert receiver.messages == []


def test_wrong_kind_is_named_and_stops_nothing(
    trader: Trader, home: Home, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALVH_NOTIFY_ON", "transitions")
    plant_transition(home)
    told = notify_step(trader.night(), None)
    assert told.warning.startswith("ALVH_NOTIFY_ON: no such kind of news: transitions; known: failed, transition,")
    assert titles(receiver) == [ARMED]


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("ALVH_NOTIFY_TIMEOUT_SECONDS", "soon", "not told: a setting cannot be used: ALVH_NOTIFY_TIMEOUT_SECONDS"),
        ("ALVH_NOTIFY_URL", f"{TOKEN}", "not delivered to 1 *** (no address that apprise knows)"),
    ],
)
def test_setting_that_cannot_be_used_is_a_warning(
    trader: Trader, home: Home, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, variable: str, text: str, said: str
) -> None:
    plant_transition(home)
    monkeypatch.setenv(variable, text)
    assert notify_step(trader.night(), None).sentence.startswith(said)
    assert receiver.messages == []


def test_defect_of_ours_is_a_warning_without_its_text(
    trader: Trader, home: Home, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError(receiver.address)

    monkeypatch.setattr("flows.notify.deliver_all", fail)
    plant_transition(home)
    told = notify_step(trader.night(), None)
    assert told.sentence == "not told: a defect of ours, RuntimeError"


def test_report_is_linked_where_it_is_served(
    trader: Trader, home: Home, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALVH_REPORT_BASE_URL", "https://vix.example.org/reports")
    plant_transition(home)
    notify_step(trader.night(), None)
    assert f"Report: https://vix.example.org/reports/{LAST}/hedge-state.html" in receiver.messages[0]["message"]


def test_damaged_log_and_standing_stop_nothing(trader: Trader, home: Home, receiver: Receiver) -> None:
    plant_standing(home, layers="nonsense")
    NoticeLog(home).path.write_text('{"id": 1}\nnot json\n[]\n', encoding="utf-8")
    assert notify_step(trader.night(), None).sentence.startswith("nothing to tell: since 2025-09-11")


def test_nobody_set_up_means_nothing_is_judged(trader: Trader, home: Home, market: Market) -> None:
    market.index_path("VIX").write_text("<html>", encoding="utf-8")
    with pytest.raises(SourceError):
        trader.run()
    assert not (home.path / "notices").exists()
    record = json.loads(max(home.runs.glob("*.json")).read_text(encoding="utf-8"))
    assert "notice" not in record


def move_last(text: str, factor: float) -> str:
    """Multiply the prices of the last line of an index history."""
    *before, last = text.rstrip("\n").split("\n")
    day, *prices = last.split(",")
    return "\n".join([*before, ",".join([day, *(f"{float(price) * factor:.6f}" for price in prices)])]) + "\n"


def assert_no_token(folder: Path, *texts: str) -> None:
    for text in texts:
        assert TOKEN not in text
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "notices.jsonl" for path in files)
    assert [path.name for path in files if TOKEN.encode() in path.read_bytes()] == []
