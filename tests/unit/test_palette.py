"""Colours can be told apart by readers who see fewer of them, on light and on dark pages.

Simulation: Machado, Oliveira and Fernandes (2009), severity 1, in linear RGB. Distance: CIE 1976
in L*a*b*. Contrast: WCAG 2.2, which asks 3 to 1 of graphics (1.4.11) and 4.5 to 1 of text (1.4.3).
"""

import re
from itertools import combinations

import numpy as np
import pytest

from medalliance.paths import PROJECT
from medalliance.show.plots import INK, MARKERS, PALETTE

SEEN = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "full colour vision": np.eye(3).tolist(),
}
LIGHT, DARK = "#ffffff", "#14181e"
# invert(1) hue-rotate(180deg) as CSS filters work: on the values as they are stored
TURN = np.array([[-0.574, 1.43, 0.144], [0.426, 0.43, 0.144], [0.426, 1.43, -0.856]])
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175],
     [0.0193339, 0.119192, 0.9503041]]
)  # fmt: skip


def stored(colour):
    return np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255


def linear(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(light):
    x = TO_XYZ @ np.clip(light, 0, 1) / TO_XYZ.sum(axis=1)
    f = np.where(x > 216 / 24389, np.cbrt(x), (24389 / 27 * x + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one, other):
    bright, dim = sorted((TO_XYZ[1] @ linear(one), TO_XYZ[1] @ linear(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def turned(colour):
    return np.clip(TURN @ (1 - stored(colour)), 0, 1)


def closest(colours, eye):
    seen = [lab(np.array(SEEN[eye]) @ linear(stored(colour))) for colour in colours]
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))


@pytest.mark.parametrize("eye", SEEN)
def test_colours_stay_apart(eye):
    assert closest(PALETTE, eye) > 12
    assert closest(PALETTE[:4], eye) > 17


def test_colours_and_ink_stand_out_from_light_and_dark_pages():
    assert min(contrast(stored(colour), stored(LIGHT)) for colour in PALETTE) >= 3
    assert min(contrast(turned(colour), stored(DARK)) for colour in PALETTE) >= 3
    assert contrast(stored(INK), stored(LIGHT)) >= 4.5
    assert contrast(turned(INK), stored(DARK)) >= 4.5


def test_series_have_a_shape_beside_their_colour():
    assert len(set(MARKERS)) == len(MARKERS) == len(PALETTE)


def test_the_laboratory_draws_in_the_same_colours():
    text = (PROJECT / "book" / "_static" / "laboratory" / "ui.mjs").read_text(encoding="utf-8")
    used = set(re.findall(r'"(#[0-9a-f]{6})"', text))
    assert len(used) >= 5
    assert used <= set(PALETTE)


def test_the_measures_can_fail():
    assert (
        closest(["#ff0000", "#707000"], "protanopia")
        < 30
        < closest(["#ff0000", "#707000"], "full colour vision")
    )
    assert contrast(stored("#aaaaaa"), stored(LIGHT)) < 3
    assert contrast(stored("#000000"), stored(LIGHT)) == pytest.approx(21)
