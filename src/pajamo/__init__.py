"""pajamo: from perturbation experiments to mechanisms, with every baseline that a mechanism must beat.

Nothing heavy is imported until it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pajamo._version import __version__
from pajamo.errors import PajamoError, PajamoWarning

if TYPE_CHECKING:
    from pajamo import data, models
    from pajamo.api import (
        check,
        demo,
        design,
        design_sequences,
        evaluate,
        explain,
        fit,
        fix,
        plan_library,
        predict,
        predict_pairs,
        predict_sequences,
        protocol_check,
        protocol_write,
        report,
        run,
        score,
        search_mechanisms,
        simulate_assay,
        surrogate,
        transfer,
        verify,
    )

__all__ = [
    "PajamoError",
    "PajamoWarning",
    "__version__",
    "check",
    "data",
    "demo",
    "design",
    "design_sequences",
    "evaluate",
    "explain",
    "fit",
    "fix",
    "models",
    "plan_library",
    "predict",
    "predict_pairs",
    "predict_sequences",
    "protocol_check",
    "protocol_write",
    "report",
    "run",
    "score",
    "search_mechanisms",
    "simulate_assay",
    "surrogate",
    "transfer",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in ("data", "models"):
        return import_module(f"pajamo.{name}")
    if name in __all__:
        return getattr(import_module("pajamo.api"), name)
    raise AttributeError(f"module 'pajamo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
