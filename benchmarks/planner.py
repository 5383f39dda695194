"""Plans against what trainings then take: seconds of a step and memory of a process, on the processor at hand.

    python benchmarks/planner.py [--threads 1] [--shapes 6x320x20 12x480x20 ...] [--precision float32 bfloat16]

Each shape is planned in one process and trained for some steps in another, on simulated proteins as long as those of
UniRef90. Seconds are the median step's; memory is the largest resident set of the process, or, on a GPU, what torch
held of it. Asked: within a tenth. Other work on the machine makes steps longer than planned; run it on an idle one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common import machine, print_table
from pajamo.config.proteins import ProteinStudy
from pajamo.data.proteins.alphabet import RESIDUES

SHAPES = ("6x320x20:esm2", "12x480x20:esm2", "6x320x5:modern", "4x640x10:modern")
STEPS, TOKENS, PACKS = 6, 4096, 2


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), help="layers x width x heads : family")
    parser.add_argument("--precision", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--tokens", type=int, default=TOKENS)
    parser.add_argument("--do", choices=("plan", "train"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.do:
        print(json.dumps({"plan": _plan, "train": _train}[chosen.do](Path(os.environ["STUDY"]))))
        return
    print(machine())
    rows = [_compared(shape, precision, chosen) for precision in chosen.precision for shape in chosen.shapes]
    formats = {
        "planned s": ".3f", "step s": ".3f", "ratio": ".2f", "planned MB": ".0f", "peak MB": ".0f", "ratio ": ".2f",
    }  # fmt: skip
    print_table(f"planned and measured, {chosen.threads} thread(s)", pd.DataFrame(rows), formats)


def _compared(shape: str, precision: str, chosen: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        study = _study(Path(folder), shape, precision, chosen.tokens)
        told = {what: _asked(what, study, chosen.threads) for what in ("plan", "train")}
    plan, done = told["plan"], told["train"]
    return {
        "shape": shape,
        "precision": precision,
        "planned s": plan["seconds"],
        "step s": done["seconds"],
        "ratio": plan["seconds"] / done["seconds"],
        "planned MB": plan["bytes"] / 1e6,
        "peak MB": done["bytes"] / 1e6,
        "ratio ": plan["bytes"] / done["bytes"],
    }


def _asked(what: str, study: Path, threads: int) -> dict[str, float]:
    """Run this script in a process of its own, whose memory is not shared with anything before."""
    setting = {"STUDY": str(study), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, __file__, "--do", what],
        env={**os.environ, **setting},
        capture_output=True,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _study(folder: Path, shape: str, precision: str, tokens: int) -> Path:
    size, family = shape.split(":")
    layers, width, heads = map(int, size.split("x"))
    rng = np.random.default_rng(0)
    lengths = np.clip(np.exp(rng.normal(5.6, 0.7, 3000)), 20, 1000).astype(int)
    letters = np.array(list(RESIDUES))
    (folder / "proteins.fasta").write_text(
        "".join(f">p{n}\n{''.join(rng.choice(letters, length))}\n" for n, length in enumerate(lengths))
    )
    study = {
        "data": {"path": str(folder / "proteins.fasta")},
        "split": {"by": "protein", "validation": 0.01, "test": 0.0},
        "model": {"family": family, "layers": layers, "width": width, "heads": heads},
        "training": {
            "steps": STEPS, "packs": PACKS, "tokens": tokens, "precision": precision, "validate_every": 1000,
            "save_every": 1000, "schedule": {"warm_up": 0}, "optimiser": {"name": "adamw"},
        },
    }  # fmt: skip
    path = folder / "study.json"
    path.write_text(json.dumps(study))
    return path


def _plan(path: Path) -> dict[str, float]:
    from pajamo.pipeline.proteins.planning import plan_study

    plan = plan_study(ProteinStudy(**json.loads(path.read_text())), None, None, path.parent / "plans")
    return {"seconds": plan.time.seconds, "bytes": plan.held}


def _train(path: Path) -> dict[str, float]:
    import resource

    import torch

    from pajamo.models.proteins.language_model import ProteinLanguageModel
    from pajamo.pipeline.proteins.loading import load_proteins
    from pajamo.training.proteins.language import LanguageTask
    from pajamo.training.trainer.loop import train

    study = ProteinStudy(**json.loads(path.read_text()))
    loaded = load_proteins(study, path.parent / "runs", lambda _: None)
    seconds: list[float] = []
    with torch.device("meta"):
        model = ProteinLanguageModel(study.model)
    train(
        LanguageTask(model, loaded.training()), study.training, path.parent / "trained",
        on_step=lambda report: seconds.append(report.seconds),
    )  # fmt: skip
    gpu = torch.cuda.is_available()
    held = (
        torch.cuda.max_memory_reserved() if gpu else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    )
    return {"seconds": float(np.median(seconds[1:])), "bytes": float(held)}


if __name__ == "__main__":
    main()
