"""``alvh prune``: what goes, how much that is, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from flows.settings import RetentionSettings
from flows.site import refresh_site
from transforms.errors import UsageError
from warehouse.home import Home
from warehouse.plain_json import dump_json
from warehouse.prune import prune_home, say_bytes
from warehouse.publish import run_lock
from warehouse.retention import FOR_EVER, Plan, Removal, Retention, plan_pruning

_SHOWN = 12
"""Lines of one kind; `--json` has all."""


def prune_and_describe(home: Home, now: datetime, *, is_dry_run: bool, as_json: bool) -> str:
    """Prune a home, or only say what would go. Return what to print.

    Raises
    ------
    LockHeldError
        Another run works on the home; a dry run needs no lock.
    UsageError
        If there is no such home.
    """
    if not home.path.is_dir():
        raise UsageError(
            "there is no such home folder",
            where=str(home.path),
            next_step="run `alvh nightly`, or point --home (ALVH_HOME) to a home",
        )
    keep = RetentionSettings().to_retention()
    if is_dry_run:
        plan = plan_pruning(home, keep, now)
    else:
        with run_lock(home, "alvh prune", now):
            pruned = prune_home(home, keep, now)
            plan = pruned.plan
            if pruned.is_listed and home.published.exists():
                refresh_site(home)
    if as_json:
        return dump_json(_document(home, keep, plan, is_dry_run=is_dry_run))
    return "\n".join(_lines(home, keep, plan, is_dry_run=is_dry_run))


def _document(home: Home, keep: Retention, plan: Plan, *, is_dry_run: bool) -> dict[str, object]:
    return {
        "home": str(home.path),
        "is_dry_run": is_dry_run,
        "settings": asdict(keep),
        "bytes": plan.bytes,
        "removed": [{**asdict(one), "path": _short(home, one.path)} for one in plan.removals],
        "notes": list(plan.notes),
    }


def _lines(home: Home, keep: Retention, plan: Plan, *, is_dry_run: bool) -> Iterator[str]:
    for kind in dict.fromkeys(one.kind for one in plan.removals):
        mine = [one for one in plan.removals if one.kind == kind]
        yield f"{kind}: {len(mine)}, {say_bytes(sum(one.bytes for one in mine))}"
        yield from (_line(home, one) for one in mine[:_SHOWN])
        if len(mine) > _SHOWN:
            yield f"  and {len(mine) - _SHOWN} more; --json has all"
    yield from (f"note: {note}" for note in plan.notes)
    done = "would be removed" if is_dry_run else "removed"
    if plan.removals:
        count = len(plan.removals)
        yield f"{count} thing{'' if count == 1 else 's'} {done}, {say_bytes(plan.bytes)}"
    else:
        yield f"nothing {'to remove' if is_dry_run else 'removed'}"
    yield f"kept: {_say_settings(keep)}"


def _line(home: Home, one: Removal) -> str:
    return f"  {_short(home, one.path)}, {say_bytes(one.bytes)}: {one.why}"


def _say_settings(keep: Retention) -> str:
    limits = asdict(keep)
    bounded = ", ".join(
        f"the last {limit} {name.replace('_', ' ')}" for name, limit in limits.items() if limit != FOR_EVER
    )
    free = ", ".join(name.replace("_", " ") for name, limit in limits.items() if limit == FOR_EVER)
    return f"{bounded}; all {free} (ALVH_KEEP_*)" if free else f"{bounded} (ALVH_KEEP_*)"


def _short(home: Home, path: Path) -> str:
    return path.relative_to(home.path).as_posix()
