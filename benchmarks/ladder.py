"""The whole ladder on one screen, as `pajamo run` fits and scores it: the README's table.

    python benchmarks/ladder.py [DATA] [--folds 5] [--controls split shared]
    python benchmarks/ladder.py --demo

DATA is the folder with `perturbation/` (or an h5ad of Norman 2019); by default $PAJAMO_DEV_DATA or
../shared/data. `--demo` takes the two questions of `pajamo demo` on the screen that ships with pajamo instead, so
that anyone gets the same numbers. Intervals are 95 % over perturbations; `better by` is the paired difference
to the best baseline on the judged metric, positive where the model is better. `calibrated` is that metric between
the mean of the training perturbations (0) and one half of the cells predicting the other (1). Seconds are of
fitting and predicting all folds; the wall time below is of everything, reading and report included. The target is
three minutes on two cores for five folds and one convention.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pajamo
from common import FORMATS, LIBRARY_SIZE, add_data, ladder_table, machine, norman, print_table
from pajamo.pipeline.run_record import Run

PROFILED = 30


def study(path: Path, folds: int, control: str, metric: str) -> dict[str, object]:
    """The study of the README's table."""
    return {
        "name": f"ladder-{control}",
        "data": {"path": path, "library_size": LIBRARY_SIZE},
        "split": {"kind": "doubles", "holdout": 0.25, "folds": folds},
        "evaluation": {"control": control, "metric": metric},
    }


def show(run: Run, metric: str, title: str) -> None:
    """Print the table and the sentence of one run."""
    timings = run.table("timings").set_index("step")["seconds"]
    print_table(title, ladder_table(run.summary, timings, metric), FORMATS)
    print(f"\n{run.verdict['sentence']}")


@contextmanager
def profiled(wanted: bool) -> Iterator[None]:
    """Print where the time went, by function, if wanted."""
    if not wanted:
        yield
        return
    with cProfile.Profile() as profile:
        yield
    for order in ("cumulative", "tottime"):
        pstats.Stats(profile).sort_stats(order).print_stats(PROFILED)


def ladder(path: Path, options: argparse.Namespace, folder: Path) -> None:
    """Run and show the ladder under each convention."""
    for control in options.controls:
        began, used = time.perf_counter(), time.process_time()
        with profiled(options.profile):
            chosen = study(path, options.folds, control, options.metric)
            run = pajamo.run(chosen, runs=folder, progress=_said(options.quiet))
        wall, cpu = time.perf_counter() - began, time.process_time() - used
        show(
            run, options.metric, f"Norman 2019, doubles, 25 % out, {options.folds} folds, {control} controls"
        )
        print(f"\n{wall:.0f} s wall, {cpu:.0f} s of processor, reading and report included")


def demo(options: argparse.Namespace, folder: Path) -> None:
    """Run and show the screen that ships with pajamo."""
    began = time.perf_counter()
    with profiled(options.profile):
        runs = pajamo.demo(runs=folder, progress=_said(options.quiet))
    for run in runs:
        show(run, options.metric, f"Human iPSC knockouts (ships with pajamo): {run.manifest['study']}")
    print(f"\n{time.perf_counter() - began:.0f} s wall for both studies")


def _said(quiet: bool):
    return (lambda _: None) if quiet else print


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--demo", action="store_true", help="the shipped screen instead of Norman 2019")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--controls", nargs="+", choices=("split", "shared"), default=["split", "shared"])
    parser.add_argument("--metric", default="mse", help="the metric that is judged")
    parser.add_argument(
        "--runs", type=Path, help="keep the run folders there; a complete run is not repeated"
    )
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    parser.add_argument("--quiet", action="store_true", help="only the tables")
    options = parser.parse_args()
    path = None if options.demo else norman(options.data, parser)
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        if path is None:
            demo(options, folder)
        else:
            ladder(path, options, folder)


if __name__ == "__main__":
    main()
