"""The packages of `constraints.txt`, held to the bytes they had when they were pinned.

    python .ci/packages.py write     asks the index for the hash of every artefact, writes hashes.txt
    python .ci/packages.py check     compares what would be installed, and what is installed, with hashes.txt

Only pip is asked, as it is set up on this machine; no address of an index is kept. `hashes.txt` has the wheels for
Linux on x86_64 and the Pythons of `PYTHONS`; `make setup-hashed` installs nothing else. Without dependencies: the list
is whole, and to pip the `sqlalchemy[asyncio]` that a package asks for is not the `sqlalchemy` that has a hash.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS, HASHES = ROOT / "constraints.txt", ROOT / "hashes.txt"
PYTHONS = ("3.11", "3.12", "3.13")
BUILD = "setuptools"
"""What builds this checkout when it is installed: asked for by pyproject.toml, and pinned with the rest."""

_GLIBC = ("2_28", "2_27", "2_24", "2_17", "2_12", "2_5")
_PLATFORMS = [f"manylinux_{version}_x86_64" for version in _GLIBC] + ["manylinux2014_x86_64", "linux_x86_64"]
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def name_of(text: str) -> str:
    """Return the name of a package in its one spelling."""
    return re.sub(r"[-_.]+", "-", text).lower()


def read_pins(text: str) -> dict[str, str]:
    """Return version by name of the lines ``name==version``; whatever else stands in them is left out."""
    found = (_PIN.match(line.split(" ")[0].strip()) for line in text.splitlines() if line[:1] not in ("#", " ", ""))
    return {name_of(match[1]): match[2] for match in found if match}


def read_hashes(text: str) -> dict[str, frozenset[str]]:
    """Return the hashes by name of a file in pip's own format."""
    entries = text.replace("\\\n", " ").splitlines()
    return {name_of(line.split("==")[0]): frozenset(_HASH.findall(line)) for line in entries if "==" in line}


def render_hashes(pins: Mapping[str, str], hashes: Mapping[str, set[str]]) -> str:
    """Return the file, sorted."""
    lines = [
        "# SHA-256 of every artefact of the pinned packages: wheels for Linux on x86_64, Python "
        + ", ".join(PYTHONS)
        + ".",
        "# Written by `make hashes`, compared by `make verify-packages`, installed by `make setup-hashed`.",
    ]
    for name in sorted(pins):
        lines += [f"{name}=={pins[name]} \\"]
        lines += [" \\\n".join(f"    --hash=sha256:{one}" for one in sorted(hashes[name]))]
    return "\n".join(lines) + "\n"


def ask_index(requirements: Path, *options: str) -> list[dict[str, Any]]:
    """Return what pip would install, with the hashes that the index states; nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
        command += ["--only-binary", ":all:", "--disable-pip-version-check", "--report", str(report), *options]
        command += ["-r", str(requirements)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)  # noqa: S603 - pip, by a list of arguments
        found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
    return found


def collect(reports: list[list[dict[str, Any]]]) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Return versions and hashes of the packages of some reports."""
    pins: dict[str, str] = {}
    hashes: dict[str, set[str]] = {}
    for entry in (entry for report in reports for entry in report):
        name = name_of(entry["metadata"]["name"])
        if pins.setdefault(name, entry["metadata"]["version"]) != entry["metadata"]["version"]:
            raise SystemExit(f"{name}: two versions for two Pythons")
        hashes.setdefault(name, set()).add(entry["download_info"]["archive_info"]["hashes"]["sha256"])
    return pins, hashes


def write() -> None:
    """Ask for every Python, and write the file."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(CONSTRAINTS.read_text(encoding="utf-8") + f"{BUILD}\n", encoding="utf-8")
        reports = []
        for python in PYTHONS:
            options = ["--target", folder, "--implementation", "cp", "--python-version", python]
            options += [f"--platform={platform}" for platform in _PLATFORMS]
            reports.append(ask_index(wanted, *options))
            print(f"Python {python}: {len(reports[-1])} packages", flush=True)
    HASHES.write_text(render_hashes(*collect(reports)), encoding="utf-8")


def find_differences(reports: list[dict[str, Any]], known: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Yield what the index would give that is not what was pinned."""
    for entry in reports:
        name, stated = name_of(entry["metadata"]["name"]), entry["download_info"]["archive_info"]["hashes"]["sha256"]
        if stated not in known.get(name, frozenset()):
            yield f"{name} {entry['metadata']['version']}: the index has an artefact of SHA-256 {stated}, unknown here"


def find_changed_files(name: str, version: str) -> Iterator[str]:
    """Yield what of an installed package is not as its wheel brought it."""
    try:
        package = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return  # of an extra that is not installed
    if package.version != version:
        yield f"{name}: {package.version} is installed, {version} is pinned"
        return
    # The list itself, not `package.files`: from Python 3.12 on that leaves out what is no longer there.
    for file, stated, _size in csv.reader((package.read_text("RECORD") or "").splitlines()):
        mode, _, value = stated.partition("=")
        if mode != "sha256":
            continue
        path = Path(str(package.locate_file(file)))
        actual = hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b""
        if base64.urlsafe_b64encode(actual).rstrip(b"=").decode() != value:
            yield f"{name}: {file} is not as its wheel brought it" if actual else f"{name}: {file} is gone"


def check() -> int:
    """Compare the index and the installed files with the file; say every difference."""
    text = HASHES.read_text(encoding="utf-8")
    known, pins = read_hashes(text), read_pins(text)
    differences = list(find_differences(ask_index(CONSTRAINTS), known))
    print(f"index: {len(known)} packages, {len(differences)} with another artefact")
    pins.pop(BUILD, None)  # in an environment of its own while this checkout is installed
    changed = [one for name, version in pins.items() for one in find_changed_files(name, version)]
    print(f"installed: {len(changed)} differences from what the wheels brought")
    for one in [*differences, *changed]:
        print(f"  {one}")
    return 1 if differences or changed else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["write"]:
        write()
    elif sys.argv[1:] == ["check"]:
        sys.exit(check())
    else:
        sys.exit(__doc__)
