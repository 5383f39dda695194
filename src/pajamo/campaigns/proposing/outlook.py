"""What is known at the beginning of a round, and what the model makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.learners.base import Learner
from pajamo.campaigns.learners.registry import learner, learner_of
from pajamo.campaigns.predictive import Array
from pajamo.campaigns.proposing.brought import NOTHING, Brought
from pajamo.campaigns.proposing.problem import Problem, Seen, seen_of
from pajamo.campaigns.proposing.rivals import rivals_by_features, told_of_rivals
from pajamo.campaigns.situation import Situation, Target
from pajamo.campaigns.state import State
from pajamo.config.campaigns.learner import AnyLearnerSettings, ResponseSettings, RivalsSettings
from pajamo.config.campaigns.study import CampaignStudy, ScreenSource
from pajamo.errors import DataError, StudyError, nearest, shorten

MOST_FOR_PROCESS, WIDEST_FOR_PROCESS = 1000, 40
"""Results and features up to which a Gaussian process is the default; above, a Bayesian linear model."""


@dataclass(frozen=True)
class Outlook:
    """The beginning of a round.

    Attributes
    ----------
    study, problem, state: what is asked, of which candidates, and what is known.
    seen: results as the model took them.
    situation: what an acquisition looks at.
    model: name of the model, "none" before there are enough results.
    fingerprint: hash of the fitted model.
    notes: what a reader has to know.
    brought: a model or acquisition of the user's own.
    """

    study: CampaignStudy
    problem: Problem
    state: State
    seen: Seen
    situation: Situation
    model: str
    fingerprint: str
    notes: tuple[str, ...]
    brought: Brought = NOTHING

    def rng(self, use: int) -> np.random.Generator:
        """Random numbers of this round for one use, whatever else is drawn."""
        return np.random.default_rng([self.state.seed, use])


def look(study: CampaignStudy, problem: Problem, state: State, brought: Brought = NOTHING) -> Outlook:
    """Fit to what is known and predict every candidate.

    Raises
    ------
    DataError: results of candidates that are not in the pool, or classes that are not named.
    StudyError: a target that weighs outputs which are not measured.
    """
    seen = seen_of(problem, state)
    chosen = brought.learner or _learner(study, problem, seen)
    features, predictive, fingerprint = problem.features, None, ""
    notes = problem.notes
    if _enough(problem, seen, chosen):
        measured = np.asarray(problem.features[seen.rows], dtype=float)
        fitted = chosen.fit(measured, seen.values, seen.noise, seed=state.seed)
        predictive, fingerprint = fitted.predict(features), fitted.fingerprint()
        features = fitted.embed(features)
        notes = (*notes, *told_of_rivals(predictive))
    else:
        notes = (
            *notes,
            f"{len(seen.rows)} results are too few for a model: candidates are chosen by coverage",
        )
    situation = Situation(
        features=features,
        available=available(problem, state, seen),
        predictive=predictive,
        measured_features=np.asarray(features[seen.rows], dtype=float),
        measured=seen.values,
        pending=problem.rows(state.pending),
        target=target_of(study, problem),
        rng=np.random.default_rng([state.seed, 0]),
    )
    name = "none" if predictive is None else chosen.name
    return Outlook(study, problem, state, seen, situation, name, fingerprint, notes, brought)


def available(problem: Problem, state: State, seen: Seen) -> NDArray[np.bool_]:
    """Candidates that may be chosen; shape (N,).

    Not what is awaited, withdrawn or excluded; what was measured only where the study asks for more of it.

    Raises
    ------
    DataError: nothing is left.
    """
    found = np.ones(problem.size, dtype=bool)
    found[problem.rows((*state.pending, *state.withdrawn))] = False
    if problem.repeats == "no":
        found[seen.rows] = False
    if problem.repeats == "only":
        found &= np.isin(np.arange(problem.size), seen.rows)
    if not found.any():
        raise DataError(
            "no candidate is left to choose from",
            where="candidates",
            why=f"of {problem.size:,}, {len(set(seen.rows.tolist())):,} are measured and "
            f"{len(state.pending):,} are awaited",
            fix="add candidates, or record the results that are awaited",
        )
    return found


def target_of(study: CampaignStudy, problem: Problem) -> Target:
    """What makes a candidate good.

    Raises
    ------
    StudyError: a weight of something that is not measured; several outputs without weights.
    """
    asked = study.target
    weights: Array | None = None
    if asked.weights is not None:
        _known(asked.weights, problem.outputs)
        weights = np.array([asked.weights.get(name, 0.0) for name in problem.outputs])
    elif study.goal in ("hits", "optimum") and len(problem.outputs) > 1:
        raise StudyError(
            f"{len(problem.outputs)} outputs are measured: which of them makes a candidate good?",
            where="target",
            why=f"measured are {shorten(problem.outputs)}",
            fix="give target.weights; of a screen, name a gene as the readout",
        )
    return Target(weights, asked.maximise, asked.threshold)


def _known(names: Iterable[str], outputs: tuple[str, ...]) -> None:
    for name in names:
        if name not in outputs:
            raise StudyError(
                f"the target weighs {name!r}, which is not measured",
                where="target.weights",
                fix=f"{nearest(name, outputs)}measured are: {', '.join(outputs)}",
            )


def _enough(problem: Problem, seen: Seen, chosen: Learner) -> bool:
    if problem.classes is not None:
        return len(np.unique(seen.values)) > 1
    return len(seen.rows) >= chosen.fewest


def _learner(study: CampaignStudy, problem: Problem, seen: Seen) -> Learner:
    responses = _of_responses(study)
    if problem.learner is not None and (
        study.model is None or (responses and isinstance(study.candidates, ScreenSource))
    ):
        return problem.learner
    if responses:
        raise StudyError(
            "models of responses predict perturbations, and these candidates are none",
            where="model",
            fix="choose bayesian-linear or gaussian-process, or give candidates of kind `screen`",
        )
    if study.model is not None and not isinstance(study.model, ResponseSettings):
        settings = _for_classes(study.model, problem)
        return rivals_by_features(settings) if isinstance(settings, RivalsSettings) else learner_of(settings)
    if problem.classes is not None:
        return learner("random-forest", records="classes", classes=len(problem.classes))
    if study.goal == "mechanism":
        return learner("bayesian-linear")  # the law of composition, whose coefficients are to be known
    small = len(seen.rows) <= MOST_FOR_PROCESS and problem.features.shape[1] <= WIDEST_FOR_PROCESS
    return learner("gaussian-process" if small else "bayesian-linear")


def _of_responses(study: CampaignStudy) -> bool:
    """Whether the study names models of responses, which know perturbations by name."""
    model = study.model
    return isinstance(model, ResponseSettings) or (isinstance(model, RivalsSettings) and model.of_responses)


def _for_classes(
    settings: AnyLearnerSettings | RivalsSettings, problem: Problem
) -> AnyLearnerSettings | RivalsSettings:
    """The settings, which learn classes where these are recorded.

    Raises
    ------
    StudyError: a learner of values where classes are recorded.
    """
    if problem.classes is None:
        return settings
    if not hasattr(settings, "records"):
        raise StudyError(
            f"the learner {settings.kind!r} predicts values, and classes are recorded",
            where="model",
            fix="choose random-forest or extra-trees",
        )
    return settings.model_copy(update={"records": "classes", "classes": len(problem.classes)})
