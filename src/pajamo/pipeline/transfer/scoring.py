"""The tables of a transfer: figures of every model on guides that no network saw, calibration, likeliest sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from scipy.special import expit

from pajamo.data.assays.assay import Experiment
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.pairing import on_targets
from pajamo.data.assays.pairs.rules import LEAST_POSITIVES
from pajamo.errors import shorten
from pajamo.evaluation.pairs.conventions import RAW, cut_guides, judge_cuts
from pajamo.evaluation.pairs.ranking import Array
from pajamo.models.assays.model import AssayModel
from pajamo.models.pairs.base import PairModel
from pajamo.models.transfer.model import TransferModel
from pajamo.models.transfer.predicting import interval
from pajamo.models.transfer.steps import steps_hit
from pajamo.pipeline.transfer.loading import LoadedTransfer, alphabet_of
from pajamo.pipeline.transfer.saying import COMPETING, ENSEMBLE, said_by_all, table_of

TOP: Final = 10
"""Sites of each guide that are listed."""
BINS: Final = 10


def transfer_tables(
    loaded: LoadedTransfer,
    model: TransferModel,
    starts: Mapping[str, AssayModel],
    compared: Mapping[str, PairModel],
) -> dict[str, pd.DataFrame]:
    """Tables by name.

    Returns
    -------
    `split_counts`; `scores`, `differences` and `guides` of every set that no member was trained on; `calibration` of
    the guides kept aside; `top`, the likeliest sites of each guide; `members`.
    """
    found: dict[str, list[pd.DataFrame]] = {
        name: [] for name in ("scores", "differences", "guides", "calibration", "top")
    }
    for set_name in ("validation", "test"):
        for experiment, guides in loaded.judged(set_name):
            said = said_by_all(experiment, model, starts, compared)
            leading = leading_of(said)
            shown = {name: own for name, own in said.items() if not name.startswith("member ")}
            judged = judge_cuts(experiment, said, leading, loaded.pam, loaded.study.seed)
            made = {
                "scores": judged.scores,
                "differences": judged.differences,
                "guides": cut_guides(experiment, shown, guides, loaded.pam),
                "calibration": calibration(experiment, expit(said[ENSEMBLE])),
                "top": top_sites(loaded, model, experiment, guides, said[leading]),
            }
            for name, table in made.items():
                table.insert(0, "set", set_name)
                found[name].append(table)
    tables = {name: pd.concat(own, ignore_index=True) for name, own in found.items() if own}
    return {"split_counts": loaded.divided.counts(), **tables, "members": member_table(model)}


def leading_of(said: Mapping[str, Array]) -> str:
    """The row that speaks for the network: with competition, where the settings ask for it."""
    return COMPETING if COMPETING in said else ENSEMBLE


def calibration(experiment: Experiment, probability: Array) -> pd.DataFrame:
    """Sites in bins of the probability (a decade each, from the likeliest down): said, and found."""
    label = experiment.recorded["label"]
    edges = 10.0 ** -np.arange(1, 6)
    place = np.searchsorted(-edges, -probability)
    rows = []
    for bin_ in np.unique(place):
        own = place == bin_
        row = {
            "experiment": experiment.name,
            "at_most": 1.0 if bin_ == 0 else float(edges[bin_ - 1]),
            "sites": int(own.sum()),
            "said": float(probability[own].mean()),
            "found": float(label[own].mean()),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def top_sites(
    loaded: LoadedTransfer,
    model: TransferModel,
    experiment: Experiment,
    guides: tuple[str, ...],
    said: Array,
) -> pd.DataFrame:
    """The likeliest sites of each guide, without its on-target: how likely, and the step that they hit."""
    own = experiment.recorded["guide"].astype(int)
    ranked = np.where(on_targets(experiment.codes, loaded.pam), -np.inf, said)
    order = np.lexsort((-ranked, own))
    rank = np.arange(len(own)) - np.searchsorted(own[order], own[order])
    rows = order[(rank < TOP) & np.isfinite(ranked[order])]
    part = experiment.rows(rows)
    odds = model.log_odds(part.codes, table_of(model, experiment.name))
    table = pd.DataFrame(
        {
            "experiment": experiment.name,
            "guide": [guides[number] for number in own[rows]],
            "target": _targets(loaded, part),
            "label": part.recorded["label"].astype(int),
            **interval(odds),
            "step": steps_hit(model.members[0], part.codes),
        }
    )
    return table.reset_index(drop=True)


def _targets(loaded: LoadedTransfer, part: Experiment) -> list[str]:
    """Targets with their gaps, 5' to 3'."""
    settings = loaded.study.experiments[part.name].pairs
    assert settings is not None
    enzyme = enzyme_of(settings.enzyme)
    texts = alphabet_of(loaded.assay).decode(part.codes)
    return [enzyme.as_written(text.partition(":")[2]) for text in texts]


def member_table(model: TransferModel) -> pd.DataFrame:
    """`member`, `mechanism`, `parameters`, and the log odds that a ten times faster rate brings."""
    return pd.DataFrame(
        {
            "member": np.arange(1, len(model.members) + 1),
            "mechanism": list(model.of),
            "parameters": [sum(p.numel() for p in member.parameters()) for member in model.members],
            "slope": [float(member.log_slope.detach().exp()) for member in model.members],
        }
    )


def sentence(tables: Mapping[str, pd.DataFrame]) -> str:
    """The result in one sentence: average precision beside the best comparison's, on-targets removed.

    Tables in which few sites were found say next to nothing, and are left out where there are others.
    """
    scores = tables.get("scores")
    if scores is None:
        return "No set of guides that were kept aside has both sites that were found and sites that were not."
    told = []
    test = "test" if (scores["set"] == "test").any() else "validation"
    own = scores[(scores["set"] == test) & (scores["convention"] != RAW)]
    enough = own[own["found"] >= LEAST_POSITIVES]
    own = own if enough.empty else enough
    for name, table in own.groupby("experiment", sort=False):
        figures = table.set_index("model")["auprc"]
        leading = leading_of(dict.fromkeys(figures.index, np.zeros(0)))
        others = figures[[not _of_network(str(model)) for model in figures.index]]
        other = f", {others.idxmax()} {others.max():.3f}" if len(others) else ""
        told.append(f"{name} {figures[leading]:.3f} (network{other})")
    return f"Average precision on {test} guides, on-targets removed: {shorten(told, 8)}."


def _of_network(model: str) -> bool:
    return model in (ENSEMBLE, COMPETING) or model.startswith("member ")
