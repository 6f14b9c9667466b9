"""What a sweep says of how far it is."""

from __future__ import annotations

from flows.sweeping import Progress
from warehouse.sweep_store import Chunk


def test_how_long_it_will_take_is_told_once_every_path_is_ready() -> None:
    said: list[tuple[str, bool]] = []
    progress = Progress(planned=3, kept=1, tell=lambda text, must: said.append((text, must)), unprepared=2)
    progress.tell_path(0, 6.2)
    progress.count(Chunk(0, 0, 200), None)
    progress.tell_path(1, 31.0)
    progress.count(Chunk(1, 0, 200), "ValueError: no price")
    progress.count(Chunk(1, 200, 400), None)
    texts = [text for text, _ in said]
    assert texts[0] == "path 0, published history, ready after 6.2 s"
    assert texts[1].startswith("2 of 4 chunks, 1 of them from before, ")
    assert "to go" not in texts[1]
    assert texts[2] == "path 1, simulated market, ready after 31.0 s"
    assert texts[3] == f"chunk {Chunk(1, 0, 200).name} failed: ValueError: no price"
    assert texts[4].startswith("2 of 4 chunks, 1 of them from before, 1 failed, ")
    assert texts[4].endswith(" s to go")
    assert "to go" not in texts[5]
    # what must not be passed over: paths, failures, the end
    assert [must for _, must in said] == [True, False, True, True, False, True]
