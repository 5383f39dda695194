"""Which models have an explainer of their own; all others are explained by their card and weights."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import Any

from pajamo.errors import ModelError
from pajamo.explanations.explanation import Explanation
from pajamo.explanations.general import card_part, weights_part
from pajamo.models.base import Model

Explainer = Callable[[Any], Explanation]
"""From a fitted model to what is said of it."""

_EXPLAINERS: dict[str, Explainer] = {}


def explains(*names: str) -> Callable[[Explainer], Explainer]:
    """Decorator: make a function the explainer of the models with these names.

    Files of this package are imported on first use, so that a new kind of model adds one file here.
    """

    def register(explainer: Explainer) -> Explainer:
        taken = sorted(set(names) & _EXPLAINERS.keys())
        if taken:
            raise ValueError(f"two explainers of {taken[0]!r}")
        _EXPLAINERS.update(dict.fromkeys(names, explainer))
        return explainer

    return register


def explain_model(model: Model) -> Explanation:
    """What a fitted model is, what it assumes and what it found.

    Raises
    ------
    ModelError: the model is not fitted.
    """
    if model.reference is None:
        raise ModelError(
            f"{model.card.name} is not fitted", fix="call fit(...) first, or load a fitted model"
        )
    _import_all()
    return _EXPLAINERS.get(model.card.name, _by_its_card)(model)


def _by_its_card(model: Model) -> Explanation:
    parts = (card_part(model.card), weights_part(model.weights()))
    return Explanation(model.card.name, model.card.title, parts)


@cache
def _import_all() -> None:
    package = importlib.import_module("pajamo.explanations")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"pajamo.explanations.{module.name}")
