"""scikit-activeml (BSD-3) on the tasks of classes, with the same splits, starts and forests as pajamo's runs.

    python3.11 -m venv FOLDER/activeml && FOLDER/activeml/bin/pip install scikit-activeml==1.0.1
    python benchmarks/campaign_tasks.py --tasks digits --seeds 10 --out FOLDER --export FOLDER/splits
    FOLDER/activeml/bin/python benchmarks/peers/activeml_select.py FOLDER/splits/*.npz --out FOLDER/activeml.jsonl
    python benchmarks/campaign_tasks.py --tasks digits --seeds 10 --out FOLDER --peers FOLDER/activeml.jsonl

Its strategies see the pool's features and the labels that were revealed; all others are missing (NaN). After every
round a random forest of 100 trees, seeded as pajamo seeds it, is fitted to what was revealed and judged on the
held-out candidates, so that the first point of every curve agrees with pajamo's to the last digit. Each run is a line
of JSON in the form of pajamo's records.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cost import one_thread, peer

INSTALL = "python3.11 -m venv FOLDER/activeml && FOLDER/activeml/bin/pip install scikit-activeml==1.0.1"
STRATEGIES = ("typiclust", "core-set", "margin")
TREES = 100


def strategy(name: str, seed: int, classes: Any) -> Callable[..., Any]:
    """A function of features, revealed labels, batch and forest that gives rows of the pool."""
    from skactiveml import pool
    from skactiveml.classifier import SklearnClassifier

    if name == "typiclust":
        chooser = pool.TypiClust(random_state=seed)
        return lambda features, known, batch, _forest: chooser.query(features, known, batch_size=batch)
    if name == "core-set":
        chooser = pool.CoreSet(random_state=seed)
        return lambda features, known, batch, _forest: chooser.query(features, known, batch_size=batch)
    chooser = pool.UncertaintySampling(method="margin_sampling", random_state=seed)

    def margin(features: Any, known: Any, batch: int, forest: Any) -> Any:
        model = SklearnClassifier(forest, classes=classes).fit(features, known)
        return chooser.query(features, known, clf=model, fit_clf=False, batch_size=batch)

    return margin


def run(split: Any, name: str) -> dict[str, Any]:
    """One strategy on one split."""
    import numpy as np

    seed, pool, test = int(split["seed"]), split["pool"], split["test"]
    features, labels = split["features"][pool], split["values"][pool].astype(int)
    choose = strategy(name, seed, np.unique(split["values"]).astype(int))
    rows = split["start"]
    record: dict[str, Any] = {
        "task": str(split["task"]),
        "strategy": f"{name} (scikit-activeml)",
        "seed": seed,
    }
    record |= {"identity": "", "labels": [], "money": [], "failed": [], "chosen": [], "models": []}
    accuracy: list[float] = []
    seconds: dict[str, list[float]] = {"fitting": [], "predicting": [], "choosing": []}
    fresh = rows
    for number in range(int(split["rounds"]) + 1):
        if number:
            known = np.full(len(pool), np.nan)
            known[rows] = labels[rows]
            started = time.process_time()
            fresh = np.asarray(choose(features, known, int(split["batch"]), forest(seed, number - 1)))
            seconds["choosing"].append(time.process_time() - started)
            rows = np.concatenate([rows, fresh])
        started = time.process_time()
        model = forest(seed, number).fit(features[rows], labels[rows])
        seconds["fitting"].append(time.process_time() - started)
        accuracy.append(
            float((model.predict(split["features"][test]) == split["values"][test].astype(int)).mean())
        )
        record["labels"].append(len(rows))
        record["money"].append(float(len(rows)))
        record["failed"].append(0)
        record["chosen"].append(pool[fresh].tolist())
    return record | {"metrics": {"accuracy": accuracy}, "seconds": seconds}


def forest(seed: int, number: int) -> Any:
    """The forest of a round, seeded as in pajamo's runs."""
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier

    own = int(np.random.default_rng([seed, 1, number]).integers(2**31))
    return RandomForestClassifier(TREES, random_state=own, n_jobs=1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("splits", nargs="+", type=Path, help="npz files of campaign_tasks.py --export")
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES), choices=STRATEGIES)
    parser.add_argument("--out", type=Path, required=True, help="file of records, one a line")
    chosen = parser.parse_args()
    one_thread()
    _, version = peer("skactiveml", "scikit-activeml", INSTALL)
    import numpy as np

    print(f"scikit-activeml {version}")
    with chosen.out.open("w", encoding="utf-8") as file:
        for path in chosen.splits:
            split = dict(np.load(path))
            if str(split["kind"]) != "classes":
                print(f"{path.name} is left out: it records values")
                continue
            for name in chosen.strategies:
                record = run(split, name)
                file.write(json.dumps(record) + "\n")
                file.flush()
                print(f"{path.name}, {name}: accuracy {record['metrics']['accuracy'][-1]:.4f}", flush=True)


if __name__ == "__main__":
    main()
