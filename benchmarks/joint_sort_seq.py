"""The CRP-RNAP interaction energy from all five Sort-Seq experiments, and its distance to a direct measurement.

    python benchmarks/joint_sort_seq.py [DATA] --variants all --out FOLDER     (or names of variants, see --list)

DATA is the folder with `cisreg/sortseq_raw_file_S2.tsv.gz` and `cisreg/forcier2018_*.tsv`; by default
$PAJAMO_DEV_DATA or ../shared/data. The declaration is studies/joint-sort-seq.toml; every variant changes one thing
of it. First Forcier's own data: the allelic manifold of promoters with CRP at -61.5, fitted anew, and the bound that
needs no model. Then the four states from random starts, and every variant from them: each writes its row to FOLDER
as soon as it is there, and a second call makes only those that are missing, so that it may be stopped at any time.

A row: dG_I with its 90 % interval (profile likelihood, or Laplace where a profile would take minutes), the nats that
the training reads lose at Forcier's value, CRP's activity at 500 and at 150 micromolar cAMP relative to wild-type
cells, and how well the sorted reads of the test set are predicted (which bin, given that a read was sorted: the same
question for every variant) as bits and nats a read, with the paired difference to the four states.

Sources: Kinney et al. 2010, PNAS 107:9158; Forcier et al. 2018, eLife 7:e40618.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from common import add_data, machine, print_table
from forcier import DIRECT, DIRECT_ERROR, manifold, ruler
from pajamo.data.assays.reading import read_assay
from pajamo.data.atomic import write_json
from pajamo.models.assays.model import AssayModel
from pajamo.training.assays.saved import load_assay_model, save_assay_model
from sort_seq_fits import Fitted, constants, from_another, from_random_starts, sorted_likelihood
from sort_seq_rows import Row, row
from sort_seq_variants import BASE, INTERACTION, VARIANTS, varied

FORMS = dict.fromkeys(("dG_I", "low", "high", "full-500", "full-150"), ".2f") | {
    "test bits": ".4f", "nats a read": ".4f", "lost at -4.04": ".1f", "CPU s": ".0f",
}  # fmt: skip


def file_of(folder: Path, variant: str) -> Path:
    """Where the row of a variant is kept."""
    return folder / f"{re.sub('[^a-z0-9]+', '-', variant.lower())}.json"


def reference(path: Path, folder: Path) -> Fitted:
    """The four states, fitted once and kept: where every variant starts, and what it is compared with."""
    kept, facts = folder / "four-states.safetensors", folder / "four-states.fit.json"
    if not facts.exists():
        fit = from_random_starts(path, folder)
        save_assay_model(fit.model, fit.assay, kept)
        write_json(facts, {"gap": fit.gap, "CPU s": fit.seconds})
        return fit
    known = json.loads(facts.read_text())
    return Fitted(BASE, read_assay(varied(BASE, path, folder)), load_assay_model(kept), *known.values())


def make_rows(names: Iterable[str], path: Path, folder: Path, base: Fitted) -> None:
    """Fit what has no row yet, and write each row as soon as it is there."""
    test = sorted_likelihood(base)
    for name in names:
        if file_of(folder, name).exists():
            continue
        fit = base if name == BASE else from_another(name, path, folder, base.model)
        line = row(fit, test)
        write_json(file_of(folder, name), line)
        print(line, flush=True)


def rows_of_folder(folder: Path) -> list[Row]:
    """All rows that are there, in the order of the variants."""
    return [
        json.loads(file_of(folder, name).read_text()) for name in VARIANTS if file_of(folder, name).exists()
    ]


def stretched(folder: Path, model: AssayModel) -> str:
    """dG_I when the energies are counted in the unit that Forcier's promoters give them."""
    slope, low, high, promoters = ruler(folder, model)
    here = constants(model.assembly)[INTERACTION]
    lines = (
        f"\nForcier's strengths of {promoters} promoters ask for polymerase energies {slope:.2f} times as large",
        f"(90 %: {low:.2f} to {high:.2f}) as those that sorted reads give: dG_I = {here:.2f} would be "
        f"{here * slope:.2f} ({here * low:.2f} to {here * high:.2f}),",
        "if all energies stretch together.",
    )
    return "\n".join(lines)


def print_rows(rows: list[Row]) -> None:
    """The table, and what it says of the direct measurement."""
    if not rows:
        print("no variant is finished yet")
        return
    table = pd.DataFrame(rows).drop(columns="contact")
    print_table("dG_I, kcal/mol, with 90 % intervals (an end that was not met stays empty)", table, FORMS)
    print_table("Figures of merit", merits(table), {"low": ".2f", "high": ".2f", "dG_I": ".2f"})


def merits(table: pd.DataFrame) -> pd.DataFrame:
    """The four states and the variant that comes nearest: does the interval meet the direct measurement's?"""
    nearest = table.loc[(table["dG_I"] - DIRECT).abs().idxmin(), "variant"]
    chosen = table[table["variant"].isin([BASE, nearest])][["variant", "dG_I", "low", "high"]]
    low = chosen["low"].fillna(float("-inf")) <= DIRECT + 2 * DIRECT_ERROR
    high = chosen["high"].fillna(float("inf")) >= DIRECT - 2 * DIRECT_ERROR
    return chosen.assign(target=f"meets {DIRECT} +- {DIRECT_ERROR}", met=low & high)


def main() -> None:
    """Make the rows that are missing and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--variants", nargs="+", default=["all"], choices=[*VARIANTS, "all"], metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path("joint-sort-seq"), help="folder of the rows")
    parser.add_argument("--list", action="store_true", help="print the names of the variants")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(VARIANTS))
        return
    folder = arguments.data / "cisreg"
    path = (folder / "sortseq_raw_file_S2.tsv.gz").resolve()
    if not path.is_file():
        parser.error(f"there is no {path}: name the folder of the development data, or set PAJAMO_DEV_DATA")
    print(machine())
    print(manifold(folder))
    names = VARIANTS if "all" in arguments.variants else arguments.variants
    try:
        base = reference(path, arguments.out)
        print(stretched(folder, base.model), flush=True)
        make_rows(names, path, arguments.out, base)
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on")
    print_rows(rows_of_folder(arguments.out))


if __name__ == "__main__":
    main()
