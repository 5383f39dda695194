"""Candidates that follow from a screen: pairs of what was perturbed alone, and more cells of what was measured."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.campaigns.learners.base import Learner
from pajamo.campaigns.predictive import Array
from pajamo.campaigns.proposing.effects import PROFILE, Effects, effects_along, effects_of
from pajamo.campaigns.proposing.problem import Problem
from pajamo.campaigns.proposing.rivals import response_of, rivals_by_perturbations
from pajamo.campaigns.proposing.tables import JOINT, require_columns, unique_names
from pajamo.config.campaigns.learner import LearnerSettings, ResponseSettings, RivalsSettings
from pajamo.config.campaigns.study import ScreenSource
from pajamo.data.assays.tables import read_table
from pajamo.data.public.datasets import resolve
from pajamo.data.reading.screens import read_screen
from pajamo.data.screen import Screen
from pajamo.data.store import content_hash
from pajamo.errors import DataError, shorten
from pajamo.protocols.errors import Variances, variance_components

REPEATS: dict[str, Literal["no", "too", "only"]] = {"pairs": "no", "again": "only"}
"""Whether measured candidates may be measured again, by which candidates are asked for; otherwise they may."""


class EffectFeatures:
    """Features of combinations from those of single perturbations: their sum, and the sum of all pairwise products.

    A single perturbation has its own features and products of zero, so that a law of the sum alone is additive and
    products stand for interactions.

    Parameters
    ----------
    singles: features of each perturbation and a last row of zeros, shape (perturbations + 1, F).
    members: rows of `singles` by candidate, filled up with the last row; shape (N, most perturbations).
    """

    def __init__(self, singles: Array, members: NDArray[np.intp]) -> None:
        self.singles, self.members = singles, members

    @property
    def shape(self) -> tuple[int, ...]:
        """Candidates and features."""
        return len(self.members), 2 * self.singles.shape[1]

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> Array:
        """Features of some candidates; shape (rows, 2 F)."""
        parts = self.singles[self.members[rows]]
        total = parts.sum(axis=1)
        return np.concatenate([total, (total**2 - (parts**2).sum(axis=1)) / 2], axis=1)


def problem_of_screen(source: ScreenSource, model: LearnerSettings | None = None) -> Problem:
    """The pool that follows from a screen, with what was measured in it.

    Parameters
    ----------
    source: the screen, and which candidates follow from it.
    model: what predicts them; models of responses become learners here, as they know perturbations by name.

    Raises
    ------
    DataError: a screen that cannot be read, has several contexts, or leaves nothing to choose from.
    """
    screen = read_screen(resolve(source.data))
    effects = effects_of(screen, source.readout, source.components)
    between = _between(screen)
    measured = names_of(effects)
    known = _against(effects, source.against, effects)
    singles, names_of_singles = _singles(_describing(screen, effects, source), effects, source.features)
    candidates = _candidates(source.candidates, measured, names_of_singles)
    sets = [tuple(name.split(JOINT)) for name in candidates]
    features = EffectFeatures(singles, _members(sets, names_of_singles))
    kept = known[known["candidate"].isin(set(candidates))]
    own = _of_responses(model, sets, features)
    return Problem(
        names=tuple(candidates),
        features=features if own is None else np.arange(len(candidates), dtype=float)[:, None],
        learner=own,
        outputs=effects.outputs,
        data=_hash(source, candidates),
        members=tuple(sets),
        known=kept.reset_index(drop=True),
        noise=effects.cell_variance,
        repeats=REPEATS.get(str(source.candidates), "too"),
        between=between,
        notes=(*_notes(effects, source, len(known) - len(kept)), *_said(between)),
    )


def _of_responses(
    model: LearnerSettings | None, sets: list[tuple[str, ...]], features: EffectFeatures
) -> Learner | None:
    """The learner that knows these perturbations by name, if the study asks for one."""
    if isinstance(model, ResponseSettings):
        return response_of(model, sets, features)
    if isinstance(model, RivalsSettings) and model.of_responses:
        return rivals_by_perturbations(model, sets, features)
    return None


def _hash(source: ScreenSource, candidates: list[str]) -> str:
    """Hash of what the pool is made from: the files, how they are read, and the candidates' names.

    Not of features, whose last bits depend on the machine.
    """
    path = resolve(source.data).path
    files = [one for one in (path, source.features) if one is not None]
    asked = source.model_dump(mode="json", exclude={"data": {"path"}, "features": True, "candidates": True})
    parts = [json.dumps(asked, sort_keys=True), *map(content_hash, files), *candidates]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _between(screen: Screen) -> Variances | None:
    """Components of variance as multiples of that between cells; None without batches to estimate them from."""
    if "batch" not in screen.cells or screen.cells["batch"].nunique() < 2:
        return None
    try:
        found = variance_components(screen).variances()
    except DataError:  # the layout cannot tell them apart, as `pajamo check` explains
        return None
    return Variances(
        1.0, *(one / found.cell for one in (found.batch, found.batch_by_perturbation, found.guide))
    )


def _said(between: Variances | None) -> tuple[str, ...]:
    if between is None:
        return ()
    batches, guides = between.batch + between.batch_by_perturbation, between.guide
    return (
        f"beside cells (variance 1), batches of this screen vary by {batches:.2g} and guides by {guides:.2g}: "
        "what more cells do not lower",
    )


def results_of_screen(source: ScreenSource, path: Path) -> pd.DataFrame:
    """Effects of a further screen, as results: the same outputs, its own controls.

    Against the sum of singles, those of the further screen count where it has them, else those of the first.

    Raises
    ------
    DataError: a screen that cannot be read, or that lacks genes of the first.
    """
    like = effects_of(read_screen(resolve(source.data)), source.readout, source.components)
    screen = read_screen(resolve(source.data).model_copy(update={"path": path}))
    return _against(effects_along(screen, like), source.against, like)


def _against(effects: Effects, against: str, like: Effects) -> pd.DataFrame:
    """Effects as results: against control cells, or of combinations beyond the sum of their singles.

    Raises
    ------
    DataError: no combination of which all single perturbations were measured.
    """
    values, noise = effects.values.copy(), effects.noise.copy()
    keep = np.ones(len(values), dtype=bool)
    if against == "additive":
        alone = _alone(like) | _alone(effects)
        for n, condition in enumerate(effects.conditions):
            keep[n] = condition.order > 1 and set(condition.genes) <= set(alone)
            if keep[n]:
                values[n] -= sum(alone[gene][0] for gene in condition.genes)
                noise[n] += sum(alone[gene][1] for gene in condition.genes)
        if not keep.any():
            raise DataError(
                "no combination was measured together with all of its single perturbations",
                where="against = 'additive'",
                fix="measure some first, or ask for effects against control",
            )
    table = pd.DataFrame({"candidate": names_of(effects)})
    for k, name in enumerate(effects.outputs):
        table[name], table[f"error {name}"] = values[:, k], np.sqrt(noise[:, k])
    return table[keep].reset_index(drop=True)


def _alone(effects: Effects) -> dict[str, tuple[Array, Array]]:
    """Effects of single perturbations, and their sampling variances."""
    return {
        condition.genes[0]: (effects.values[n], effects.noise[n])
        for n, condition in enumerate(effects.conditions)
        if condition.order == 1
    }


def names_of(effects: Effects) -> list[str]:
    """How candidates are written."""
    return [JOINT.join(condition.genes) for condition in effects.conditions]


def _describing(screen: Screen, effects: Effects, source: ScreenSource) -> Array:
    """What describes each measured perturbation: its profile, and its effect on the gene that is read."""
    if source.readout == PROFILE:
        return effects.values
    return np.column_stack([effects.values, effects_of(screen, PROFILE, source.components).values])


def _singles(described: Array, effects: Effects, path: Path | None) -> tuple[Array, list[str]]:
    """Features of single perturbations with a last row of zeros, and their names."""
    if path is not None:
        table = read_table(path)
        names = unique_names(table.iloc[:, 0], str(path))
        columns = table.iloc[:, 1:].select_dtypes("number")
        if columns.shape[1] == 0 or not np.isfinite(columns.to_numpy(dtype=float)).all():
            raise DataError(
                "features of perturbations are missing, or are no numbers",
                where=str(path),
                fix="give the names in the first column and finite numbers in the others",
            )
        found, listed = columns.to_numpy(dtype=float), list(names)
    else:
        rows = [n for n, condition in enumerate(effects.conditions) if condition.order == 1]
        found, listed = described[rows], [effects.conditions[n].genes[0] for n in rows]
        if len(rows) < 2:
            raise DataError(
                "fewer than two single perturbations were measured",
                where="screen",
                why="candidates are described by what their perturbations do alone",
                fix="give features of perturbations in a table: features",
            )
    scale = np.sqrt((found**2).mean(axis=0))
    found = found / np.where(scale > 0, scale, 1.0)
    return np.vstack([found, np.zeros(found.shape[1])]), listed


def _candidates(asked: str | Path, measured: list[str], singles: list[str]) -> list[str]:
    if isinstance(asked, Path):
        table = read_table(asked)
        require_columns(table, ["candidate"], str(asked))
        names = unique_names(table["candidate"], str(asked))
        new = [JOINT.join(sorted(name.split(JOINT))) for name in names]
        described = set(singles)
        unknown = [name for name in new if not set(name.split(JOINT)) <= described]
        if unknown:
            raise DataError(
                f"nothing is known of a perturbation of candidate {unknown[0]!r}",
                where=str(asked),
                why=f"{len(unknown):,} such candidates: {shorten(unknown)}",
                fix="give features of all perturbations in a table: features",
            )
        return list(dict.fromkeys([*_described(measured, described), *new]))
    described = set(singles)
    again = _described(measured, described)
    pairs = [JOINT.join(sorted(pair)) for pair in itertools.combinations(sorted(described), 2)]
    if asked == "again":
        return again
    found = list(dict.fromkeys([*again, *pairs]))
    if len(found) == len(again) and asked == "pairs":
        raise DataError("every pair was measured already", where="candidates", fix="ask for `again`")
    return found


def _described(measured: list[str], described: set[str]) -> list[str]:
    return [name for name in measured if set(name.split(JOINT)) <= described]


def _members(sets: list[tuple[str, ...]], singles: list[str]) -> NDArray[np.intp]:
    place = {name: n for n, name in enumerate(singles)}
    width = max(map(len, sets))
    members = np.full((len(sets), width), len(singles), dtype=np.intp)
    for n, one in enumerate(sets):
        members[n, : len(one)] = [place[name] for name in one]
    return members


def _notes(effects: Effects, source: ScreenSource, left_out: int) -> tuple[str, ...]:
    found = []
    if source.readout == PROFILE:
        found.append(
            f"{len(effects.outputs)} components hold {effects.explained:.0%} of the variance between effects"
        )
    if left_out:
        found.append(
            f"{left_out} measured effects are left out: one of their perturbations was never measured alone"
        )
    return tuple(found)
