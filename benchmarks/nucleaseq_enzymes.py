"""R-loops of other nucleases, alone and together, and what a censored likelihood is worth.

    python benchmarks/nucleaseq_enzymes.py [DATA] [--only enzymes cas12a sharing unlike censoring binding]

DATA is the folder with `kinetics/`; by default $PAJAMO_DEV_DATA or ../shared/data. NucleaSeq (Jones et al. 2021):
four Cas9s with two guides, Cas12a with two. Every figure is of the guide that no fit has seen, or of rows kept aside
within a guide: Pearson correlation of log10 k, limits of detection applied to readings and predictions alike. Unique
targets; repeated readings of one target are averaged.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common import add_data, machine, print_table
from nucleaseq import LIMIT, reading, scored
from pajamo.config.assays import AssayStudy, parse_assay_study
from pajamo.data.assays.reading import read_assay
from pajamo.models.assays.model import AssayModel
from pajamo.training.assays.fit import fit_assay

CAS9 = "kinetics/nucleaseq_cas9_long.csv.gz"
CAS12A = "kinetics/nucleaseq_cas12a_long.csv.gz"
UNIQUE = "kinetics/nucleaseq_wtcas9_unique.csv.gz"
AFFINITY = {
    "kind": "continuous", "value": "dABA", "nonlinearity": "sigmoid", "monotone": False, "coordinate": "logit",
}  # fmt: skip
"""dABA is 0 at the matched target and rises to about 1 where nothing is bound."""
OWN = ["binding", "cutting", "PAM", "level"]
"""What variants of one nuclease have of their own when they are fitted together."""
LOOP12A: dict[str, Any] = {"kind": "r-loop", "steps": 20, "pam": 4, "any_base": [3]}
"""Of Cas12a, and of Cas9 beside it: the longest PAM is that of Cas12a."""
UNLIKE = (0.1, 0.25, 0.5, 1.0, 2.0)
"""How far enzymes may differ in the costs of mismatches, relative to how these spread."""
Row = dict[str, Any]


def tables(path: Path, folder: Path) -> dict[str, Path]:
    """One table a nuclease, one row a guide and target."""
    found = {}
    whole = pd.read_csv(path).dropna(subset=["log10_k"])
    whole = whole[whole["sequence"].str.len() < 27]
    for name, own in whole.groupby("nuclease"):
        unique = own.groupby(["on_target", "sequence"], as_index=False)["log10_k"].mean()
        found[str(name)] = folder / f"{name}.csv"
        unique.to_csv(found[str(name)], index=False)
    return found


def study(
    files: dict[str, Path],
    test: str,
    *,
    enzyme: str = "Cas9",
    mechanism: Row,
    limits: str = "censored",
    **more: Any,
) -> AssayStudy:
    """Experiments by nuclease that share one R-loop."""
    experiments = {
        name: {
            "path": str(path),
            "pairs": {"guide": "on_target", "target": "sequence", "enzyme": enzyme},
            "output": "cleavage",
            "measurement": {
                "kind": "rate",
                "value": "log10_k",
                "noise": "student",
                "lower": LIMIT,
                "limits": limits,
            },
        }
        for name, path in files.items()
    }
    named = {"test_guides": [test]} if test else {}
    return parse_assay_study(
        {
            "name": "enzymes",
            "alphabet": "guide-target",
            "holdout": [0.0, 0.0],
            "experiments": experiments,
            "mechanisms": {"r-loop": mechanism},
        }
        | named
        | more
    )


def fitted(asked: AssayStudy) -> Iterator[tuple[str, np.ndarray, np.ndarray, float]]:
    """For each experiment what is predicted of its test rows, what was recorded, and the seconds of the fit."""
    assay = read_assay(asked)
    began = time.process_time()
    model = AssayModel("r-loop", asked.mechanisms["r-loop"], asked.experiments)
    fit_assay(model, assay, starts=1)
    seconds = time.process_time() - began
    for experiment in assay.part("test").experiments:
        yield (
            experiment.name,
            reading_of(model, assay, experiment.name),
            experiment.recorded["value"],
            seconds,
        )


def reading_of(model: AssayModel, assay: Any, name: str) -> np.ndarray:
    """log10 of the rate of one experiment's test rows as it would be written down."""
    from dataclasses import replace

    part = assay.part("test")
    return reading(model, replace(part, experiments=(part.experiment(name),)))


def enzymes(data: Path, folder: Path) -> list[Row]:
    """Each Cas9 alone and all together, on the guide that was not learned from."""
    files, rows = tables(data / CAS9, folder), []
    for test in guides_of(files):
        for name in files:
            for own, said, value, seconds in fitted(
                study({name: files[name]}, test, mechanism={"kind": "r-loop"})
            ):
                rows.append(row(own, "alone", test, said, value, seconds))
        for own, said, value, seconds in fitted(
            study(files, test, mechanism={"kind": "r-loop", "varies": OWN})
        ):
            rows.append(row(own, "together", test, said, value, seconds))
    return rows


def cas12a(data: Path, folder: Path) -> list[Row]:
    """Cas12a, whose PAM lies at the other end and has four letters."""
    files, rows = tables(data / CAS12A, folder), []
    for test in guides_of(files):
        for own, said, value, seconds in fitted(study(files, test, enzyme="Cas12a", mechanism=LOOP12A)):
            rows.append(row(own, "alone", test, said, value, seconds))
    return rows


def sharing(data: Path, folder: Path) -> list[Row]:
    """Wild-type Cas9 and Cas12a, each alone and in one fit; a guide that is tested is kept from both enzymes."""
    files = two_enzymes(data, folder)
    rows = []
    for test in guides_of(files["Cas9"]):
        for own, said, value, seconds in (found for one in alone(files, test) for found in fitted(one)):
            rows.append(row(own, "alone", test, said, value, seconds))
        for how, more in (("costs shared", []), ("costs differ", ["costs"])):
            asked = both(files, test, LOOP12A | {"varies": OWN + more})
            for own, said, value, seconds in fitted(asked):
                rows.append(row(own, how, test, said, value, seconds))
    return rows


def unlike(data: Path, folder: Path) -> list[Row]:
    """How far two enzymes may differ, judged by rows (20 %) that are kept aside of the guide that is learned from."""
    files, rows = two_enzymes(data, folder), []
    for learned in guides_of(files["Cas9"]):
        protospacer = learned[:-3]
        place = {enzyme: only(own, protospacer, folder) for enzyme, own in files.items()}
        cases = [("alone", one) for one in alone(place, "", holdout=[0.0, 0.2])]
        for share in UNLIKE:
            mechanism = LOOP12A | {"varies": [*OWN, "costs"], "unlike": share}
            cases.append((f"unlike = {share}", both(place, "", mechanism, holdout=[0.0, 0.2])))
        for how, asked in cases:
            for own, said, value, seconds in fitted(asked):
                rows.append(row(own, how, f"within {learned[:6]}", said, value, seconds))
    return rows


def two_enzymes(data: Path, folder: Path) -> dict[str, dict[str, Path]]:
    """Tables of the wild types, by enzyme."""
    nine, twelve = tables(data / CAS9, folder), tables(data / CAS12A, folder)
    return {"Cas9": {"wtCas9": nine["wtCas9"]}, "Cas12a": twelve}


def only(files: dict[str, Path], protospacer: str, folder: Path) -> dict[str, Path]:
    """The same tables with the pairs of one guide."""
    found = {}
    for name, path in files.items():
        table = pd.read_csv(path)
        found[name] = folder / f"{name}-{protospacer}.csv"
        table[table["on_target"].str.contains(protospacer)].to_csv(found[name], index=False)
    return found


def alone(files: dict[str, dict[str, Path]], test: str, **more: Any) -> Iterator[AssayStudy]:
    """One study an enzyme. Guides are named by their protospacer, which both enzymes have."""
    mechanisms = {"Cas9": {"kind": "r-loop"}, "Cas12a": LOOP12A}
    for enzyme, own in files.items():
        yield study(own, test[:20], enzyme=enzyme, mechanism=mechanisms[enzyme], **more)


def both(files: dict[str, dict[str, Path]], test: str, mechanism: Row, **more: Any) -> AssayStudy:
    """One study of both enzymes."""
    contents = [one.model_dump(mode="json", exclude_none=True) for one in alone(files, test, **more)]
    experiments = {name: own for content in contents for name, own in content["experiments"].items()}
    return parse_assay_study(contents[0] | {"experiments": experiments, "mechanisms": {"r-loop": mechanism}})


def censoring(data: Path, folder: Path) -> list[Row]:
    """The same R-loop of wild-type Cas9: readings at the limit known to lie beyond, or taken as the limit itself."""
    files = {"wtCas9": tables(data / CAS9, folder)["wtCas9"]}
    rows = []
    for test in guides_of(files):
        for label, limits in (("censored", "censored"), ("clipped", "clipped")):
            asked = study(files, test, mechanism={"kind": "r-loop"}, limits=limits)
            for own, said, value, seconds in fitted(asked):
                rows.append(row(own, f"{label}, other guide", test, said, value, seconds))
            # Rows of the training guide that are kept aside: 20 % of its targets.
            aside = pd.read_csv(files["wtCas9"])
            place = folder / f"aside-{test[:6]}.csv"
            aside[aside["on_target"] != test].to_csv(place, index=False)
            within = study(
                {"wtCas9": place}, "", mechanism={"kind": "r-loop"}, limits=limits, **{"holdout": [0.0, 0.2]}
            )
            for own, said, value, seconds in fitted(within):
                rows.append(row(own, f"{label}, rows kept aside", test, said, value, seconds))
    return rows


def binding(data: Path, folder: Path) -> list[Row]:
    """Wild-type Cas9's cleavage rate and the affinity of its dead form (dABA) from one R-loop, on the other guide."""
    place, rows = data / UNIQUE, []
    for test in sorted(pd.read_csv(place)["on_target"].unique()):
        asked = study({"wtCas9": place}, test, mechanism={"kind": "r-loop"})
        content = asked.model_dump(mode="json", exclude_none=True)
        content["experiments"]["affinity"] = {
            "path": str(place),
            "pairs": {"guide": "on_target", "target": "sequence"},
            "output": "binding",
            "measurement": AFFINITY,
        }
        for own, said, value, seconds in together(parse_assay_study(content)):
            rows.append(row(own, "rate and affinity", test, said, value, seconds))
    del folder
    return rows


def together(asked: AssayStudy) -> Iterator[tuple[str, np.ndarray, np.ndarray, float]]:
    """As `fitted`, of experiments whose readings differ in kind."""
    assay = read_assay(asked)
    began = time.process_time()
    model = AssayModel("r-loop", asked.mechanisms["r-loop"], asked.experiments)
    fit_assay(model, assay, starts=1)
    seconds = time.process_time() - began
    for experiment in assay.part("test").experiments:
        said = model.predict(experiment)["expected"].to_numpy()
        yield experiment.name, said, experiment.recorded["value"], seconds


def guides_of(files: dict[str, Path]) -> list[str]:
    """Both guides of a set of tables."""
    return sorted(pd.read_csv(next(iter(files.values())))["on_target"].unique())


def row(nuclease: str, how: str, test: str, said: np.ndarray, value: np.ndarray, seconds: float) -> Row:
    """Correlation of all rows, and the error of those that were resolved."""
    seen = value > LIMIT
    error = float(np.sqrt(np.mean((np.maximum(said[seen], LIMIT) - value[seen]) ** 2)))
    made = {
        "nuclease": nuclease,
        "fit": how,
        "test guide": test[:13] if test.startswith("within") else test[:8],
        "rows": len(value),
        "at the limit": float(np.mean(~seen)),
    }
    made |= {
        "r": scored(said, value, np.ones(len(value), dtype=bool)),
        "error of resolved": error,
        "CPU s": seconds,
    }
    print(made, flush=True)
    return made


def main() -> None:
    """Print one table a question."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    asked = {
        "enzymes": enzymes,
        "cas12a": cas12a,
        "sharing": sharing,
        "unlike": unlike,
        "censoring": censoring,
        "binding": binding,
    }
    parser.add_argument("--only", nargs="+", choices=asked, default=list(asked))
    arguments = parser.parse_args()
    print(machine())
    forms = {"at the limit": ".0%", "r": ".3f", "error of resolved": ".3f", "CPU s": ".1f"}
    with tempfile.TemporaryDirectory() as place:
        for name in arguments.only:
            print_table(
                str(asked[name].__doc__), pd.DataFrame(asked[name](arguments.data, Path(place))), forms
            )


if __name__ == "__main__":
    main()
