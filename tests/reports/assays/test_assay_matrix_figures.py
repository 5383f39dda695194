from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from pajamo.errors import DataError
from pajamo.reports.figures.assays.energy_matrix import EnergyMatrix
from pajamo.reports.figures.assays.letters import draw_letter, letter_colour
from pajamo.reports.figures.assays.logo import LONGEST, logo, logo_and_heat
from pajamo.reports.figures.assays.matrix_heat import matrix_heat
from pajamo.reports.figures.assays.pairs import PairMap, pair_triangle

Draw = Callable[[Callable[[], Figure]], Figure]
VALUES = np.array([[0.0, 1.0, 2.0, 5.0], [1.0, 1.0, 1.0, 1.0], [-3.0, 0.0, 0.0, 3.0]])
MATRIX = EnergyMatrix("CRP", VALUES, "ACGT", wild_type="ACT", first=7)


def letters_of(axes: Axes) -> list[PathPatch]:
    return [patch for patch in axes.patches if isinstance(patch, PathPatch)]


def extent(patch: PathPatch) -> tuple[float, float, float, float]:
    box = Path(patch.get_path().vertices, patch.get_path().codes).get_extents()
    return box.x0, box.y0, box.width, box.height


def test_a_letter_fills_its_box_whatever_its_glyph() -> None:
    axes = Figure().subplots()
    for letter in "ACGTQWM":
        x, y, width, height = extent(draw_letter(axes, letter, (2.0, -1.0, 1.0, 0.3), "#000000"))
        assert (y, height) == pytest.approx((-1.0, 0.3), abs=1e-9)
        assert 2.0 < x < 2.3
        assert 0.5 < width < 1.0


def test_an_i_stays_thin() -> None:
    axes = Figure().subplots()
    x, _, width, _ = extent(draw_letter(axes, "I", (0.0, 0.0, 1.0, 1.0), "#000000"))
    assert x + width / 2 == pytest.approx(0.5, abs=0.01)
    assert width < 0.5


def test_each_base_has_a_colour_and_u_that_of_t() -> None:
    assert len({letter_colour(letter, "ACGT") for letter in "ACGT"}) == 4
    assert letter_colour("U", "ACGU") == letter_colour("T", "ACGT")
    assert letter_colour("D", "ACDEFGHIKLMNPQRSTVWY") == letter_colour("E", "ACDEFGHIKLMNPQRSTVWY")


def test_weights_are_shown_about_the_mean_of_what_was_seen() -> None:
    assert MATRIX.centred.mean(axis=1) == pytest.approx(0)
    seen = np.array([[True, True, True, False], [True] * 4, [True] * 4])
    centred = EnergyMatrix("CRP", VALUES, "ACGT", "ACT", seen=seen).centred
    assert np.isnan(centred[0, 3])
    assert centred[0, :3] == pytest.approx([-1, 0, 1])


def test_a_lower_energy_and_a_higher_trait_stand_above_the_axis() -> None:
    assert MATRIX.strengths == pytest.approx(-MATRIX.centred)
    trait = EnergyMatrix("trait", VALUES, "ACGT", unit="units of the trait")
    assert trait.strengths == pytest.approx(trait.centred)


def test_a_matrix_that_does_not_fit_its_letters_is_refused() -> None:
    with pytest.raises(DataError, match="shape"):
        EnergyMatrix("CRP", VALUES, "ACG", "ACT")


def test_the_logo_stacks_letters_as_tall_as_minus_their_energy(drawn: Draw) -> None:
    axes = drawn(lambda: logo(MATRIX)).axes[0]
    boxes = [extent(patch) for patch in letters_of(axes)]
    # The second position tells nothing, and in the third two letters lie at the mean.
    assert sorted(round(box[3], 6) for box in boxes) == [0.0 + x for x in (1.0, 2.0, 3.0, 3.0, 3.0)]
    above = sum(box[3] for box in boxes if box[1] >= -1e-9)
    assert above == pytest.approx(np.maximum(MATRIX.strengths, 0).sum())
    assert axes.get_xlabel() == "position"
    assert "kcal/mol" in axes.get_ylabel()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["7", "8", "9"]


def test_wild_type_letters_are_full_and_the_others_pale(drawn: Draw) -> None:
    axes = drawn(lambda: logo(MATRIX)).axes[0]
    full = [patch for patch in letters_of(axes) if patch.get_alpha() == 1.0]
    # A at the first position and T at the third; C at the second has no height.
    assert len(full) == 2


def test_the_heat_map_dots_the_wild_type_and_hatches_what_never_occurs(drawn: Draw) -> None:
    seen = np.array([[True, True, True, False], [True] * 4, [True, False, True, True]])
    matrix = EnergyMatrix("CRP", VALUES, "ACGT", "ACT", 7, seen)
    figure = drawn(lambda: matrix_heat(matrix))
    axes, bar = figure.axes
    dots = next(line for line in axes.lines if line.get_label() == "wild type")
    assert dots.get_xydata() == pytest.approx(np.array([[0, 0], [1, 1], [2, 3]]))
    hatched = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_hatch()]
    assert len(hatched) == 2
    assert bar.get_ylabel() == "kcal/mol"
    assert [label.get_text() for label in axes.get_yticklabels()] == list("ACGT")
    shown = axes.images[0]
    assert shown.get_clim()[0] == -shown.get_clim()[1]


def test_logo_and_map_share_positions_and_a_crowd_of_letters_has_no_logo(drawn: Draw) -> None:
    both = drawn(lambda: logo_and_heat(MATRIX))
    assert len(both.axes) == 3
    assert both.axes[0].get_xlim() == both.axes[1].get_xlim()
    protein = EnergyMatrix(
        "fold", np.random.default_rng(0).normal(size=(4, 20)), "ACDEFGHIKLMNPQRSTVWY", "ACDE"
    )
    assert len(drawn(lambda: logo_and_heat(protein)).axes) == 2
    long = EnergyMatrix("map", np.zeros((LONGEST + 1, 4)), "ACGT")
    assert len(drawn(lambda: logo_and_heat(long)).axes) == 2


def pairs(length: int, letters: str) -> PairMap:
    first, second = np.triu_indices(length, 1)
    values = np.arange(len(first) * len(letters) ** 2, dtype=float).reshape(len(first), len(letters), -1)
    return PairMap("map", values - values.mean(), first, second, length, letters, letters[0] * length, 3)


def test_a_triangle_holds_each_pair_of_letters_once(drawn: Draw) -> None:
    own = pairs(4, "ACGT")
    figure = drawn(lambda: pair_triangle(own))
    axes = figure.axes[0]
    image = np.ma.filled(axes.images[0].get_array(), np.nan)
    assert np.isfinite(image).sum() == 6 * 16
    assert image[0:4, 4:8] == pytest.approx(own.values[0])
    assert image[8:12, 12:16] == pytest.approx(own.values[-1])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("second position", "first position")
    assert len(next(line for line in axes.lines if line.get_label() == "wild type").get_xdata()) == 6
    assert figure.axes[1].get_ylabel() == "kcal/mol"


def test_a_wide_map_shows_one_cell_a_pair(drawn: Draw) -> None:
    own = pairs(50, "ACGT")
    figure = drawn(lambda: pair_triangle(own))
    image = np.ma.filled(figure.axes[0].images[0].get_array(), np.nan)
    assert np.isfinite(image).sum() == 50 * 49 // 2
    assert image[0, 1] == pytest.approx(np.sqrt((own.values[0] ** 2).mean()))
    assert "root mean square" in figure.axes[1].get_ylabel()
