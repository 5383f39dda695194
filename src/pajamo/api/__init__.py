"""The verbs of pajamo as Python functions; the command line calls these and nothing else.

import pajamo

run = pajamo.run("study.toml")
run.verdict["sentence"]
run.predictions("peper")

run = pajamo.run("promoter.toml")  # [experiments.NAME] instead of [data]: sequences, and what was recorded of each
run.table("parameters")
run.assay_model("four-state")
"""

from pajamo.api.assays import design_sequences, plan_library, simulate_assay, surrogate
from pajamo.api.campaigning import (
    campaign_status,
    new_campaign,
    propose,
    propose_round,
    record_results,
    replay_round,
    report_campaign,
    simulate_campaigns,
)
from pajamo.api.fitting import evaluate, explain, fit, models, predict, predict_sequences
from pajamo.api.pairs import design_targets, predict_pairs, score
from pajamo.api.proteins import (
    embed_proteins,
    fine_tune,
    plan_training,
    predict_property,
    score_variants,
    train,
)
from pajamo.api.running import DEMO_STUDIES, DEMOS, demo, report, run, verify
from pajamo.api.screens import check, design, fix, fix_choices, protocol_check, protocol_write
from pajamo.api.searching import search_mechanisms
from pajamo.api.stores import (
    append_cells,
    build_store,
    compress_store,
    export_store,
    import_scdl,
    open_store,
    read_screen,
    unpack_store,
    verify_store,
)
from pajamo.api.transferring import transfer

__all__ = [
    "DEMOS",
    "DEMO_STUDIES",
    "append_cells",
    "build_store",
    "campaign_status",
    "check",
    "compress_store",
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
    "fix_choices",
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
