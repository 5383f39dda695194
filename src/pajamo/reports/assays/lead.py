"""The first screen: the verdict in bits, whether the fit behind it converged, and what to be warned of."""

from __future__ import annotations

from pajamo.evaluation.assays.rows import ALL
from pajamo.evaluation.comparison import BEATS, LOSES, TIES
from pajamo.reports.assays.fits import Convergence, convergence
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.blocks import Cell, Tone
from pajamo.reports.lead import Banner, Lead
from pajamo.reports.wording import blank, count, interval, number, printable, signed


def lead(run: AssayRun) -> Lead:
    """What the page opens with."""
    found = convergence(run, run.leading)
    return Lead(printable(run.verdict["sentence"]), tuple(_banners(run, found)), _facts(run, found))


def _banners(run: AssayRun, found: Convergence) -> list[Banner]:
    banners = []
    if run.verdict["outcome"] != BEATS:
        banners.append(Banner("unbeaten", _unbeaten_title(run), _unbeaten(run)))
    if found.failed:
        banners.append(
            Banner(
                "unbeaten",
                f"The fit of {printable(run.leading)} did not converge",
                "Its energies depend on where the fit stopped. Do not interpret them: give more steps or starts.",
            )
        )
    if run.scored_set == "training":
        banners.append(
            Banner(
                "unbeaten",
                "Nothing was held out",
                "Every figure is that of the fit itself and shows no generalisation.",
            )
        )
    return banners


def _unbeaten_title(run: AssayRun) -> str:
    return "No mechanism was fitted" if not run.mechanisms else "No mechanism beats the best baseline"


def _unbeaten(run: AssayRun) -> str:
    model, baseline = (printable(run.verdict[key]) for key in ("model", "baseline"))
    reasons = {
        TIES: f"{model} cannot be told from {baseline} on these {run.rows}; its parameters may still hold, "
        "but the data do not need them.",
        LOSES: f"{baseline} tells more than {model}. The mechanism misses something: its energies describe no more "
        "than its own wrong picture.",
        "no interval": f"There are too few {run.rows} for an interval of the difference.",
        "baselines only": "Only maps without a mechanism were fitted: nothing here is a physical quantity.",
    }
    return reasons.get(str(run.verdict["outcome"]), "")


def _facts(run: AssayRun, found: Convergence) -> tuple[tuple[str, Cell], ...]:
    verdict = run.verdict
    items = [("model", _scored(run, verdict["model"]))]
    if verdict["baseline"] and verdict["baseline"] != verdict["model"]:
        items.append(("best baseline", _scored(run, verdict["baseline"])))
    if not blank(verdict["improvement"]):
        ends = interval(verdict["low"], verdict["high"])
        small = f"bits an observation{', 95% interval ' + ends if ends else ''}"
        tone: Tone = "good" if verdict["outcome"] == BEATS else ""
        items.append(("difference", Cell(signed(verdict["improvement"]), small, tone=tone)))
    items.append(("fit", Cell(found.word, found.small, tone="good" if found.reached else "")))
    observations = (
        "" if verdict["rows"] == verdict["observations"] else f"{count(verdict['observations'])} observations"
    )
    items.append(
        (f"judged on the {run.scored_set} set", Cell(f"{count(verdict['rows'])} {run.rows}", observations))
    )
    return tuple(items)


def _scored(run: AssayRun, model: str) -> Cell:
    """A model with its I_var, or with its likelihood where there are several experiments or no such figure."""
    scores = run.scores()
    own = scores[(scores["model"] == model) & scores["value"].notna()]
    pooled = own[own["experiment"] == ALL]
    values = (own if pooled.empty else pooled).set_index("metric")["value"]
    if "I_var" in values.index:
        return Cell.name(model, f"I_var {number(values['I_var'])} bits")
    if "log_likelihood" in values.index:
        return Cell.name(model, f"ln-likelihood {number(values['log_likelihood'])} nats an observation")
    return Cell.name(model)
