"""Random forests and extremely randomised trees: the learner where features have no common scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.base import Fitted, Learner
from pajamo.campaigns.learners.hashing import fingerprint
from pajamo.campaigns.learners.inputs import Results, checked, class_numbers
from pajamo.campaigns.learners.members import classes_of, values_of
from pajamo.campaigns.learners.scaling import Scale
from pajamo.campaigns.learners.seeding import plain_seed
from pajamo.campaigns.predictive import Array, ClassPredictive, SampledPredictive

Records = Literal["values", "classes"]
LEAST_NOISE = 0.1
"""Least share of the error on results a tree has not seen that is held to be noise."""
UNEXPLAINED = 0.1
"""Share of the recorded variance beside the noise, so that no exact result outweighs all others."""


@dataclass(frozen=True)
class FittedTrees(Fitted):
    """A forest that has seen results; every tree is one draw, or one member.

    Attributes
    ----------
    forest: of scikit-learn.
    classes: number of classes, 0 where values are recorded.
    noise: variance of one further measurement of each output, shape (D,); zero where it cannot be told.
    scale: standard deviation of what was recorded, shape (D,).
    """

    forest: Any
    classes: int
    noise: Array
    scale: Array

    def predict(self, features: Features) -> SampledPredictive | ClassPredictive:
        """Draws of values (at most 64, by groups of trees), or probabilities of classes by each tree."""
        trees = [_Tree(tree) for tree in self.forest.estimators_]
        if not self.classes:
            return values_of(features, trees, self.noise, self.scale)
        return classes_of(features, trees, [self.forest.classes_] * len(trees), self.classes)

    def fingerprint(self) -> str:
        """Hash of every split and leaf."""
        parts: dict[str, Any] = {"noise": self.noise, "scale": self.scale, "classes": np.array(self.classes)}
        for number, tree in enumerate(self.forest.estimators_):
            parts |= {f"{number:06d} {name}": array for name, array in _arrays(tree.tree_).items()}
        return fingerprint("trees", parts)


class _Trees(Learner):
    """What both kinds of forest have in common."""

    bootstrap: ClassVar[bool]

    def __init__(
        self,
        trees: int = 100,
        least_leaf: int = 1,
        records: Records = "values",
        classes: int | None = None,
        most_features: float | None = None,
    ) -> None:
        self.trees, self.least_leaf, self.records = trees, least_leaf, records
        self.classes, self.most_features = classes, most_features

    def fit(self, features: Array, values: Array, noise: Array | None = None, *, seed: int) -> FittedTrees:
        """Grow the trees; the seed sets their bootstrap samples and splits. Noise that is known weighs results."""
        results = checked(features, values, noise)
        found, number = results.values, 0
        if self.records == "classes":
            labels, number = class_numbers(results.values, self.classes)
            found = labels[:, None]
        forest = self._forest(seed)
        forest.fit(results.features, found[:, 0] if found.shape[1] == 1 else found, weights(results))
        if number:
            return FittedTrees(forest, number, np.zeros(1), np.ones(1))
        scale = Scale.of(results.values).deviation
        return FittedTrees(forest, 0, self._noise(forest, results), scale)

    def _forest(self, seed: int) -> Any:
        from sklearn import ensemble

        kind = {"random-forest": "RandomForest", "extra-trees": "ExtraTrees"}[self.name]
        ending = "Classifier" if self.records == "classes" else "Regressor"
        usual = "sqrt" if self.records == "classes" else 1.0
        return getattr(ensemble, kind + ending)(
            n_estimators=self.trees,
            min_samples_leaf=self.least_leaf,
            max_features=usual if self.most_features is None else self.most_features,
            bootstrap=self.bootstrap,
            random_state=plain_seed(seed),
            n_jobs=1,
        )

    def _noise(self, forest: Any, results: Results) -> Array:
        if results.noise is not None:
            return np.asarray(results.noise.mean(axis=0))
        return out_of_bag_noise(forest, results) if self.bootstrap else leaf_noise(forest, results)


class RandomForest(_Trees):
    """Trees on bootstrap samples. Breiman 2001 (Mach Learn 45, 5).

    Parameters
    ----------
    trees: how many.
    least_leaf: fewest results in a leaf.
    records: "values", or "classes" as class numbers.
    classes: number of classes; as many as were seen if not given.
    most_features: share of the features that a split is chosen from; scikit-learn's choice if not given (all for
        values, the square root of their number for classes).
    """

    name: ClassVar[str] = "random-forest"
    bootstrap: ClassVar[bool] = True


class ExtraTrees(_Trees):
    """Trees with random splits on all results. Geurts, Ernst and Wehenkel 2006 (Mach Learn 63, 3).

    The parameters are those of `RandomForest`. Where leaves hold a single result, the noise cannot be told.
    """

    name: ClassVar[str] = "extra-trees"
    bootstrap: ClassVar[bool] = False


class _Tree:
    """One tree of a forest, given what the forest gives it."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree

    def predict(self, block: Array) -> Array:
        return np.asarray(self.tree.predict(block.astype(np.float32), check_input=False))

    def predict_proba(self, block: Array) -> Array:
        return np.asarray(self.tree.predict_proba(block.astype(np.float32), check_input=False))


def weights(results: Results) -> Array | None:
    """How much each result counts where noise is known, mean 1: one over its noise and what no forest explains."""
    if results.noise is None:
        return None
    known = (results.noise / Scale.of(results.values).deviation ** 2).mean(axis=1)
    found = 1.0 / (known + UNEXPLAINED)
    return np.asarray(found / found.mean())


def out_of_bag_noise(forest: Any, results: Results) -> Array:
    """Squared error on results that a tree has not seen, less what trees disagree on; shape (D,).

    The error of the mean of trees holds the noise and what the forest has not learnt; their disagreement stands for
    the latter. At least a tenth of the error is held to be noise.
    """
    count = np.zeros((len(results), 1))
    total, square = np.zeros_like(results.values), np.zeros_like(results.values)
    for tree, rows in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        beside = np.setdiff1d(np.arange(len(results)), rows)
        if not len(beside):
            continue
        said = _Tree(tree).predict(results.features[beside]).reshape(len(beside), -1)
        count[beside] += 1
        total[beside] += said
        square[beside] += said**2
    seen = count[:, 0] >= 2
    if not seen.any():
        return np.zeros(results.outputs)
    mean = total[seen] / count[seen]
    disagreed = (square[seen] / count[seen] - mean**2) * count[seen] / (count[seen] - 1)
    error = ((results.values[seen] - mean) ** 2).mean(axis=0)
    return np.asarray(np.maximum(error - disagreed.mean(axis=0), LEAST_NOISE * error))


def leaf_noise(forest: Any, results: Results) -> Array:
    """Variance of results within the same leaf, mean over trees; shape (D,), zero where leaves hold one result.

    It is at most a little too large: what differs within a leaf is noise and what the tree has not resolved.
    """
    leaves = forest.apply(results.features)
    squares, freedom = np.zeros(results.outputs), 0
    for column in leaves.T:
        _, place, number = np.unique(column, return_inverse=True, return_counts=True)
        sums = np.zeros((len(number), results.outputs))
        np.add.at(sums, place, results.values)
        squares += ((results.values - (sums / number[:, None])[place]) ** 2).sum(axis=0)
        freedom += len(column) - len(number)
    return squares / freedom if freedom else np.zeros(results.outputs)


def _arrays(tree: Any) -> dict[str, Any]:
    names = ("children_left", "children_right", "feature", "threshold", "value")
    return {name: getattr(tree, name) for name in names}
