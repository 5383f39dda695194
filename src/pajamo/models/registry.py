"""Every model by its name, found by importing this package's files on first use."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from pajamo.config import Config, parse
from pajamo.errors import ModelError, nearest
from pajamo.models.base import Card, Model

_MODELS: dict[str, type[Model]] = {}


def register(model: type[Model]) -> type[Model]:
    """Class decorator: make a model known under its card's name."""
    if model.card.name in _MODELS and _MODELS[model.card.name].__qualname__ != model.__qualname__:
        raise ValueError(f"two models are called {model.card.name!r}")
    _MODELS[model.card.name] = model
    return model


@cache
def _import_all() -> None:
    package = importlib.import_module("pajamo.models")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"pajamo.models.{module.name}")


def models() -> dict[str, type[Model]]:
    """All registered models by name, baselines first."""
    _import_all()
    return dict(sorted(_MODELS.items(), key=lambda item: (not item[1].card.baseline, item[0])))


def cards() -> list[Card]:
    """The card of every model, baselines first."""
    return [kind.card for kind in models().values()]


def create(name: str, settings: dict[str, object] | None = None, *, seed: int = 0) -> Model:
    """A model that is not yet fitted.

    Raises
    ------
    ModelError: no model has this name.
    StudyError: a setting is unknown or of the wrong type.
    """
    known = models()
    if name not in known:
        raise ModelError(
            f"there is no model called {name!r}", fix=f"{nearest(name, known)}known: {', '.join(known)}"
        )
    kind = known[name]
    parsed: Config = parse(kind.Settings, settings or {}, where=f"settings of model {name}")
    return kind(parsed, seed=seed)
