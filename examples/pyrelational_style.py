"""PyRelationAL's parts on top of pajamo's campaigns: data manager, model manager, strategies, oracle and pipeline.

    python examples/pyrelational_style.py [--rounds 5]

For scripts that were written for PyRelationAL (arXiv 2205.11117): the same names and steps. What chooses is pajamo's:
batches are chosen together, labels that failed (NaN) are never learned from, labels of the pool lie with the oracle
alone, and everything random follows from a seed.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.registry import acquisition
from pajamo.campaigns.learners.base import Learner
from pajamo.campaigns.learners.trees import RandomForest
from pajamo.campaigns.predictive import ClassPredictive
from pajamo.campaigns.situation import Situation


class DataManager:
    """Who is labelled, who is not, who tests. A row of the data set ends with its label; all before are features."""

    def __init__(self, dataset, test_indices, random_label_size=0.1, random_seed=1234) -> None:
        self.features = np.stack([np.concatenate([np.ravel(part) for part in row[:-1]]) for row in dataset])
        self.test_indices = list(test_indices)
        train = np.setdiff1d(np.arange(len(dataset)), self.test_indices)
        start = max(2, round(random_label_size * len(train)))
        self.l_indices = np.random.default_rng(random_seed).choice(train, start, replace=False).tolist()
        self.u_indices = np.setdiff1d(train, self.l_indices).tolist()
        self.labels = np.full(len(dataset), np.nan)
        for index in [*self.l_indices, *self.test_indices]:
            self.set_target_value(index, dataset[index][-1])

    def set_target_value(self, index, value) -> None:
        """A label becomes known."""
        self.labels[index] = value

    def update_train_labels(self, indices) -> None:
        """These are labelled from now on."""
        self.l_indices += indices
        self.u_indices = [index for index in self.u_indices if index not in set(indices)]


class ModelManager:
    """Around a learner of pajamo; adapters make one of a scikit-learn estimator, a torch module or a function."""

    def __init__(self, learner: Learner, seed: int = 0) -> None:
        self.learner, self.seed = learner, seed

    def train(self, features, labels) -> None:
        """Fit to all labels that did not fail."""
        known = np.isfinite(labels)
        self.fitted = self.learner.fit(features[known], labels[known][:, None], seed=self.seed)

    def test(self, features, labels) -> dict[str, float]:
        """Accuracy of classes, or root mean square error of values."""
        found = self.fitted.predict(features)
        if isinstance(found, ClassPredictive):
            return {"accuracy": float((found.mean.argmax(axis=1) == labels).mean())}
        return {"rmse": float(np.sqrt(((found.mean[:, 0] - labels) ** 2).mean()))}


class Strategy:
    """Trains the model and suggests what to label next, by one of pajamo's acquisitions."""

    def __init__(self, name: str, **settings) -> None:
        self.acquisition = acquisition(name, **settings)

    def suggest(self, data: DataManager, model: ModelManager, num_annotate: int) -> list[int]:
        """Indices of a batch."""
        seen, labels = data.features[data.l_indices], data.labels[data.l_indices]
        pool = np.array(data.u_indices)
        model.train(seen, labels)
        said, free = model.fitted.predict(data.features[pool]), np.ones(len(pool), dtype=bool)
        rng = np.random.default_rng([model.seed, len(labels)])
        situation = Situation(data.features[pool], free, said, seen, labels[:, None], rng=rng)
        return pool[choose_batch(self.acquisition, situation, num_annotate).rows].tolist()


# The others likewise: `pajamo.campaigns.acquisition.registry.names()` lists what there is.
RandomAcquisitionStrategy = partial(Strategy, "random")
LeastConfidenceStrategy = partial(Strategy, "least-confidence")
MarginalConfidenceStrategy = partial(Strategy, "margin")
RelativeDistanceStrategy = partial(Strategy, "relative-distance")


class BenchmarkOracle:
    """Keeps the labels, and gives out those that are asked for."""

    def __init__(self, dataset) -> None:
        self._labels = [row[-1] for row in dataset]

    def update_dataset(self, data: DataManager, indices) -> None:
        """Label these."""
        for index in indices:
            data.set_target_value(index, self._labels[index])


@dataclass
class Pipeline:
    """Rounds of choosing, labelling and learning again."""

    data_manager: DataManager
    model_manager: ModelManager
    strategy: Strategy
    oracle: BenchmarkOracle
    performances: list[dict[str, float]] = field(default_factory=list)

    def compute_current_performance(self) -> None:
        """How well the model does on the test set with the labels that there are."""
        data, model = self.data_manager, self.model_manager
        model.train(data.features[data.l_indices], data.labels[data.l_indices])
        found = model.test(data.features[data.test_indices], data.labels[data.test_indices])
        self.performances.append({"labelled": len(data.l_indices), **found})

    def step(self, num_annotate: int) -> None:
        """One round: choose, ask the oracle, count as labelled, and look how well the model does now."""
        chosen = self.strategy.suggest(self.data_manager, self.model_manager, num_annotate)
        self.oracle.update_dataset(self.data_manager, chosen)
        self.data_manager.update_train_labels(chosen)
        self.compute_current_performance()

    def run(self, num_annotate: int, num_iterations: int) -> pd.DataFrame:
        """Several rounds; a row for the beginning and for each."""
        self.compute_current_performance()
        for _ in range(num_iterations):
            self.step(num_annotate)
        return pd.DataFrame(self.performances)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of 20 labels each")
    rounds, digits = parser.parse_args().rounds, list(zip(*load_digits(return_X_y=True), strict=True))
    for chosen_by in (RandomAcquisitionStrategy(), MarginalConfidenceStrategy()):
        parts = (
            DataManager(digits, range(1400, 1797), 0.05),
            ModelManager(RandomForest(records="classes", classes=10)),
        )
        table = Pipeline(*parts, chosen_by, BenchmarkOracle(digits)).run(20, rounds)
        print(f"{chosen_by.acquisition.name}: accuracy {' '.join(f'{one:.3f}' for one in table['accuracy'])}")
