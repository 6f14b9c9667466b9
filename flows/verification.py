"""``alvh verify``: what was looked at, what was found, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from flows.policy_texts import parse_policy_text
from transforms.errors import UsageError
from warehouse.governance.verify import verify_home
from warehouse.home import Home
from warehouse.plain_json import dump_json

_HASH_LENGTH = 64

NEXT_STEPS = {
    "raw": "copy it back from a copy of the home; `alvh nightly --recheck` asks the publisher again for what is "
    "damaged, and gets it where the publisher still has those bytes",
    "warehouse": "`alvh nightly` builds the warehouse anew from the raw files",
    "log": "copy the policy folder back from a copy you trust; nights stop until then",
    "policy": "`alvh policy diff` shows what changed, `alvh policy restore` writes the adopted policy back",
    "runs": "copy the record back from a copy of the home, and find out who changed what",
    "reports": "`alvh report --as-of DATE` writes it anew from what is published; or copy it back from a copy of the "
    "home",
    "home": "copy market.json back from a copy of the home; a night on another market than the home's own is refused",
    "calibrations": "copy the file back from a copy of the home; without one, take it out of the folder, and its week "
    "is computed from the present data",
}
"""What to do about a finding, by its area."""


def verify_and_describe(home: Home, heads: Sequence[str], *, as_json: bool) -> tuple[str, bool]:
    """Verify a home. Return the findings as text, and whether it is sound.

    Parameters
    ----------
    heads
        Hashes of log entries noted elsewhere, 64 hexadecimal digits each.

    Raises
    ------
    UsageError
        If a head is no hash, or there is no such home.
    """
    for head in heads:
        if len(head) != _HASH_LENGTH or set(head.lower()) - set("0123456789abcdef"):
            raise UsageError("--head is not a hash", found=head, expected=f"{_HASH_LENGTH} hexadecimal digits")
    if not home.path.is_dir():
        raise UsageError(
            "there is no such home folder",
            where=str(home.path),
            next_step="run `alvh nightly`, or point --home (ALVH_HOME) to a home",
        )
    report = verify_home(
        home,
        hash_policy=lambda body: parse_policy_text(body, "policy").policy_hash,
        trusted_heads=[head.lower() for head in heads],
    )
    if as_json:
        findings = [
            {**asdict(finding), "next_step": NEXT_STEPS[finding.area] if finding.is_error else None}
            for finding in report.findings
        ]
        document = {
            "is_sound": report.is_sound,
            "checked": dict(report.checked),
            "bytes": report.bytes,
            "findings": findings,
            "not_looked_at": list(report.not_looked_at),
        }
        return dump_json(document), report.is_sound
    lines = []
    for finding in report.findings:
        lines += finding.lines()
        if finding.is_error:
            lines.append(f"  next:     {NEXT_STEPS[finding.area]}")
    said = report.lines()[sum(len(finding.lines()) for finding in report.findings) :]
    return "\n".join([*lines, *said]), report.is_sound
