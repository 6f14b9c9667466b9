"""The raw store on random nights: what was seen last is what is read."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from warehouse.home import Home
from warehouse.raw_store import RawStore

GOOD = [b"observation_date,DTB3\n2025-01-06,4.2\n", b"DATE,DTB3\n2025-01-06,4.3\n", b"DATE,DTB3\n2025-01-07,4\n"]
BAD = [b"<html>", b"", b"observation_date,DTB3\n", b"observation_date,DTB3\n2025-01-06,4"]
NIGHTS = st.lists(st.sampled_from(GOOD + BAD), min_size=1, max_size=6)


@examples(25)
@given(nights=NIGHTS)
def test_store_reads_the_last_good_body_whatever_the_order(nights: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.prepare()
        news = []
        for number, body in enumerate(nights):
            _, is_new = RawStore(home).land(
                publisher="fred",
                dataset="fred_series",
                name="DTB3.csv",
                url="https://publisher.test",
                body=body,
                status=200,
                headers={},
                fetched_at=datetime(2025, 1, 6, tzinfo=UTC) + timedelta(days=number),
            )
            news.append(is_new)
        state = RawStore(home).state("fred", "DTB3.csv")
        changed = [body for body, before in zip(nights, [None, *nights], strict=False) if body != before]
        assert [version.path.read_bytes() for version in state.versions] == changed
        assert news == [body != before for body, before in zip(nights, [None, *nights], strict=False)]
        good = [body for body in nights if body in GOOD]
        assert (state.current.path.read_bytes() if state.current else None) == (good[-1] if good else None)
        assert len({version.path for version in state.versions}) == len(set(nights))
