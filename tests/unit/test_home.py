"""The home folder: private, and written so that nobody sees half a file."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from transforms.errors import PipelineError
from warehouse.home import Home, replace_durably, write_atomically


def test_prepare_makes_every_folder_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    folders = [home.path, home.raw, home.build, home.reports, home.runs, home.earlier]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_prepare_can_be_repeated(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    (home.raw / "kept").write_text("x")
    home.prepare()
    assert (home.raw / "kept").exists()


def test_prepare_on_a_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(PipelineError, match="the home folder cannot be used") as caught:
        Home(tmp_path / "home").prepare()
    assert caught.value.where == str(tmp_path / "home")
    assert "ALVH_HOME" in str(caught.value.next_step)


def test_atomic_write_replaces_the_content(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.json"]


def test_atomic_write_leaves_a_reader_of_the_old_file_its_content(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_atomically(path, b"old")
    with path.open("rb") as reader:
        write_atomically(path, b"new")
        assert reader.read() == b"old"


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("owner", "name"), [(os, "fsync"), (Path, "replace")], ids=["fsync", "replace"])
def test_atomic_write_that_fails_keeps_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    path = tmp_path / "file.json"
    write_atomically(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, full_disk)
        with pytest.raises(PipelineError):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(("owner", "name"), [(os, "fsync"), (Path, "replace")], ids=["fsync", "replace"])
def test_atomic_write_that_fails_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    path = tmp_path / "file.json"
    write_atomically(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, full_disk)
        with pytest.raises(PipelineError):
            write_atomically(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.json"]


def test_atomic_write_that_fails_names_the_file_the_cause_and_the_way_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(PipelineError, match="a file could not be written") as caught:
        write_atomically(tmp_path / "file.json", b"new")
    assert caught.value.where == str(tmp_path / "file.json")
    assert "No space left on device" in str(caught.value.found)
    assert "nothing fetched is lost" in str(caught.value.next_step)


def test_atomic_write_syncs_before_it_replaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("sync"), real_sync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (order.append("replace"), real_replace(self, to))[1])
    write_atomically(tmp_path / "file.json", b"new")
    assert order == ["sync", "replace", "sync"]


def test_replace_durably_moves_the_file(tmp_path: Path) -> None:
    (tmp_path / "built").write_bytes(b"new")
    (tmp_path / "published").write_bytes(b"old")
    replace_durably(tmp_path / "built", tmp_path / "published")
    assert (tmp_path / "published").read_bytes() == b"new"
    assert not (tmp_path / "built").exists()
