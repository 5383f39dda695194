"""From a promoter's reporter assay to its binding energies, and back to sequences, in under half a minute.

    python examples/promoter.py [--keep FOLDER] [--variants 1000]

The assay is SIMULATED from known energies, so that what is found can be held against them: an activator's site, a
polymerase's, and the interaction between the two. With a table of your own, begin at step 2.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import pajamo
from pajamo.config.assays import ContinuousSettings, parse_mechanism
from pajamo.explanations.designs.declared import declared_model

WILD_TYPE = "ACGTTGCATA"
MECHANISM = {
    "kind": "thermodynamic",
    "sites": {"A": {"start": 0, "length": 4}, "R": {"start": 5, "length": 4}},
    "interactions": {"A+R": {}},
    "transcribes": ["R"],
}
MEASUREMENT = ContinuousSettings(nonlinearity="linear")
PLANTED = {"A": -0.5, "R": 0.8, "A+R": -1.5}


def simulate(folder: Path, variants: int = 1000) -> Path:
    """Step 1: variants of a promoter with an activator (A) and a polymerase (R), whose energies are known."""
    truth = declared_model(parse_mechanism(MECHANISM), {"plate": MEASUREMENT}, WILD_TYPE, PLANTED, noise=0.05)
    path = folder / "plate.csv"
    pajamo.simulate_assay(truth, variants=variants, rate=0.3)["plate"].to_csv(path, index=False)
    print(f"1. SIMULATED {path.name}, {variants} variants; planted: {PLANTED} kcal/mol")
    return path


def run(path: Path, runs: Path):
    """Step 2: read, fit the mechanism and maps without one, compare them on unseen variants, write a report."""
    experiment = {"path": path, "measurement": MEASUREMENT.model_dump()}
    study = {
        "name": "promoter",
        "wild_type": WILD_TYPE,
        "experiments": {"plate": experiment},
        "mechanisms": {"activated": MECHANISM},
        "models": {"starts": 2},
    }
    done = pajamo.run(study, runs=runs)
    print(f"\n2. {done.verdict['sentence']}\n   the report: {done.path / 'report.html'}")
    return done


def energies(done) -> None:
    """Step 3: every energy in kcal/mol, with the interval that the data support."""
    table = done.parameters
    print("\n3. parameters; the first of them")
    columns = ["quantity", "of", "value", "unit", "low", "high", "method"]
    print(table[columns].head(3).to_string(index=False, float_format="%.2f"))
    a, r, both = PLANTED.values()
    print(
        "   no reading tells the planted energies from their twin, in which an empty site acts as a bound one:"
    )
    print(f"   A = {-a:g}, R = {r + both:.2g}, A+R = {-both:g}; either of the two may be found")


def design(done) -> None:
    """Step 4: what to order for the strongest expression, and how many variants a finer interval needs."""
    made = pajamo.design_sequences(done, "max", name="activated", most_edits=3, forbidden=("GGTCTC",), n=3)
    print("\n4. the strongest promoters within three edits")
    print(made.table.to_string(index=False, float_format="%.3f"))
    plan = pajamo.plan_library(done, {"A+R": 0.1}, name="activated", rates=(0.1, 0.3), reads=(1.0,))
    print("   variants for an interaction energy within 0.1 kcal/mol")
    print(plan.needed.to_string(index=False, na_rep="not reached"))


def main() -> None:
    """All four steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="folder for table and run; a temporary one if not given")
    parser.add_argument("--variants", type=int, default=1000, help="size of the simulated library")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        done = run(simulate(folder, options.variants), folder / "runs")
        energies(done)
        design(done)


if __name__ == "__main__":
    main()
