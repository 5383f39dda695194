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
from pajamo.api.fitting import evaluate, explain, fit, models, predict, predict_sequences
from pajamo.api.pairs import predict_pairs, score
from pajamo.api.running import DEMO_STUDIES, DEMOS, demo, report, run, verify
from pajamo.api.screens import check, design, fix, fix_choices, protocol_check, protocol_write
from pajamo.api.searching import search_mechanisms
from pajamo.api.transferring import transfer

__all__ = [
    "DEMOS",
    "DEMO_STUDIES",
    "check",
    "demo",
    "design",
    "design_sequences",
    "evaluate",
    "explain",
    "fit",
    "fix",
    "fix_choices",
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
