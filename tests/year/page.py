"""The page of the year, from its record: ``python -m tests.year.page FOLDER [FOLDER ...]`` writes
``docs/year_of_nights.md``."""

from __future__ import annotations

import json
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE, CHART = ROOT / "docs" / "year_of_nights.md", ROOT / "docs" / "images" / "year_of_nights.svg"
_HEAD = ROOT / "tests" / "year" / "page_head.md"
_ENDS = {
    0: "published",
    3: "degraded",
    2: "refused, 2",
    4: "refused, 4",
    5: "refused, 5",
    6: "refused, 6",
    1: "error, 1",
}
_COLUMNS = ("published", "degraded", "refused, 4", "refused, 5", "refused, 6", "error, 1", "killed")
_KINDS_WORDS = (
    "How the first attempt of an evening with it ended, and how its session stood at the next evening. An evening\n"
    "with several faults counts for each."
)
Session = Mapping[str, Any]


@dataclass(frozen=True)
class Stretch:
    """A record: its sessions, and what its end showed; None where the run was ended before."""

    lived: list[dict[str, Any]]
    done: dict[str, Any] | None


def main(arguments: Sequence[str]) -> int:
    stretches = [_read(Path(folder)) for folder in arguments]
    PAGE.write_text(render_page(stretches, datetime.now(UTC).date().isoformat()), encoding="utf-8")
    CHART.parent.mkdir(exist_ok=True)
    draw_chart(stretches[0].lived, CHART)
    return 0


def _read(folder: Path) -> Stretch:
    lived = [json.loads(line) for line in (folder / "year.jsonl").read_text(encoding="utf-8").splitlines()]
    end = folder / "end.json"
    return Stretch(lived, json.loads(end.read_text(encoding="utf-8")) if end.exists() else None)


def render_page(stretches: Sequence[Stretch], today: str) -> str:
    """Return the page in Markdown, of one record or of several, each of a home of its own."""
    lived = [session for stretch in stretches for session in stretch.lived]
    parts = [
        _HEAD.read_text(encoding="utf-8").rstrip(),
        "## What came of it",
        *(_say_run(stretch.lived, today) for stretch in stretches),
        _table(("what", "count"), _totals(lived, stretches)),
        "## By kind of fault",
        _KINDS_WORDS,
        _table(("fault", "evenings", *_COLUMNS, "in the end published", "degraded", "not"), _kinds(lived)),
        "## Wrong values",
        _table(("sort", "values", "sessions", "stood, hours: median", "longest"), _wrong(stretches)),
        *_examples(lived, stretches),
        "## At the end",
        *(text for stretch in stretches for text in _say_end(stretch.done)),
        "## The home and the process",
        f"![Files, bytes and memory over the sessions](images/{CHART.name})",
        *(
            _table(
                (
                    *("session", "files", "home, MB", "raw, MB", "policy log, kB", "run records", "peak memory, MB"),
                    "night, s CPU",
                ),
                _months(stretch.lived),
            )
            for stretch in stretches
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows)])


def _say_run(lived: Sequence[Session], today: str) -> str:
    versions = list(dict.fromkeys(one["code_version"] for one in lived if one["code_version"]))
    return (
        f"Written on {today}: {len(lived)} sessions, {lived[0]['session']} to {lived[-1]['session']}, on commit"
        f"{'s' if len(versions) > 1 else ''} {', '.join(f'`{version}`' for version in versions)}."
    )


def _tried(lived: Sequence[Session]) -> list[dict[str, Any]]:
    return [one for session in lived for one in session["tried"]]


def _totals(lived: Sequence[Session], stretches: Sequence[Stretch]) -> Iterator[tuple[str, object]]:
    tried = _tried(lived)
    codes = Counter(one["code"] for one in tried)
    stood = Counter(_stands(session) for session in lived)
    yield "sessions", len(lived)
    yield "of them with faults", sum(bool(session["events"]) for session in lived)
    yield "faults", sum(len(session["events"]) for session in lived)
    yield "attempts", len(tried)
    yield "the schedule fired and there was nothing to do", sum(session["idle"] for session in lived)
    for code, words in {**_ENDS, -9: "killed"}.items():
        if codes[code]:
            yield f"attempts that ended {words}", codes[code]
    yield "sessions published by the next evening", stood["published"] + stood["degraded"]
    yield "of them degraded, with the reason", stood["degraded"]
    yield "sessions refused up to the next evening, the last good kept", stood["not"]
    yield "**promises broken** (another code, no reason, the last good not kept)", _sum(lived, "violations")
    yield "bodies delivered whole", sum(session["delivered"] for session in lived)
    yield "**of them not in the raw store**", _sum(lived, "lost_bodies")
    sorts = Counter(sort for stretch in stretches for _, sort, _, _ in _episodes(stretch.lived))
    yield "**values delivered and missing, unmarked**", sorts["missing"]
    yield "**values published wrong, unmarked, that a check is to find**", sorts["wrong, unmarked"]
    yield "values published wrong, so near that no check can know", sorts["wrong, plausible"]
    yield "reads by a reader that never stopped", sum(session["reads"] for session in lived)
    yield "**of them of anything half-built**", _sum(lived, "bad_reads")
    yield (
        "flipped bits; found by verify",
        (
            f"{sum(event['group'].startswith('damaged') for session in lived for event in session['events'])}; "
            f"{sum(bool(session['found_by_verify']) for session in lived)}"
        ),
    )


def _sum(lived: Sequence[Session], name: str) -> int:
    return sum(len(session[name]) for session in lived)


def _stands(session: Session) -> str:
    """How a session stands at the next evening."""
    for one in reversed(session["tried"]):
        if one["code"] in (0, 3) and one["as_of"] == session["session"]:
            return _ENDS[one["code"]]
    return "published" if _is_published_by_kill(session) else "not"


def _is_published_by_kill(session: Session) -> bool:
    # killed behind the swap on an evening whose morning was not run
    return any(one["code"] == -9 for one in session["tried"]) and bool(session["judged"])


def _name_of(event: Mapping[str, Any]) -> str:
    return str(event["kind"]) if event["group"] in ("server", "wrong value") else str(event["group"])


def _kinds(lived: Sequence[Session]) -> Iterator[list[object]]:
    first: dict[str, Counter[str]] = defaultdict(Counter)
    stands: dict[str, Counter[str]] = defaultdict(Counter)
    for session in lived:
        for name in {_name_of(event) for event in session["events"]}:
            code = session["tried"][0]["code"] if session["tried"] else None
            first[name]["killed" if code == -9 else _ENDS.get(code or 0, "error, 1")] += 1
            stands[name][_stands(session)] += 1
    for name in sorted(first):
        ends = [first[name][column] or "" for column in _COLUMNS]
        yield [
            f"`{name}`" if " " not in name else name,
            sum(first[name].values()),
            *ends,
            *(stands[name][one] or "" for one in ("published", "degraded", "not")),
        ]


def _episodes(lived: Sequence[Session]) -> list[tuple[tuple[str, str, str], str, float, float | None]]:
    """Each time a value was wrong: its key, how it was counted first, hours until it was right, how far it was off."""
    judged = sorted({at for session in lived for at in session["judged"]}, key=datetime.fromisoformat)
    wrong: dict[str, dict[tuple[str, str, str], dict[str, Any]]] = defaultdict(dict)
    for session in lived:
        for entry in session["wrong"]:
            wrong[entry["at"]][entry["what"], entry["day"], entry["key"]] = entry
    standing: dict[tuple[str, str, str], tuple[str, dict[str, Any]]] = {}
    found = []
    for at in judged:
        for key in [key for key in standing if key not in wrong[at]]:
            since, entry = standing.pop(key)
            found.append((key, entry["sort"], _hours(since, at), entry["off"]))
        for key, entry in wrong[at].items():
            standing.setdefault(key, (at, entry))
    if judged:
        for key, (since, entry) in standing.items():
            found.append((key, entry["sort"], _hours(since, judged[-1]), entry["off"]))
    return found


def _hours(since: str, until: str) -> float:
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds() / 3600


def _wrong(stretches: Sequence[Stretch]) -> Iterator[list[object]]:
    episodes = [one for stretch in stretches for one in _episodes(stretch.lived)]
    for sort in ("wrong, marked", "wrong, plausible", "wrong, unmarked", "missing, marked", "missing"):
        mine = [one for one in episodes if one[1] == sort]
        days = {key[1] for key, _, _, _ in mine}
        hours = [one[2] for one in mine]
        median = f"{statistics.median(hours):.0f}" if hours else ""
        yield [sort, len(mine), len(days), median, f"{max(hours):.0f}" if hours else ""]


def _examples(lived: Sequence[Session], stretches: Sequence[Stretch]) -> Iterator[str]:
    plain = [
        one for stretch in stretches for one in _episodes(stretch.lived) if one[1] in ("wrong, unmarked", "missing")
    ]
    if plain:
        yield "Those that are neither marked nor plausible:"
        yield _table(
            ("what", "session", "which", "off", "stood, hours"),
            (
                [*key, "missing" if off is None else f"{100 * off:.1f} %", f"{hours:.0f}"]
                for key, _, hours, off in plain[:30]
            ),
        )
    broken = [(one["session"], what) for one in lived for what in [*one["violations"], *one["lost_bodies"]]]
    if broken:
        yield "Promises broken:"
        yield _table(("session", "what"), ([day, " ".join(what.split())[:200]] for day, what in broken))


def _say_end(done: Mapping[str, Any] | None) -> Iterator[str]:
    if done is None:
        yield "A run was ended before its year was over: what its end would have shown was not looked at."
        return
    rows = [
        (name, done[name]["code"], len(done[name]["wrong"]))
        for name in ("after a last night", "after asking for everything", "in a new home")
    ]
    yield _table(("a night", "code", "values that are not the true ones"), rows)
    same = "the same" if done["same values"] else "**not the same**"
    yield (
        f"The warehouse after the year and that of a new home, made in one night from the true files, have\n"
        f"{same} settlements,\n"
        f"levels, contango and rebuilt index. `alvh verify` has {len(done['verify'])} findings that are errors."
    )


def _months(lived: Sequence[Session]) -> Iterator[list[object]]:
    by_month: dict[str, list[Session]] = defaultdict(list)
    for session in lived:
        by_month[session["session"][:7]].append(session)
    for sessions in by_month.values():
        last = sessions[-1]
        here = [one for one in _tried(sessions) if one["code"] in (0, 3)]
        yield [
            last["session"],
            last["files"],
            f"{last['bytes'] / 1e6:.0f}",
            f"{last['raw_bytes'] / 1e6:.1f}",
            f"{last['log_bytes'] / 1e3:.0f}",
            last["run_records"],
            f"{max(one['peak_mb'] for one in _tried(sessions)):.0f}",
            f"{statistics.median(one['cpu'] for one in here):.1f}" if here else "",
        ]


def draw_chart(lived: Sequence[Session], path: Path) -> None:
    """Draw files, bytes and memory by session."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    days = [datetime.fromisoformat(session["session"]) for session in lived]
    peaks = [max((one["peak_mb"] for one in session["tried"]), default=float("nan")) for session in lived]
    lines: tuple[tuple[str, list[float]], ...] = (
        ("files in the home", [float(session["files"]) for session in lived]),
        ("bytes in the home, MB", [session["bytes"] / 1e6 for session in lived]),
        ("peak memory of a night, MB", peaks),
    )
    with mpl.rc_context({"svg.hashsalt": "year", "font.size": 9}):
        figure, axes = pyplot.subplots(3, 1, figsize=(8, 6), sharex=True)
        for axis, (title, values) in zip(axes, lines, strict=True):
            axis.plot(days, values, color="#1f5a99", linewidth=1.4)
            axis.set_title(title, loc="left")
            axis.set_ylim(bottom=0)
            axis.grid(alpha=0.3)
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
