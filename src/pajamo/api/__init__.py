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
from pajamo.api.running import DEMO_STUDIES, DEMOS, demo, report, run, verify
from pajamo.api.screens import check, design, fix, fix_choices, protocol_check, protocol_write
from pajamo.api.searching import search_mechanisms
from pajamo.api.transferring import transfer

__all__ = [
    "DEMOS",
    "DEMO_STUDIES",
    "campaign_status",
    "check",
    "demo",
    "design",
    "design_sequences",
    "design_targets",
    "evaluate",
    "explain",
    "fit",
    "fix",
    "fix_choices",
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
