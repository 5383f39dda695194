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
        append_cells,
        build_store,
        campaign_status,
        check,
        compress_store,
        demo,
        design,
        design_sequences,
        design_targets,
        embed_proteins,
        evaluate,
        explain,
        export_store,
        fine_tune,
        fit,
        fix,
        import_scdl,
        new_campaign,
        open_store,
        plan_library,
        plan_training,
        predict,
        predict_pairs,
        predict_property,
        predict_sequences,
        propose,
        propose_round,
        protocol_check,
        protocol_write,
        read_screen,
        record_results,
        replay_round,
        report,
        report_campaign,
        run,
        score,
        score_variants,
        search_mechanisms,
        simulate_assay,
        simulate_campaigns,
        surrogate,
        train,
        transfer,
        unpack_store,
        verify,
        verify_store,
    )

__all__ = [
    "PajamoError",
    "PajamoWarning",
    "__version__",
    "append_cells",
    "build_store",
    "campaign_status",
    "check",
    "compress_store",
    "data",
    "demo",
    "design",
    "design_sequences",
    "design_targets",
    "embed_proteins",
    "evaluate",
    "explain",
    "export_store",
    "fine_tune",
    "fit",
    "fix",
    "import_scdl",
    "models",
    "new_campaign",
    "open_store",
    "plan_library",
    "plan_training",
    "predict",
    "predict_pairs",
    "predict_property",
    "predict_sequences",
    "propose",
    "propose_round",
    "protocol_check",
    "protocol_write",
    "read_screen",
    "record_results",
    "replay_round",
    "report",
    "report_campaign",
    "run",
    "score",
    "score_variants",
    "search_mechanisms",
    "simulate_assay",
    "simulate_campaigns",
    "surrogate",
    "train",
    "transfer",
    "unpack_store",
    "verify",
    "verify_store",
]


def __getattr__(name: str) -> Any:
    if name in ("data", "models"):
        return import_module(f"pajamo.{name}")
    if name in __all__:
        return getattr(import_module("pajamo.api"), name)
    raise AttributeError(f"module 'pajamo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
