"""All targets."""

from __future__ import annotations

from tests.fuzz.files import IN_HOMES
from tests.fuzz.targets import PURE

TARGETS = (*PURE, *IN_HOMES)
