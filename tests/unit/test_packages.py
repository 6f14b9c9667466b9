"""The pinned packages have their hashes, and what differs from them is said."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("packages", ROOT / ".ci" / "packages.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


PACKAGES = load_script()
TEXT = (ROOT / "hashes.txt").read_text(encoding="utf-8")


def test_every_pinned_package_has_hashes_and_nothing_else_has() -> None:
    pins = PACKAGES.read_pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    hashed = PACKAGES.read_pins(TEXT)
    hashed.pop(PACKAGES.BUILD)
    assert hashed == pins, "run `make hashes`"
    assert all(PACKAGES.read_hashes(TEXT)[name] for name in pins)


def test_file_names_no_index_and_no_machine() -> None:
    assert not re.search(r"://|index-url|/home/|/tmp/|localhost", TEXT)


def test_file_reads_back_as_it_was_written() -> None:
    pins, hashes = {"one": "1.0", "two": "2.1"}, {"one": {"a" * 64, "b" * 64}, "two": {"c" * 64}}
    text = PACKAGES.render_hashes(pins, hashes)
    assert PACKAGES.read_pins(text) == pins
    assert PACKAGES.read_hashes(text) == {name: frozenset(found) for name, found in hashes.items()}


def entry(name: str, sha256: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "version": "1.0"},
        "download_info": {"archive_info": {"hashes": {"sha256": sha256}}},
    }


def test_another_artefact_of_the_same_version_is_told() -> None:
    known = {"one": frozenset({"a" * 64})}
    assert list(PACKAGES.find_differences([entry("One", "a" * 64)], known)) == []
    (said,) = PACKAGES.find_differences([entry("One", "d" * 64)], known)
    assert "one 1.0" in said
    assert "d" * 64 in said


def test_two_versions_for_two_pythons_are_refused() -> None:
    other = entry("one", "b" * 64)
    other["metadata"]["version"] = "2.0"
    with pytest.raises(SystemExit, match="two versions"):
        PACKAGES.collect([[entry("one", "a" * 64)], [other]])


def test_changed_and_missing_files_of_an_installed_package_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Once imported, the backport answers for the standard library, on every Python as Python 3.12 does.
    importlib.import_module("importlib_metadata")
    folder = tmp_path / "made_up-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\n")
    empty = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"  # of no bytes at all
    record = [f"{name},sha256={empty},0" for name in ("made_up/whole.py", "made_up/changed.py", "made_up/gone.py")]
    (folder / "RECORD").write_text("\n".join([*record, "made_up-1.0.dist-info/RECORD,,"]) + "\n")
    (tmp_path / "made_up").mkdir()
    (tmp_path / "made_up" / "whole.py").write_bytes(b"")
    (tmp_path / "made_up" / "changed.py").write_bytes(b"import os\n")
    monkeypatch.syspath_prepend(tmp_path)
    said = list(PACKAGES.find_changed_files("made-up", "1.0"))
    assert said == [
        "made-up: made_up/changed.py is not as its wheel brought it",
        "made-up: made_up/gone.py is gone",
    ]
    assert list(PACKAGES.find_changed_files("made-up", "1.1")) == ["made-up: 1.0 is installed, 1.1 is pinned"]
    assert list(PACKAGES.find_changed_files("nobody-has-this", "1.0")) == []
