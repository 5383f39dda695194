"""Models of off-targets: what each is, and its scores of every site of the test tables, kept in a folder."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from common import ROOT
from pajamo.config.assays import AssayStudy, parse_assay_study
from pajamo.data.assays.assay import Experiment
from pajamo.data.assays.pairs.distinct import distinct
from pajamo.data.atomic import replace_file
from pajamo.models.assays.model import AssayModel
from pajamo.models.pairs.registry import MODELS
from pajamo.pipeline.transfer.compared import pooled
from pajamo.pipeline.transfer.loading import LoadedTransfer, load_transfer
from pajamo.pipeline.transfer.run import learned_study
from pajamo.pipeline.transfer.saying import log_activity
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.saved import load_assay_model, save_assay_model
from pajamo.training.transfer.fit import fit_transfer

Array = NDArray[np.float64]
Scores = dict[str, NDArray[np.float32]]
"""By test table: log odds (or any score) of each member, shape (members, rows)."""
TESTS = ("kleinstiver", "listgarten", "indel")
MECHANISMS = ("r-loop", "cycle")
MAP = {"kind": "latent", "reads": {"encoder": "additive", "changes": "kind"}}
"""No kinetics: one number, in which weights of all differences are summed."""
QUICK = {"members": 2, "epochs": 2, "negatives": 5}
THIN = 40
"""Of so many sites that were not found a quick call takes one."""


@dataclass(frozen=True)
class Kind:
    """One row of the table before members and seeds are averaged.

    Attributes
    ----------
    scores: from the loaded tables, a seed and a folder for files in between, to scores.
    seeds: whether another seed gives another model.
    """

    scores: Callable[[LoadedTransfer, int, Path], Scores]
    seeds: bool = True


def network(mechanism: str, **settings: Any) -> Kind:
    """A transfer of one mechanism with some settings changed."""
    return Kind(lambda loaded, seed, folder: _transferred(loaded, mechanism, settings, seed, folder))


def in_vitro(mechanism: str) -> Kind:
    """A mechanism as it was fitted to rates, without any table of sites."""
    return Kind(lambda loaded, seed, folder: _alone(loaded, mechanism, seed, folder))


def comparison(name: str, seeds: bool = False) -> Kind:
    """A model without kinetics that learns from the same sites."""
    return Kind(lambda loaded, seed, _: _compared(loaded, name, seed), seeds)


KINDS: dict[str, Kind] = {
    **{f"{name}, in vitro only": in_vitro(name) for name in MECHANISMS},
    **{f"{name}, network": network(name) for name in MECHANISMS},
    **{f"{name}, bases left out": network(name, strength_sd=0.0) for name in MECHANISMS},
    **{f"{name}, without context": network(name, context="none") for name in MECHANISMS},
    **{f"{name}, frozen": network(name, context="none", freeze="frozen") for name in MECHANISMS},
    **{f"{name}, network context": network(name, context="network") for name in MECHANISMS},
    "without kinetics, linear": network("map", context="none"),
    "without kinetics, network": network("map", context="network", bound=1e3, context_sd=1.0),
    **{name: comparison(name) for name in MODELS if name not in ("gradient-boosting", "convolutional")},
    "gradient-boosting": comparison("gradient-boosting", seeds=True),
    "convolutional": comparison("convolutional", seeds=True),
}


def load(data: Path, quick: bool, folder: Path) -> LoadedTransfer:
    """All tables; every guide trains, as nothing is calibrated here."""
    loaded = load_transfer(study(data, quick, folder))
    settings = loaded.settings.model_copy(update={"validation_share": 0.0} | (QUICK if quick else {}))
    return replace(loaded, settings=settings)


def study(data: Path, quick: bool, folder: Path) -> AssayStudy:
    """studies/off-targets.toml on the development data; thinned tables for a quick call."""
    raw = tomllib.loads((ROOT / "studies" / "off-targets.toml").read_text(encoding="utf-8"))
    for experiment in raw["experiments"].values():
        path = (data / "kinetics" / experiment["path"]).resolve()
        experiment["path"] = str(_thinned(path, folder) if quick else path)
    raw["transfer"]["validation_share"] = 0.0
    raw["mechanisms"]["map"] = MAP
    return parse_assay_study(raw)


def _thinned(path: Path, folder: Path) -> Path:
    """Sites that were found, and some of the others; of rates some."""
    target = folder / "thinned" / path.name.removesuffix(".gz")
    if not target.exists():
        table = pd.read_csv(path, low_memory=False)
        kept = np.random.default_rng(0).random(len(table)) < 1 / THIN * (4 if "label" not in table else 1)
        kept |= table["label"].to_numpy() == 1 if "label" in table else False
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, lambda temporary: table[kept].to_csv(temporary, index=False))
    return target


def file_of(folder: Path, kind: str, seed: int) -> Path:
    """Where the scores of a model are kept."""
    return folder / f"{kind.replace(',', '').replace(' ', '-').lower()}-{seed}.npz"


def make(kinds: list[str], seeds: int, loaded: Callable[[], LoadedTransfer], folder: Path) -> None:
    """Fit and score what has no file yet; each file is written as soon as it is there."""
    for name in kinds:
        for seed in range(seeds if KINDS[name].seeds else 1):
            file = file_of(folder, name, seed)
            if file.exists():
                continue
            began = time.process_time()
            scores = KINDS[name].scores(loaded(), seed, folder)
            seconds = time.process_time() - began
            write(file, scores, seconds)
            print(f"{name}, seed {seed}: {seconds:.0f} CPU-s", flush=True)


def write(file: Path, scores: Scores, seconds: float) -> None:
    """Scores and CPU seconds, atomically."""

    def written(temporary: Path) -> None:
        with temporary.open("wb") as opened:
            np.savez_compressed(opened, seconds=np.array(seconds), **scores)

    replace_file(file, written)


def read(folder: Path, kind: str, seeds: int) -> tuple[list[Scores], float]:
    """Scores of each seed that is there, and mean CPU seconds."""
    found, spent = [], []
    for file in (file_of(folder, kind, seed) for seed in range(seeds)):
        if file.exists():
            with np.load(file) as held:
                found.append({name: held[name] for name in TESTS})
                spent.append(float(held["seconds"]))
    return found, float(np.mean(spent)) if spent else float("nan")


def tests(loaded: LoadedTransfer) -> Iterator[Experiment]:
    """Test tables, whole."""
    return (loaded.assay.experiment(name) for name in TESTS)


def _scored(loaded: LoadedTransfer, score: Callable[[NDArray[np.uint8]], Array]) -> Scores:
    """Scores (members, pairs) of each different pair, laid out over rows."""
    found = {}
    for experiment in tests(loaded):
        codes, place = distinct(experiment.codes)
        found[experiment.name] = np.atleast_2d(score(codes))[:, place].astype(np.float32)
    return found


def _start(loaded: LoadedTransfer, mechanism: str, seed: int, folder: Path) -> AssayModel:
    """The mechanism fitted to all rates, from starts of this seed; kept, as several rows begin with it."""
    file = folder / "starts" / f"{mechanism}-{seed}.safetensors"
    if not file.exists():
        assert loaded.rates is not None
        experiments = {
            name: own.model_copy(update={"path": Path(own.path.name) if own.path else None})
            for name, own in loaded.rates.study.experiments.items()
        }
        model = AssayModel(mechanism, loaded.study.mechanisms[mechanism], experiments, seed=seed)
        fit_assay(model, loaded.rates.assay, starts=loaded.study.models.starts)
        file.parent.mkdir(parents=True, exist_ok=True)
        save_assay_model(model, loaded.rates.assay, file)
    return load_assay_model(file)


def _alone(loaded: LoadedTransfer, mechanism: str, seed: int, folder: Path) -> Scores:
    start = _start(loaded, mechanism, seed, folder)
    return _scored(loaded, lambda codes: log_activity(start, codes))


def _transferred(
    loaded: LoadedTransfer, mechanism: str, settings: dict[str, Any], seed: int, folder: Path
) -> Scores:
    starts = {} if mechanism == "map" else {mechanism: _start(loaded, mechanism, 0, folder)}
    changed = loaded.settings.model_copy(update={"mechanism": mechanism, **settings})
    own = replace(loaded, settings=changed)
    model = fit_transfer(learned_study(own), own.training, starts, seed=seed)
    return _scored(own, model.raw_log_odds)


def _compared(loaded: LoadedTransfer, name: str, seed: int) -> Scores:
    rows = pooled(loaded.training, loaded.settings)
    model = MODELS[name]("cut", seed)
    model.fit(rows.codes, rows.recorded["label"], rows.set_of, rows.recorded["guide"])
    return _scored(loaded, lambda codes: _log_odds(model.predict(codes)))


def _log_odds(probability: Array) -> Array:
    held = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.log(held) - np.log1p(-held)
