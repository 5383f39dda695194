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
        campaign_status,
        check,
        demo,
        design,
        design_sequences,
        design_targets,
        evaluate,
        explain,
        fit,
        fix,
        new_campaign,
        plan_library,
        predict,
        predict_pairs,
        predict_sequences,
        propose,
        propose_round,
        protocol_check,
        protocol_write,
        record_results,
        replay_round,
        report,
        report_campaign,
        run,
        score,
        search_mechanisms,
        simulate_assay,
        simulate_campaigns,
        surrogate,
        transfer,
        verify,
    )

__all__ = [
    "PajamoError",
    "PajamoWarning",
    "__version__",
    "campaign_status",
    "check",
    "data",
    "demo",
    "design",
    "design_sequences",
    "design_targets",
    "evaluate",
    "explain",
    "fit",
    "fix",
    "models",
    "new_campaign",
    "plan_library",
    "predict",
    "predict_pairs",
    "predict_sequences",
    "propose",
    "propose_round",
    "protocol_check",
    "protocol_write",
    "record_results",
    "replay_round",
    "report",
    "report_campaign",
    "run",
    "score",
    "search_mechanisms",
    "simulate_assay",
    "simulate_campaigns",
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
