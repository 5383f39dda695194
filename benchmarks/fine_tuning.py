"""Secondary structure of each residue, as FLIP poses it: a fine-tuned model beside what it must beat.

    python benchmarks/fine_tuning.py [DATA] [--model FOLDER] [--proteins N] [--steps N] [--all-weights]

FLIP's sets (Dallago et al. 2021, NeurIPS datasets and benchmarks): three classes (helix H, strand E, rest C) of
residues that the crystal shows. All weights change, or additions of rank 8 do. Without --model the model has first
weights, which nobody trained: the control. --proteins takes the first so many of each of the file's sets at random (a
tenth of them validate), all if not given. Figures are per residue; intervals are of resampled proteins.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import pajamo
from common import add_data, machine, print_table
from pajamo.config.proteins import ProteinModelSettings
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.saving import save_language_model

ARCHIVE = "flip_secondary_structure.zip"
FIGURES = dict.fromkeys(("value", "low", "high", "better_by", "better_low", "better_high"), ".3f")
UNTRAINED = ProteinModelSettings(family="modern", layers=4, width=128, heads=4)


def records(archive: zipfile.ZipFile, name: str) -> Iterator[tuple[str, str, str]]:
    """Name, rest of the header, and text of each record."""
    for record in archive.read(f"splits/{name}.fasta").decode().split(">")[1:]:
        header, *lines = io.StringIO(record).read().splitlines()
        first, _, rest = header.partition(" ")
        yield first, rest, "".join(lines)


def labelled(path: Path, proteins: int | None, seed: int) -> pd.DataFrame:
    """One row a protein: residues, classes ("-" where the crystal shows nothing), and the file's set."""
    with zipfile.ZipFile(path) as archive:
        sequences = {name: text for name, _, text in records(archive, "sequences")}
        seen = {name: text for name, _, text in records(archive, "mask")}
        classes = list(records(archive, "sampled"))
    rows = []
    for name, told, letters in classes:
        shown = "".join(c if known == "1" else "-" for c, known in zip(letters, seen[name], strict=True))
        side = "validation" if "VALIDATION=True" in told else told.split("SET=")[1].split()[0]
        rows.append({"id": name, "sequence": sequences[name], "classes": shown, "set": side})
    table = pd.DataFrame(rows)
    if proteins is None:
        return table
    sizes = {"train": proteins, "validation": max(1, proteins // 10), "test": proteins}
    order = np.random.default_rng(seed).permutation(len(table))
    shuffled = table.iloc[order]
    return pd.concat([shuffled[shuffled["set"] == side].head(size) for side, size in sizes.items()])


def untrained(folder: Path) -> Path:
    """A model with first weights."""
    model = ProteinLanguageModel(UNTRAINED)
    model.initialise(0)
    save_language_model(model, folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--model", type=Path, help="folder of a run of `pajamo train`, or of an ESM-2")
    parser.add_argument("--proteins", type=int, help="of each set; all if not given")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--packs", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=4096, help="that a pack holds at most")
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate at its highest")
    parser.add_argument("--all-weights", action="store_true", help="change all weights, without additions")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    archive = given.data / "proteins" / ARCHIVE
    if not archive.is_file():
        parser.error(
            f"there is no {archive}: name the folder of the development data, or set PAJAMO_DEV_DATA"
        )
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        table = labelled(archive, given.proteins, given.seed)
        table.to_csv(place / "labels.csv", index=False)
        study = {
            "name": "secondary-structure",
            "seed": given.seed,
            "model": given.model or untrained(place / "untrained"),
            "data": {"path": place / "labels.csv", "kind": "residues", "label": "classes", "set": "set"},
            "lora": False if given.all_weights else {"rank": 8, "on": ("query", "value", "inner", "outer")},
            "training": {
                "steps": given.steps,
                "packs": given.packs,
                "tokens": given.tokens,
                "validate_every": max(1, given.steps // 5),
                "save_every": given.steps,
                "optimiser": {"learning_rate": given.rate},
                "schedule": {"warm_up": given.steps // 20},
            },
        }
        began, used = time.perf_counter(), time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            done = pajamo.fine_tune(study, runs=place / "runs", progress=print)
        seconds, processor = time.perf_counter() - began, time.process_time() - used
        sides = ", ".join(f"{count:,} {side}" for side, count in done.about["proteins"].items())
        title = f"proteins: {sides}; {seconds:.0f} s ({processor:.0f} CPU seconds)"
        print_table(title, done.summary.drop(columns=["observations", "units", "baseline"]), FIGURES)
        looked = done.table("course").dropna(subset=["kept_aside"])[["step", "kept_aside"]]
        print_table("mean loss of validation by step", looked, {"kept_aside": ".4f"})
        print(f"\n{done.verdict['sentence']}")


if __name__ == "__main__":
    main()
