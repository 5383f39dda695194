"""What each model tells of what was recorded, and what each of them is."""

from __future__ import annotations

import math
from typing import Final

import pandas as pd

from pajamo.evaluation.assays.rows import ALL
from pajamo.evaluation.assays.units import FEWEST_GUIDES
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.assays.sections.intrinsic import bounds_of
from pajamo.reports.blocks import CardBlock, Cell, Column, Figure, Section, Table, Tone
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.assays.information import information_bars
from pajamo.reports.figures.theme import svg
from pajamo.reports.rows import records
from pajamo.reports.wording import blank, interval, number, printable, signed

BARS: Final = ("I_var", "I_pred")
TITLES: Final = {
    "log_likelihood": ("ln-likelihood", "mean ln p of an observation"),
    "I_var": ("I_var", "information that the model's own probabilities carry on what was recorded"),
    "I_pred": (
        "I_pred",
        "information between the predicted activity and what was recorded, whatever the instrument",
    ),
    "R2": ("R²", "share of the variance that the expected value explains"),
    "squared_correlation": ("r²", "squared correlation of expected and measured"),
    "pearson": ("r", "correlation of log10 of the rate, expected and measured"),
    "spearman": ("ρ", "rank correlation of the rate, expected and measured"),
    "auroc": ("AUROC", "probability that a site that was found scores above one that was not"),
    "auprc": (
        "AUPRC",
        "average precision of the ranking: the share found among all that score as high as a hit",
    ),
}


def information(run: AssayRun) -> Section:
    """Bars of information and the table of all figures, one of each an experiment."""
    scores = run.scores()
    blocks: list[Figure | Table] = []
    for place, (experiment, own) in enumerate(scores.groupby("experiment", sort=False)):
        caption = _caption(str(experiment)) if scores["experiment"].nunique() > 1 else ""
        metrics = tuple(m for m in BARS if own[own["metric"] == m]["value"].notna().any())
        if metrics:
            bounds = bounds_of(run, str(experiment))
            blocks.append(_bars(own, metrics, bounds, f"information-{place}", caption))
        blocks.append(_table(own, caption))
    return Section(
        "models",
        "What each model tells",
        f"On the {run.scored_set} set, in bits an observation, with 95% intervals over resampled "
        f"{_resampled(run)}. I_var "
        "asks the whole model, instrument included; I_pred asks only whether the activity orders the rows, and "
        "is never below I_var but by chance. ◆ and the dashed line mark the best baseline, dotted lines the "
        "bounds on what any model could tell, where they are near. Maps without a mechanism that tell more than the "
        "mechanism show what it leaves unexplained.",
        tuple(blocks),
    )


def _resampled(run: AssayRun) -> str:
    """What intervals are over, in words."""
    if not run.pairs:
        return "sequences"
    guides = int(run.about["guides"].get(run.scored_set, 0))
    return f"guides ({guides} of them)" if guides >= FEWEST_GUIDES else "pairs, as there are too few guides"


def _caption(experiment: str) -> str:
    return "All experiments together" if experiment == ALL else f"Experiment {printable(experiment)}"


def _bars(
    scores: pd.DataFrame, metrics: tuple[str, ...], bounds: dict[str, float], name: str, caption: str
) -> Figure:
    best = str(scores["best_baseline"].iloc[0]) if scores["best_baseline"].notna().any() else ""
    told = "; ".join(
        f"{printable(row['model'])} {number(row['value'])} {row['unit']}"
        for row in records(scores[scores["metric"] == metrics[0]])
    )
    return Figure(
        svg(name, lambda: information_bars(scores, metrics, best, bounds)),
        f"{metrics[0]} of each model: {told}",
        caption,
    )


def _table(scores: pd.DataFrame, caption: str) -> Table:
    metrics = [metric for metric in TITLES if (scores["metric"] == metric).any()]
    likelihood = scores[scores["metric"] == "log_likelihood"].sort_values(
        "value", ascending=False, kind="stable"
    )
    models = list(dict.fromkeys([*likelihood["model"], *scores["model"]]))
    rows = tuple(_row(scores[scores["model"] == model], model, metrics) for model in models)
    head = [Column("model"), *(Column(TITLES[metric][0], True, TITLES[metric][1]) for metric in metrics)]
    gained = Column("difference, bits", True, "of I_var to the best baseline, on the same resamples")
    return Table(
        (*head, gained), rows, caption, wide=True, downloads=csv_link(scores, "scores", "summary.csv")
    )


def _row(scores: pd.DataFrame, model: str, metrics: list[str]) -> tuple[Cell, ...]:
    own = scores.set_index("metric")
    kind = str(own["kind"].iloc[0])
    cells = [Cell.name(model, kind, "quiet" if kind == "baseline" else "")]
    for metric in metrics:
        if metric not in own.index or blank(own.at[metric, "value"]):
            note = "" if metric not in own.index or "note" not in own else own.at[metric, "note"]
            cells.append(Cell("–", tip="" if blank(note) else printable(note), tone="quiet"))
        else:
            cells.append(
                Cell(
                    number(own.at[metric, "value"]),
                    interval(own.at[metric, "low"], own.at[metric, "high"], 3),
                )
            )
    return (*cells, _difference(own, model))


def _difference(own: pd.DataFrame, model: str) -> Cell:
    metric = "I_var" if "I_var" in own.index else "log_likelihood"
    row = own.loc[metric].to_dict()
    if model == row["best_baseline"]:
        return Cell("reference", tone="reference")
    if blank(row["difference"]):
        return Cell("–", tone="quiet")
    scale = 1.0 if metric == "I_var" else 1 / math.log(2)
    bits, low, high = (
        float(row[name]) * scale for name in ("difference", "difference_low", "difference_high")
    )
    tone: Tone = "good" if low > 0 else "bad" if high < 0 and own["kind"].iloc[0] != "baseline" else ""
    return Cell(signed(bits, 3), interval(low, high), tone=tone)


def cards(run: AssayRun) -> Section:
    """What each model is, where it comes from and what it cannot do."""
    return Section(
        "cards",
        "The models",
        "What each is, and where it must not be trusted.",
        tuple(
            CardBlock(
                printable(model["name"]),
                printable(model["title"]),
                model["kind"] == "baseline",
                tuple(
                    (term, printable(text))
                    for term, text in (
                        ("kind", model["kind"]),
                        ("limits", model.get("limits", "")),
                        ("reference", model.get("reference", "")),
                        ("fits", "; ".join(model.get("verdicts", []))),
                        ("files", ", ".join(model.get("files", []))),
                    )
                    if text
                ),
            )
            for model in run.about["models"]
        ),
    )


def refused(run: AssayRun) -> Section | None:
    """Models that do not apply to these rows, with the reason."""
    refusals = run.about.get("refusals", {})
    if not refusals:
        return None
    rows = tuple((Cell.name(name), Cell(printable(reason))) for name, reason in refusals.items())
    table = Table((Column("model"), Column("why")), rows)
    return Section("refused", "Models that do not apply here", "Asked, and declined with a reason.", (table,))
