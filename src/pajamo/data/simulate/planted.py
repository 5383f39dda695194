"""The truth behind a simulated screen: main effects, interactions of pairs, mean expression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import SEPARATOR
from pajamo.data.simulate.settings import SimulationSettings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """What was planted; all effects in natural logarithms of the mean count.

    Attributes
    ----------
    genes: names of the measured genes.
    conditions: labels as in the screen: "control", singles, "A+B", "A+B+C".
    pairs: labels of the doubles, in the order of `interactions`.
    classes: class of each pair: additive, synergistic, suppressive or epistatic.
    masking: for an epistatic pair the gene whose effect remains, else empty.
    baseline: log of each gene's share of an unperturbed cell's molecules; shape (genes,).
    main: effect of each single perturbation; shape (singles, genes).
    interactions: what a pair does beyond the sum of its singles; shape (pairs, genes).
    log_mean: log of the mean share of each condition without batch effects, baseline + effects; shape
        (conditions, genes). Shares of a perturbed cell need not add up to one: a perturbation may
        change the amount of RNA in the cell.
    batch: effect of each batch; shape (batches, genes).
    """

    genes: NDArray[np.str_]
    conditions: NDArray[np.str_]
    pairs: NDArray[np.str_]
    classes: NDArray[np.str_]
    masking: NDArray[np.str_]
    baseline: Array
    main: Array
    interactions: Array
    log_mean: Array
    batch: Array

    def to_uns(self) -> dict[str, Any]:
        """Return the arrays by name, as an AnnData's uns holds them."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_uns(cls, uns: Mapping[str, Any]) -> Truth:
        """Read the truth back from `adata.uns["truth"]`."""
        text = ("genes", "conditions", "pairs", "classes", "masking")
        return cls(
            **{k: np.asarray(uns[k], dtype=str if k in text else float) for k in cls.__dataclass_fields__}
        )


def plant(settings: SimulationSettings) -> Truth:
    """Draw the truth of a screen; the same settings give the same truth."""
    random = np.random.default_rng(np.random.SeedSequence(settings.seed).spawn(2)[0])
    genes = np.array([f"SIM{number:05d}" for number in range(1, settings.genes + 1)])
    abundance = random.normal(0.0, settings.abundance_spread, settings.genes)
    baseline = abundance - np.log(np.exp(abundance).sum())
    main = _main_effects(settings, random)
    pairs = _draw_combinations(settings, 2, settings.doubles, random)
    triples = _draw_combinations(settings, 3, settings.triples, random)
    names = list(settings.class_weights)
    weights = np.array(list(settings.class_weights.values()))
    drawn = [names[k] for k in random.choice(len(names), size=len(pairs), p=weights / weights.sum())]
    masks = [pair[k] for pair, k in zip(pairs, random.integers(0, 2, len(pairs)), strict=True)]
    planted = zip(pairs, drawn, masks, strict=True)
    interaction = {pair: _interaction(kind, main, pair, mask, settings) for pair, kind, mask in planted}
    sets = [(), *((k,) for k in range(settings.singles)), *pairs, *triples]
    effects = [_effect(members, main, interaction) for members in sets]
    return Truth(
        genes=genes,
        conditions=np.array([_label(genes, members) for members in sets]),
        pairs=np.array([_label(genes, pair) for pair in pairs], dtype=str),
        classes=np.array(drawn, dtype=str),
        masking=np.array(
            [genes[m] if kind == "epistatic" else "" for m, kind in zip(masks, drawn, strict=True)], dtype=str
        ),
        baseline=baseline,
        main=main,
        interactions=np.array(list(interaction.values())).reshape(len(pairs), settings.genes),
        log_mean=baseline + np.array(effects),
        batch=random.normal(0.0, settings.batch_effect, (settings.batches, settings.genes)),
    )


def _main_effects(settings: SimulationSettings, random: np.random.Generator) -> Array:
    shape = settings.singles, settings.genes
    effects = random.normal(0.0, settings.effect, shape) * (random.random(shape) < settings.affected)
    effects[np.arange(settings.singles), np.arange(settings.singles)] = settings.own_effect
    return effects


def _draw_combinations(
    settings: SimulationSettings, order: int, number: int, random: np.random.Generator
) -> list[tuple[int, ...]]:
    every = list(combinations(range(settings.singles), order))
    return [every[k] for k in np.sort(random.choice(len(every), size=number, replace=False))]


def _interaction(
    kind: str, main: Array, pair: tuple[int, ...], mask: int, settings: SimulationSettings
) -> Array:
    total = main[list(pair)].sum(axis=0)
    if kind == "synergistic":
        return np.asarray(settings.synergy * total)
    if kind == "suppressive":
        return np.asarray(-settings.suppression * total)
    return main[mask] - total if kind == "epistatic" else np.zeros_like(total)


def _effect(members: tuple[int, ...], main: Array, interaction: Mapping[tuple[int, ...], Array]) -> Array:
    """Sum main effects and the interactions of the pairs within."""
    within = [interaction[pair] for pair in combinations(members, 2) if pair in interaction]
    return np.asarray(main[list(members)].sum(axis=0) + np.sum([np.zeros(main.shape[1]), *within], axis=0))


def _label(genes: NDArray[np.str_], members: tuple[int, ...]) -> str:
    return SEPARATOR.join(genes[list(members)]) if members else "control"
