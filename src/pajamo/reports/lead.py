"""The first screen: the verdict, what it rests on, and what to be warned of."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pajamo.evaluation.comparison import BEATS, LOSES, TIES
from pajamo.reports.blocks import Cell
from pajamo.reports.content import ReportContent
from pajamo.reports.wording import blank, count, interval, number, printable, signed


@dataclass(frozen=True)
class Banner:
    """A warning that cannot be overlooked."""

    tone: str
    title: str
    text: str


@dataclass(frozen=True)
class Lead:
    """The verdict and the facts behind it."""

    sentence: str
    banners: tuple[Banner, ...]
    facts: tuple[tuple[str, Cell], ...]


def lead(content: ReportContent) -> Lead:
    """What the page opens with."""
    return Lead(printable(content.verdict.sentence), tuple(_banners(content)), _facts(content))


def _banners(content: ReportContent) -> list[Banner]:
    found = []
    if content.data.simulated:
        found.append(
            Banner(
                "simulated", "Simulated data", "These cells come from a generator. Nothing here was measured."
            )
        )
    if not content.beaten:
        found.append(Banner("unbeaten", "No model beats the best baseline", _unbeaten(content)))
    return found


def _unbeaten(content: ReportContent) -> str:
    verdict = content.verdict
    model, baseline = printable(verdict.model), printable(verdict.baseline)
    reasons = {
        "no baseline": "No baseline was run, so there is nothing to compare with.",
        "baselines only": "Only baselines were run.",
        TIES: f"{model} cannot be told from {baseline} on these perturbations.",
        LOSES: f"{baseline} is better than {model}. Use it.",
    }
    return reasons.get(verdict.outcome, "")


def _facts(content: ReportContent) -> tuple[tuple[str, Cell], ...]:
    verdict = content.verdict
    table = content.of_metric(content.metric)
    items = [("model", _scored(table, verdict.model))]
    if verdict.baseline and verdict.baseline != verdict.model:
        items.append(("best baseline", _scored(table, verdict.baseline)))
    better = "lower is better" if content.sign(content.metric) < 0 else "higher is better"
    items.append(("metric", Cell(content.named(content.metric), better)))
    if not blank(verdict.improvement):
        ends = interval(verdict.low, verdict.high)
        small = f"{content.level:.0%} interval {ends}" if ends else ""
        items.append(
            ("difference", Cell(signed(verdict.improvement), small, tone="good" if content.beaten else ""))
        )
    held = int(table["n_conditions"].max())
    items.append(("held out", Cell(f"{count(held)} perturbations", printable(content.split))))
    return (*items, *_other_metrics(content))


def _scored(table: pd.DataFrame, model: str) -> Cell:
    small = number(table.at[model, "mean"]) if model in table.index else ""
    return Cell.name(model, small)


def _other_metrics(content: ReportContent) -> list[tuple[str, Cell]]:
    """How the same model does on all metrics: one metric alone can be lucky."""
    rows = content.summary[content.summary["model"] == content.verdict.model]
    outcomes = rows["outcome"].value_counts()
    told = [f"{word} on {outcomes[word]}" for word in (BEATS, TIES, LOSES) if word in outcomes]
    return [("over all metrics", Cell(", ".join(told), f"of {len(rows)} metrics"))] if told else []
