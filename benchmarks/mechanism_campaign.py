"""Which promoter variants to measure next: how fast the CRP-RNAP interaction energy's interval narrows.

    python benchmarks/mechanism_campaign.py [DATA] [--seeds 10] [--only simulated|recorded] [--workers 1]

Simulated: four states of the lac promoter whose energies are drawn about Kinney's matrices (DATA/cisreg/
*_tau_final_all.*.txt, Kinney et al. 2010; by default $PAJAMO_DEV_DATA or ../shared/data), as a user would declare
them beforehand. Some dozens of random variants have been sorted; then batches are chosen from a pool of several
thousand. Recorded: the shipped Sort-Seq of the whole promoter (one read a variant), a part of it known at first, the
rest the pool, each row's reads as recorded; no matrix is given. An oracle holds all records and counts looks.

Strategies share start, pool and records, seed by seed. Half-widths are of the marginal posterior's 90 % interval,
kcal/mol; Laplace's approximation about the optimum is told beside it, as it misses the truth more often. The figure
is how many variants expected information needs, the start included, for the interval that random selection has at its
end. Everything is fitted by each strategy itself, to what it has chosen.
"""

from __future__ import annotations

import argparse
import time
import tomllib
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy import stats

from common import ROOT, add_data, machine, print_table
from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.registry import acquisition
from pajamo.campaigns.learners.mechanism.learner import FittedMechanism, MechanismLearner
from pajamo.campaigns.learners.mechanism.readings import Plan
from pajamo.campaigns.predictive.linear_parameters import LinearParameterPredictive
from pajamo.campaigns.situation import Situation
from pajamo.config.assays import BinsSettings, ExperimentSettings, declare, parse_assay_study
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.reading import read_assay
from pajamo.data.public.datasets import resolve_experiment
from pajamo.errors import PajamoWarning
from pajamo.explanations.assays.gauging import twin, wild_type_window
from pajamo.explanations.designs.declared import declared_model
from pajamo.explanations.designs.mutagenesis import Mutagenesis, variants_of
from pajamo.explanations.designs.simulation import simulate
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.starts import lay_over

INTERACTION, EXPERIMENT = "CRP+RNAP", "sorted"
REACH = float(stats.norm.ppf(0.95))
STRATEGIES = ("expected-information", "random", "variance", "max-determinant")
MATRICES = {"CRP": "crp_tau_final_all.26.txt", "RNAP": "rnap_tau_final_all.41.txt"}
WILD_TYPE = "AATTAATGTGAGTTAGCTCACTCATTAGGCACCCCAGGCTTTACACTTTATGCTTCCGGCTCGTATGTTGTGTGG"
KT = 0.616
SD = 0.5
"""Standard deviation, in kT, of what letters really add about the matrices that are known beforehand."""
ENERGIES = {"CRP": (-1.5, 0.3), "RNAP": (1.5, 0.3), INTERACTION: (-2.6, 0.4)}
"""Mean and spread over seeds of the true energies, kcal/mol."""
FIRST_CONTACTS = (-1.5, -3.0)
"""kcal/mol from which the first fit starts; the best optimum goes on."""
SIZES = {
    "simulated": (72, 8000, 48, 5, (96, 96, 192, 192)),
    "recorded": (8000, 28_000, 2000, 3, (6000, 12_000)),
}
"""Variants at first, pool, batch, rounds, and the batches in which random selection is looked at."""
Plans = dict[str, tuple[int, ...]]
CONTACT = 4.0
"""Standard deviation, in kT, of the contact about -1 kcal/mol, as far as it is known beforehand."""
BINS = 9
BACKGROUND, NOISE, ASTRAY = 0.0, 0.5, 0.02
"""ln autofluorescence relative to the median variant, spread of ln fluorescence among its cells, share astray."""


@dataclass(frozen=True)
class Task:
    """A start, a pool, and records that only the oracle reads.

    Attributes
    ----------
    models: not yet fitted; fits begin from each, and from the last optimum.
    start: the assay that is known at first.
    pool: every candidate as it was or would be recorded.
    reads: of a candidate.
    truth: the interaction energy, kcal/mol; nan if nobody knows it.
    """

    models: tuple[AssayModel, ...]
    start: Assay
    pool: Experiment
    reads: float
    truth: float


class Oracle:
    """Records of the pool; a row's record is handed out once it is chosen, and looks are counted."""

    def __init__(self, pool: Experiment) -> None:
        self._counts, self.looks = pool.recorded["counts"], np.zeros(pool.n, dtype=int)

    def measure(self, rows: np.ndarray) -> np.ndarray:
        """Reads in each bin of the rows chosen."""
        self.looks[rows] += 1
        return self._counts[rows]


def simulated_task(seed: int, folder: Path, start: int, pool: int, reads: float) -> Task:
    """Energies drawn about known matrices; a start and a pool of random mutants."""
    rng = np.random.default_rng([seed, 7])
    known = {name: np.genfromtxt(folder / file, skip_header=1)[:, 1:5] for name, file in MATRICES.items()}
    settings = BinsSettings(columns=tuple(f"bin{b}" for b in range(BINS)), gates="lognormal")
    mechanism = four_states(known)
    energies = {name: float(rng.normal(*spread)) for name, spread in ENERGIES.items()}
    matrices = {name: one + SD * KT * rng.standard_normal(one.shape) for name, one in known.items()}
    truth = declared_model(
        mechanism, {EXPERIMENT: settings}, WILD_TYPE, energies, matrices=matrices, seed=seed
    )
    lay_gates(truth)
    whole = simulate(truth, Mutagenesis(variants=start + pool, rate=0.1), reads=reads, seed=seed).experiments[
        0
    ]
    order = np.concatenate([[0], 1 + rng.permutation(whole.n - 1)])
    first, rest = whole.rows(order[:start]), whole.rows(order[start:])
    assay = Assay(truth.frame.alphabet, truth.frame.padded([WILD_TYPE])[0], (first,))
    # A sorter knows its gates. Were they fitted too, all energies could be scaled with them and the cells' noise.
    edges = tuple(truth.assembly.measurement(EXPERIMENT).edges.exp().tolist())
    gated = settings.model_copy(update={"edges": edges})
    known_as = truth.experiments[EXPERIMENT].model_copy(update={"measurement": gated})
    model = AssayModel("four-state", mechanism, {EXPERIMENT: known_as})
    model.build(assay)
    return Task(first_models(model, assay), assay, rest, reads, energies[INTERACTION])


@torch.no_grad()
def lay_gates(truth: AssayModel) -> None:
    """A sorter as they are: weak promoters drown in autofluorescence, cells of one variant spread, some go astray."""
    gates, frame = truth.assembly.measurement(EXPERIMENT), truth.frame
    library = variants_of(
        frame.padded([WILD_TYPE])[0], 4, Mutagenesis(variants=2000, rate=0.1, repeats=True), 0
    )
    activity = truth.assembly.coordinate(torch.as_tensor(library), EXPERIMENT, {})
    gates.centre.copy_(activity.median())
    gates.log_background.fill_(BACKGROUND)
    gates.log_noise.fill_(np.log(NOISE))
    gates.astray.fill_(np.log(ASTRAY / (1 - ASTRAY)))
    gates.log_yield.zero_()
    cells = gates.log_fluorescence(activity)
    cells = cells + NOISE * torch.randn(
        cells.shape, generator=torch.Generator().manual_seed(0), dtype=cells.dtype
    )
    edges = torch.quantile(cells, torch.arange(1, BINS, dtype=cells.dtype) / BINS)
    gates.first.copy_(edges[0])
    gates.log_gaps.copy_(edges.diff().log())


def first_models(model: AssayModel, assay: Assay) -> tuple[AssayModel, ...]:
    """Where every fit begins beside the last optimum: several contacts, roughly known energies of the wild type."""
    found = []
    for contact in FIRST_CONTACTS:
        tried = twin(model)
        with torch.no_grad():
            for site in MATRICES:
                reader = tried.assembly.reader(site)
                window = torch.as_tensor(wild_type_window(tried.assembly, site, assay.wild_type)[None])
                reader.weights[0] += ENERGIES[site][0] / KT - float(reader(window)[0])
            tried.assembly.constants.fill_(contact / KT)
        lay_over(tried.assembly, rows_of(assay))
        found.append(tried)
    return tuple(found)


def four_states(known: dict[str, np.ndarray] | None = None):
    """CRP, polymerase, and their contact; with matrices that are known to SD, or none."""
    prior = {
        name: {} if known is None else {"matrix": tuple(map(tuple, known[name].tolist())), "sd": SD}
        for name in MATRICES
    }
    sites = {
        "CRP": {"start": 1, "length": 26, **prior["CRP"]},
        "RNAP": {"start": 34, "length": 41, **prior["RNAP"]},
    }
    # An attraction, so that the search begins on the side on which contacts help.
    contact = {INTERACTION: {"initial": -1.0, "sd": 10.0 if known is None else CONTACT}}
    return declare("thermodynamic", sites=sites, interactions=contact, transcribes=["RNAP"])


def recorded_task(seed: int, folder: Path, start: int, pool: int, reads: float) -> Task:
    """The shipped Sort-Seq: some rows are known, others the pool. Published matrices are where the search starts."""
    del reads
    study = parse_assay_study(tomllib.loads((ROOT / "studies" / "lac-promoter.toml").read_text()))
    name, settings = next(iter(study.experiments.items()))
    found = resolve_experiment(settings)
    whole = read_assay(study.model_copy(update={"experiments": {name: found}}))
    fewer = found.model_copy(update={"measurement": found.measurement.model_copy(update={"knots": 12})})
    fewer = fewer.model_copy(update={"path": Path("table.csv"), "dataset": None})
    rows = whole.experiments[0].part("training")
    order = np.random.default_rng([seed, 7]).permutation(rows.n)
    first, rest = rows.rows(order[:start]), rows.rows(order[start : start + pool])
    assay = replace(whole, experiments=(replace(first, name=EXPERIMENT),))
    model = AssayModel("four-state", four_states(), {EXPERIMENT: ExperimentSettings(**fewer.model_dump())})
    model.build(assay)
    with torch.no_grad():
        for site, file in MATRICES.items():
            matrix = np.genfromtxt(folder / file, skip_header=1)[:, 1:5] / KT
            reader = model.assembly.reader(site)
            reader.weights[1:] = torch.as_tensor((matrix - matrix.mean(axis=1, keepdims=True)).reshape(-1))
    reads = float(rest.recorded["counts"].sum() / rest.n)
    # One start: fits to thousands of single reads take their time.
    return Task(first_models(model, assay)[1:], assay, replace(rest, name=EXPERIMENT), reads, np.nan)


def campaigns(make: Callable[[int], Task], plans: Plans, seed: int) -> list[dict[str, object]]:
    """All strategies on one task."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", PajamoWarning)
    task = make(seed)
    return [row for strategy, batches in plans.items() for row in campaign(task, strategy, batches, seed)]


def campaign(task: Task, strategy: str, batches: tuple[int, ...], seed: int) -> list[dict[str, object]]:
    """One strategy on one task: the interval at first and after each batch."""
    oracle, chosen = Oracle(task.pool), np.zeros(0, dtype=np.intp)
    plan = Plan(EXPERIMENT, task.models[0].experiments[EXPERIMENT], task.reads)
    rng, rows, models = np.random.default_rng([seed, 11]), [], task.models
    counts = np.zeros((0, len(plan.outputs)))
    pool = np.arange(task.pool.n)[:, None]
    for batch in (*batches, 0):
        began = time.process_time()
        codes, others = task.pool.codes, models[1:]
        learner = MechanismLearner(models[0], task.start, plan, codes, (INTERACTION,), others=others)
        fitted = learner.fit(chosen[:, None].astype(float), counts, seed=0)
        models = (fitted.model, *task.models) if len(task.models) > 1 else (fitted.model,)
        predictive = fitted.predict(pool)
        known = {"variants": task.start.experiments[0].n + len(chosen), "truth": task.truth, **ends(fitted)}
        if batch:
            new = next_batch(strategy, predictive, chosen, batch, rng)
            chosen = np.concatenate([chosen, new])
            counts = np.concatenate([counts, oracle.measure(new)])
        assert oracle.looks.sum() == len(chosen)
        assert oracle.looks.max() <= 1
        rows.append({"seed": seed, "strategy": strategy, **known, "CPU s": time.process_time() - began})
    print(
        seed,
        strategy,
        f"truth {task.truth:.2f}",
        [f"{r['variants']}: {r['value']:.2f} [{r['low']:.2f}, {r['high']:.2f}]" for r in rows],
        flush=True,
    )
    return rows


def ends(fitted: FittedMechanism) -> dict[str, float]:
    """The interaction's median, both ends of its interval, and those of Laplace's approximation."""
    plain = replace(fitted, marginals=()).predict(np.zeros((1, 1)))
    optimum, reach = float(plain.values[0]), REACH * float(plain.deviations[0])
    low, median, high = optimum - reach, optimum, optimum + reach
    # Where nothing is known of letters beforehand, Laplace's approximation is all that is told.
    if fitted.marginals:
        low, median, high = fitted.marginals[0].quantiles((0.05, 0.5, 0.95)).tolist()
    known = {"value": median, "low": low, "high": high, "half-width": (high - low) / 2}
    return known | {"optimum": optimum, "Laplace": reach}


def next_batch(
    strategy: str,
    predictive: LinearParameterPredictive,
    chosen: np.ndarray,
    batch: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """The batch that a strategy chooses among what was not measured."""
    available = ~np.isin(np.arange(predictive.size), chosen)
    features = np.arange(predictive.size, dtype=float)[:, None]
    situation = Situation(features, available, predictive, rng=rng)
    return choose_batch(acquisition(strategy), situation, batch).rows


def reached(curve: pd.DataFrame, width: float) -> float:
    """Variants at which a curve reaches a half-width (between rounds: linear in ln of both); nan if it does not."""
    log_n, log_w = np.log(curve["variants"].to_numpy(float)), np.log(curve["half-width"].to_numpy(float))
    below = np.flatnonzero(log_w <= np.log(width))
    if not len(below):
        return float("nan")
    at = below[0]
    if at == 0:
        return float(np.exp(log_n[0]))
    share = (log_w[at - 1] - np.log(width)) / (log_w[at - 1] - log_w[at])
    return float(np.exp(log_n[at - 1] + share * (log_n[at] - log_n[at - 1])))


def tell(found: pd.DataFrame, title: str) -> None:
    """The three tables: curves, variants for random's last interval, coverage."""
    curves = found.groupby(["strategy", "variants"])["half-width"].median().unstack("strategy")
    print_table(f"{title}: median half-width, kcal/mol", curves.reset_index(), dict.fromkeys(curves, ".3f"))
    by = {key: one.sort_values("variants") for key, one in found.groupby(["strategy", "seed"])}
    shares = pd.DataFrame(list(shares_of(by, [n for n in found["strategy"].unique() if n != "random"])))
    print_table(f"{title}: variants that reach random's interval, as a share of random's", shares)
    print_table(f"{title}: values", pd.DataFrame(list(ends_of(found))), {"CPU s a round": ".2f"})


def shares_of(by: dict[tuple[str, int], pd.DataFrame], strategies: list[str]) -> Iterable[dict[str, object]]:
    """Of each strategy and each place at which random selection was looked at."""
    for strategy in strategies:
        pairs = [(one, by["random", seed]) for (name, seed), one in by.items() if name == strategy]
        for place in range(1, len(pairs[0][1])):
            ends = [other.iloc[place] for _, other in pairs]
            widths = [float(end["half-width"]) for end in ends]
            needed = np.array([reached(one, w) for (one, _), w in zip(pairs, widths, strict=True)])
            last = np.array([float(end["variants"]) for end in ends])
            first = np.array([float(one["variants"].iloc[0]) for one, _ in pairs])
            yield {
                "strategy": strategy,
                "random": int(last[0]),
                "reached": f"{np.isfinite(needed).sum()}/{len(needed)}",
                "share of those chosen": interval(np.log(np.maximum(needed - first, 1.0) / (last - first))),
                "share of all, the start too": interval(np.log(needed / last)),
            }


def ends_of(found: pd.DataFrame) -> Iterable[dict[str, object]]:
    """How good the values and intervals are, by strategy; of intervals those after at least one batch."""
    first = found["variants"].min()
    for strategy, one in found[found["variants"] > first].groupby("strategy"):
        last = one.sort_values("variants").groupby("seed").tail(1)
        told = {"strategy": strategy, "value": f"{last['value'].mean():.3f} +- {last['value'].std():.3f}"}
        if one["truth"].notna().all():
            error = last["value"] - last["truth"]
            told |= {"RMSE": f"{np.sqrt((error**2).mean()):.3f}", "mean error": f"{error.mean():+.3f}"}
            told |= {"covered, last round": covered(last).mean(), "covered, all": covered(one).mean()}
            told["Laplace covered, all"] = ((one["optimum"] - one["truth"]).abs() <= one["Laplace"]).mean()
        yield told | {"CPU s a round": one["CPU s"].mean()}


def covered(found: pd.DataFrame) -> pd.Series:
    """Whether each interval holds the truth."""
    return (found["low"] <= found["truth"]) & (found["truth"] <= found["high"])


def interval(logs: np.ndarray) -> str:
    """Geometric mean and its 95 % interval over seeds (t); of those that are finite."""
    logs = logs[np.isfinite(logs)]
    if len(logs) < 2:
        return "" if not len(logs) else f"{np.exp(logs[0]):.2f}"
    half = stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs))
    middle = logs.mean()
    return f"{np.exp(middle):.2f} [{np.exp(middle - half):.2f}, {np.exp(middle + half):.2f}]"


def main() -> None:
    """Run the campaigns that are asked for and print what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--only", choices=("simulated", "recorded"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES), choices=STRATEGIES)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--reads", type=float, default=200.0, help="of a simulated variant")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    asked = parser.parse_args()
    print(machine())
    makers = {"simulated": simulated_task, "recorded": recorded_task}
    for name, (start, pool, batch, rounds, of_random) in SIZES.items():
        if asked.only not in (None, name):
            continue
        folder = asked.data / "cisreg"
        make = partial(makers[name], folder=folder, start=start, pool=pool, reads=asked.reads)
        plans = {s: of_random if s == "random" else (batch,) * rounds for s in asked.strategies}
        run = partial(campaigns, make, plans)
        seeds = range(asked.first, asked.first + asked.seeds)
        with ProcessPoolExecutor(asked.workers) as workers:
            found = pd.DataFrame([row for rows in workers.map(run, seeds) for row in rows])
        tell(found, f"{name}, start {start:,}, pool {pool:,}, batches of {batch:,}, seeds {list(seeds)}")


if __name__ == "__main__":
    main()
