"""Errors say what, where, why and what to do next, and survive the way between processes."""

from __future__ import annotations

import copy

import pytest

from pajamo import errors


def kinds() -> list[type[errors.PajamoError]]:
    found = [errors.PajamoError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return found


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_error_carries_its_four_parts(kind: type[errors.PajamoError]) -> None:
    error = kind(
        "counts are negative", where="cell c1, gene g2", why="molecules cannot be", fix="use the raw layer"
    )
    assert str(error).splitlines() == [
        "counts are negative",
        "  where: cell c1, gene g2",
        "  why: molecules cannot be",
        "  next: use the raw layer",
    ]
    twin = copy.copy(error)
    assert type(twin) is kind
    assert str(twin) == str(error)
    assert kind.exit_code in {1, 2, 3}
    assert kind.__doc__


def test_tree_is_drawn_at_the_top_of_the_file() -> None:
    assert errors.__doc__ is not None
    for kind in kinds():
        assert kind.__name__ in errors.__doc__


def test_user_errors_leave_with_code_two() -> None:
    assert {kind.exit_code for kind in kinds() if issubclass(kind, errors.UserError)} == {2}


def test_nearest_and_shorten() -> None:
    assert errors.nearest("pertubation", ["perturbation", "control"]) == "did you mean 'perturbation'? "
    assert errors.nearest("zzz", ["perturbation"]) == ""
    assert errors.shorten(range(3)) == "0, 1, 2"
    assert errors.shorten(range(10), most=2) == "0, 1 and 8 more"


def test_warn_points_at_the_caller_in_its_own_category() -> None:
    def public() -> None:
        errors.warn("few cells")

    with pytest.warns(errors.PajamoWarning, match="few cells") as caught:
        public()
    assert caught[0].filename == __file__
