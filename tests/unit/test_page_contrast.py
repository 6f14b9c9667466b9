"""Every colour of the pages can be told from what it stands on, in the light and in the dark scheme (WCAG 2.2 AA)."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

TEXT, GRAPHIC = 4.5, 3.0
"""Least contrast of text (1.4.3), and of lines, marks and areas that carry a meaning (1.4.11)."""
TEXT_ON = {
    "page": ("ink", "muted", "link", "good", "bad", "warn"),
    "surface": ("ink", "muted", "link", "good", "bad", "warn", "chart-ink", "chart-muted"),
    "bad-soft": ("ink", "muted", "bad"),
    "notice": ("notice-ink",),
    "chart-surface": ("chart-ink", "chart-muted"),
    # names of levels stand on the shaded band of past values
    "chart-band": ("chart-ink", "chart-muted"),
}
"""Background to the colours of text that stands on it."""
NO_MEANING = {"rule", "chart-grid", "chart-band", "chart-surface"}
"""Lines that only part, and the area behind lines whose edges are said in words: nothing is read from them alone."""


def read_schemes() -> dict[str, dict[str, str]]:
    style = files("transforms.page").joinpath("templates/page.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root\s*\{([^}]*)\}", style)
    assert len(blocks) == 2
    light, dark = (dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})\b", block)) for block in blocks)
    return {"light": light, "dark": light | dark}


SCHEMES = read_schemes()


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


def test_both_schemes_define_the_same_colours() -> None:
    style = files("transforms.page").joinpath("templates/page.css").read_text(encoding="utf-8")
    light, dark = (set(re.findall(r"--([\w-]+):", block)) for block in re.findall(r":root\s*\{([^}]*)\}", style))
    assert light == dark


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
@pytest.mark.parametrize("background", sorted(TEXT_ON))
def test_text_can_be_read(scheme: str, background: str) -> None:
    colours = SCHEMES[scheme]
    weak = {
        name: round(found, 2)
        for name in TEXT_ON[background]
        if (found := contrast(colours[name], colours[background])) < TEXT
    }
    assert weak == {}


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_lines_and_marks_of_the_charts_can_be_seen(scheme: str) -> None:
    colours = SCHEMES[scheme]
    drawn = [name for name in colours if name.startswith("chart-") and name not in NO_MEANING]
    weak = {
        name: round(found, 2)
        for name in drawn
        if (found := contrast(colours[name], colours["chart-surface"])) < GRAPHIC
    }
    assert weak == {}


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_every_colour_is_held_against_something(scheme: str) -> None:
    judged = {name for names in TEXT_ON.values() for name in names} | set(TEXT_ON) | NO_MEANING
    judged |= {name for name in SCHEMES[scheme] if name.startswith("chart-")}
    assert set(SCHEMES[scheme]) <= judged
