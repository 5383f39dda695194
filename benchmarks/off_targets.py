"""Off-targets of Cas9 in cells, of guides that no model saw: kinetic networks, their parts left out, and comparisons.

    python benchmarks/off_targets.py [DATA] --seeds 5 --out FOLDER      (--kinds NAMES, --quick, --list)

DATA is the folder with `kinetics/`; by default $PAJAMO_DEV_DATA or ../shared/data. The declaration is
studies/off-targets.toml: two mechanisms fitted to NucleaSeq's rates, then trained on CIRCLE-seq, SITE-seq, CD33 and
Haeussler's compilation without any row of a test guide; tests are GUIDE-seq of Kleinstiver et al. and of Listgarten
et al. (mismatches, indels). Nothing here was chosen on the tests: they are read for the last table only. Each model
writes its scores to FOLDER as soon as they are there, and a second call makes only those that are missing.

Areas are means over seeds, each of which is a whole ensemble; their standard deviation over seeds stands beside. The
intervals are over guides (1,000 resamples, 95 %), of the mean over seeds. Each table is scored as it stands, with the
guides' own targets among the sites that were not found; without these rows; and as the mean over guides of each
guide's own average precision. Rows "as training tables label on-targets" give a guide's own target the odds that the
training tables say it is listed with. "Stacked bases" adds what is known of RNA with DNA to the rates in vitro.

Published: Elektrum's ensemble .364/.262/.324 (Zhang et al. 2023), CRISPR-Net .332/.324/.332 (its weights, run by
benchmarks/peers/crisprnet_score.py), CRISPRzip's rates by benchmarks/peers/crisprzip_rates.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from common import add_data, machine, print_table
from off_target_models import KINDS, MECHANISMS, TESTS, Scores, load, make, read, tests
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.pairs.pairing import on_targets
from pajamo.evaluation.assays.resampling import interval
from pajamo.evaluation.pairs.discrimination import AUPRC, AUROC, FIGURES, GUIDE_AUPRC, figures
from pajamo.models.pairs.registry import MODELS
from pajamo.models.transfer.predicting import competed
from pajamo.pipeline.transfer.loading import LoadedTransfer
from stacking import loop_energy

Array = NDArray[np.float64]
COMPETITION = 0.5
"""Chosen on cellular labels of CIRCLE-seq's guides that were kept aside."""
STACKING = 0.7
"""ln of the rate that 1 kcal/mol of a guide's R-loop is worth (1.6 were every step before what limits the rate);
chosen on CIRCLE-seq and SITE-seq, which are in vitro."""
WITH_TRANSFER = dict(zip(TESTS, (0.364, 0.317, 0.324), strict=True))
IN_VITRO = {"kleinstiver": (0.977, 0.202, 0.25), "listgarten": (0.970, 0.079, 0.23)}
"""Area under ROC and average precision as the table stands, and average precision with on-targets removed."""
LIBRARY = "cd33"
"""Targets that were made for the guides, which are no sites of a genome."""
NETWORKS = tuple(f"{name}, network" for name in MECHANISMS)
BARE = tuple(f"{name}, bases left out" for name in MECHANISMS)
ALONE = tuple(f"{name}, in vitro only" for name in MECHANISMS)
STACKED = "in vitro only, both mechanisms, stacked bases"
BEST = "kinetic networks, sites compete"


@dataclass(frozen=True)
class Table:
    """A test table: its rows, which of them are on-targets, and log odds at which training tables list on-targets.

    Attributes
    ----------
    loop: energy of the R-loop of each row's guide, in kcal/mol.
    """

    rows: Experiment
    matched: NDArray[np.bool_]
    listed: float
    loop: Array

    def without(self) -> NDArray[np.bool_]:
        """Rows that are no on-targets."""
        return ~self.matched


@dataclass(frozen=True)
class Row:
    """A row of the result: which models are averaged, how many members of each, and what is done to log odds."""

    kinds: tuple[str, ...]
    change: Callable[[Array, Table], Array] = lambda odds, _: odds
    members: int | None = None

    def said(self, scores: Mapping[str, Scores], table: Table) -> Array:
        """One score a row from those of each kind, (members, rows)."""
        name = table.rows.name
        held = [scores[kind][name][: self.members].astype(np.float64) for kind in self.kinds]
        return np.mean([self.change(own, table).mean(axis=0) for own in held], axis=0)


def compete(odds: Array, table: Table, share: float = COMPETITION) -> Array:
    """Log odds of sites that share out a guide's nuclease; the guide's own target is no off-target."""
    groups = table.rows.recorded["guide"].astype(np.intp) * 2 + table.matched
    return competed(odds, groups, share)


def stacked(log_rate: Array, table: Table) -> Array:
    """ln of rates, faster where a guide's R-loop is stable; of bases the rates of two guides say next to nothing."""
    return log_rate - STACKING * table.loop


def as_listed(odds: Array, table: Table) -> Array:
    """The same, with on-targets as likely to be listed as training tables list them."""
    return np.where(table.matched, table.listed, compete(odds, table))


ROWS: dict[str, Row] = {
    "in vitro only, both mechanisms": Row(ALONE),
    STACKED: Row(ALONE, stacked),
    **{name: Row((name,)) for name in ALONE},
    "kinetic networks": Row(NETWORKS),
    BEST: Row(NETWORKS, compete),
    f"{BEST}, as training tables label on-targets": Row(NETWORKS, as_listed),
    **{name: Row((name,)) for name in NETWORKS},
    **{f"{name}, single member": Row((name,), members=1) for name in NETWORKS},
    "bases of the guide left out": Row(BARE),
    "bases of the guide left out, sites compete": Row(BARE, compete),
    "without context": Row(tuple(f"{name}, without context" for name in MECHANISMS)),
    "frozen mechanisms": Row(tuple(f"{name}, frozen" for name in MECHANISMS)),
    "a network as context": Row(tuple(f"{name}, network context" for name in MECHANISMS)),
    **{name: Row((name,)) for name in KINDS if name.startswith("without kinetics")},
    **{f"{name}, sites compete": Row((name,), compete) for name in KINDS if name.startswith("without kinetics")},
    **{name: Row((name,)) for name in MODELS},
}  # fmt: skip


def tables_of(loaded: LoadedTransfer) -> dict[str, Table]:
    """The test tables by name."""
    listed = listed_on_targets(loaded.training)
    return {
        e.name: Table(e, on_targets(e.codes, loaded.pam), listed, loop_energy(e.codes, loaded.pam))
        for e in tests(loaded)
    }


def listed_on_targets(training: Assay) -> float:
    """Log odds at which screens of a genome list a guide's own target, with half a row of either kind added."""
    labels = [
        e.recorded["label"][(e.set_of == 0) & on_targets(e.codes, 0)]
        for e in training.experiments
        if e.name != LIBRARY
    ]
    found = np.concatenate(labels)
    return float(np.log((found.sum() + 0.5) / ((1 - found).sum() + 0.5)))


def drawn_of(row: Row, seeds: list[dict[str, Scores]], table: Table, kept: NDArray[np.bool_]) -> list[Array]:
    """For each of FIGURES its value by seed and resample, the first of no resample: (seeds, 1 + resamples)."""
    recorded = table.rows.recorded
    said = [row.said(scores, table)[kept] for scores in seeds]
    drawn = figures(said, recorded["label"][kept], recorded["guide"][kept], 0)
    return [np.stack([own[name] for own in drawn]) for name in FIGURES]


def scored(folder: Path, seeds: int, tables: Mapping[str, Table]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every row whose models are all there, on every table; and the best network less each row."""
    found = dict(_rows(folder, seeds, tables))
    lines, apart = [], []
    for (name, test, convention), (drawn, seconds) in found.items():
        guides = len(np.unique(tables[test].rows.recorded["guide"]))
        place = {"test": test, "convention": convention, "model": name}
        line: dict[str, object] = {"seeds": len(drawn[0])}
        for figure, values in zip(FIGURES, drawn, strict=True):
            mean = values.mean(axis=0)
            low, high = interval(lambda own: own, mean[1:], guides)
            line |= {
                figure: mean[0],
                f"{figure}_low": low,
                f"{figure}_high": high,
                f"{figure}_sd": _sd(values),
            }
        lines.append(place | line | {"CPU s": seconds})
        best = found.get((BEST, test, convention))
        if best is not None and name != BEST:
            difference = best[0][1].mean(axis=0) - drawn[1].mean(axis=0)
            low, high = interval(lambda own: own, difference[1:], guides)
            apart.append(place | {"better by": difference[0], "low": low, "high": high})
    return pd.DataFrame(lines), pd.DataFrame(apart)


def _rows(
    folder: Path, seeds: int, tables: Mapping[str, Table]
) -> Iterator[tuple[tuple[str, str, str], tuple[list[Array], float]]]:
    held = cache(partial(read, folder, seeds=seeds))
    for name, row in ROWS.items():
        parts = [held(kind=kind) for kind in row.kinds]
        count = min(len(scores) for scores, _ in parts)
        if not count:
            continue
        by_seed = [{k: own[0][n] for k, own in zip(row.kinds, parts, strict=True)} for n in range(count)]
        seconds = sum(own[1] for own in parts)
        for test, table in tables.items():
            every = np.ones(table.rows.n, dtype=bool)
            for convention, kept in (("as it stands", every), ("removed", table.without())):
                yield (name, test, convention), (drawn_of(row, by_seed, table, kept), seconds)


def _sd(values: Array) -> float:
    return float(values[:, 0].std(ddof=1)) if len(values) > 1 else float("nan")


def print_scores(lines: pd.DataFrame, apart: pd.DataFrame, quick: bool) -> None:
    """A table for each test, the differences, and the figures of merit, which thinned tables cannot give."""
    if lines.empty:
        print("no model is finished yet")
        return
    for test, own in lines.groupby("test", sort=False):
        print_table(f"{test}", shown(own))
    if not apart.empty:
        print_table(
            f"Average precision of {BEST!r} less that of others, on-targets removed, 95 % over guides",
            apart[apart["convention"] == "removed"].drop(columns="convention"),
            dict.fromkeys(("better by", "low", "high"), "+.3f"),
        )
    if not quick:
        print_table("Figures of merit", merits(lines), {"value": ".3f", "bar": ".3f"})


def shown(lines: pd.DataFrame) -> pd.DataFrame:
    """One line a model: figures as text, both conventions side by side."""
    raw, removed = (
        lines[lines["convention"] == name].set_index("model") for name in ("as it stands", "removed")
    )
    table = pd.DataFrame(
        {
            "seeds": raw["seeds"],
            "AUROC": [_figure(row, AUROC, 4) for _, row in raw.iterrows()],
            "AUPRC as it stands": [_figure(row, AUPRC) for _, row in raw.iterrows()],
            "on-targets removed": [_figure(row, AUPRC) for _, row in removed.iterrows()],
            "per guide": [_figure(row, GUIDE_AUPRC) for _, row in removed.iterrows()],
            "CPU s": raw["CPU s"].round(0),
        }
    )
    return table.rename_axis("model").reset_index()


def _figure(row: pd.Series, name: str, digits: int = 3) -> str:
    spread = f" sd {row[f'{name}_sd']:.{digits}f}" if np.isfinite(row[f"{name}_sd"]) else ""
    return (
        f"{row[name]:.{digits}f} [{row[f'{name}_low']:.{digits}f}, {row[f'{name}_high']:.{digits}f}]{spread}"
    )


def merits(lines: pd.DataFrame) -> pd.DataFrame:
    """The figures of merit: with transfer on each table, and without any table of sites."""
    by = lines.set_index(["model", "test", "convention"])
    found = []
    for test, bar in WITH_TRANSFER.items():
        for name in (BEST, f"{BEST}, as training tables label on-targets"):
            if (name, test, "as it stands") in by.index:
                found.append((f"AUPRC, {test}, {name}", by.loc[(name, test, "as it stands"), AUPRC], bar))
    for name, (test, bars) in product(("in vitro only, both mechanisms", STACKED), IN_VITRO.items()):
        if (name, test, "as it stands") in by.index:
            raw, removed = (by.loc[(name, test, convention)] for convention in ("as it stands", "removed"))
            found += [
                (f"AUROC, {test}, {name}", raw[AUROC], bars[0]),
                (f"AUPRC, {test}, {name}", raw[AUPRC], bars[1]),
                (f"AUPRC, {test}, on-targets removed, {name}", removed[AUPRC], bars[2]),
            ]
    table = pd.DataFrame(found, columns=["figure", "value", "bar"])
    return table.assign(met=table["value"] >= table["bar"])


def main() -> None:
    """Make the scores that are missing and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=5, help="of models that random choices enter")
    parser.add_argument("--out", type=Path, default=Path("off-targets"), help="folder of the scores")
    parser.add_argument("--quick", action="store_true", help="small networks on thinned tables")
    parser.add_argument("--list", action="store_true", help="print the names of the models")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(KINDS))
        return
    if not (arguments.data / "kinetics").is_dir():
        parser.error(f"there is no {arguments.data / 'kinetics'}: name the folder of the development data")
    print(machine())
    loaded = cache(lambda: load(arguments.data, arguments.quick, arguments.out))
    try:
        make(arguments.kinds, arguments.seeds, loaded, arguments.out)
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on")
    lines, apart = scored(arguments.out, arguments.seeds, tables_of(loaded()))
    print_scores(lines, apart, arguments.quick)


if __name__ == "__main__":
    main()
