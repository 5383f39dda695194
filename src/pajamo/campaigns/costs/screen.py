"""The cost of a pooled screen that is read in single cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from pajamo.campaigns.costs.allocation import Allocation, Batch, Entry, Violation, candidate_name
from pajamo.campaigns.costs.infection import doublet_share, share_with, vectors_per_cell
from pajamo.campaigns.costs.model import CostModel, Load, Part
from pajamo.config.campaigns.constraints import LayoutSettings
from pajamo.config.campaigns.cost import ScreenCostSettings
from pajamo.protocols.errors import DifferenceVariance, Variances, control_ratio, variance_of_difference


class ScreenCost(CostModel):
    """A pooled library, infected, captured by lane, and sequenced.

    Parameters
    ----------
    settings: prices and what cells are like.
    layout: limits of lanes beyond the settings'.
    variances: components of a recorded effect, such as `variance_components(screen).variances()`; those of the
        settings if not given.
    of_target: components of particular candidates (by name), where they are known.
    """

    unit: ClassVar[str] = "captured cells"
    lane: ClassVar[str] = "lane"

    def __init__(
        self,
        settings: ScreenCostSettings | None = None,
        layout: LayoutSettings | None = None,
        variances: Variances | None = None,
        of_target: Mapping[str, Variances] | None = None,
    ) -> None:
        self.settings = settings or ScreenCostSettings()
        self.layout = layout or LayoutSettings()
        self.variances = variances or Variances(**self.settings.variances.model_dump())
        self.of_target = dict(of_target or {})
        self.control_guides = self.settings.control_guides
        self.currency, self.turnaround = self.settings.currency, self.settings.turnaround_days

    @property
    def capacity(self) -> float:
        """Captured cells that a lane holds."""
        return float(min(self.settings.cells_per_lane, self.layout.capacity or np.inf))

    @property
    def most_lanes(self) -> int:
        """Most lanes of one run."""
        return min(self.settings.lanes_per_run, self.layout.most_lanes or self.settings.lanes_per_run)

    def usable_share(self, order: int = 1) -> float:
        """Usable cells per captured one; those of all perturbations that it carries, where each counts.

        Singlets of a full lane, times the share of cells with exactly the wanted vectors.
        """
        given = self.settings
        single = 1.0 - doublet_share(self.capacity, given.doublets_per_thousand)
        if given.counted == "any":
            return single * vectors_per_cell(given.infection, selected=given.selected)
        vectors = order if given.combinations == "vectors" else 1
        return float(single * share_with(1, given.infection, selected=given.selected) ** vectors)

    def load_of(self, allocation: Allocation, order: int = 1, *, made: bool = False) -> Load:
        """What one candidate takes: guides, and captured cells of all its runs."""
        usable = allocation.cells * allocation.replicates
        vectors = order if self.settings.combinations == "vectors" else 1
        guides = float(allocation.guides * vectors)
        new = 0.0 if made else 1.0
        return Load(1.0, guides, new * guides, new, usable / self.usable_share(order), usable)

    def controls(self, load: Load, runs: int, lanes: int) -> Any:
        """Usable control cells of each run: given, or by the square-root rule of `pajamo.protocols.errors`."""
        given = self.settings
        if given.control_cells is not None:
            return np.maximum(float(given.control_cells), self.layout.controls * lanes)
        number = np.maximum(load.candidates, 1.0)
        by_rule = control_ratio(number) * load.usable / (number * runs)
        return np.maximum(by_rule, max(given.least_control_cells, self.layout.controls * lanes))

    def control_units(self, load: Load, runs: int, lanes: int) -> Any:
        """Captured control cells of all runs."""
        return runs * self.controls(load, runs, lanes) / self.usable_share()

    def parts(self, load: Load, runs: int, lanes: int) -> list[Part]:
        """The lines of a bill."""
        given = self.settings
        captured = self.units(load, runs, lanes)
        paid = np.maximum(self.room(runs, lanes), captured) if given.whole_lanes else captured
        guides = load.new_guides + given.control_guides
        again = given.failure_rate / (1 - given.failure_rate) * load.units
        return [
            ("runs", runs, "run", given.batch),
            ("lanes", runs * lanes, "lane", given.lane),
            ("whole lanes" if given.whole_lanes else "captured cells", paid, "captured cell", given.cell),
            ("sequencing", self._reads(captured), "million reads", given.million_reads),
            ("guides", guides * given.oligos_per_guide, "oligo", given.oligo),
            ("repeats of failed measurements, expected", again, "captured cell", self._cell),
        ]

    def own(self, entry: Entry) -> float:
        """Its captured cells with sequencing, expected repeats, and its guides."""
        given, load = self.settings, self.load_of(entry.allocation, entry.order, made=entry.made)
        cells = load.units / (1 - given.failure_rate) * self._cell
        return float(cells + load.new_guides * given.oligos_per_guide * given.oligo)

    def noise_parts(
        self, targets: tuple[str, ...], allocation: Allocation, controls: float | None = None
    ) -> DifferenceVariance:
        """The variance by where it comes from: cells, batches, batches by perturbation, guides; shape (1,).

        Every run holds the perturbation and the control in proportion, as `pajamo.protocols.planning` advises.
        """
        if controls is None:
            given = self.settings
            controls = given.least_control_cells if given.control_cells is None else given.control_cells
        runs = np.ones(allocation.replicates)
        of = self.of_target.get(candidate_name(targets), self.variances)
        return variance_of_difference(
            runs * allocation.cells, runs * max(controls, 1.0), of, guides=allocation.guides
        )

    def noise(self, targets: tuple[str, ...], allocation: Allocation, controls: float | None = None) -> float:
        """Variance of a perturbation's recorded effect; the sum of `noise_parts`."""
        return float(self.noise_parts(targets, allocation, controls).total[0])

    def runs_of(self, menu: Sequence[Allocation]) -> dict[int, list[int]]:
        """A pooled library is in every run, so that candidates have as many replicates as there are runs."""
        numbers = sorted({one.replicates for one in menu})
        return {runs: [k for k, one in enumerate(menu) if one.replicates == runs] for runs in numbers}

    def spread(self, batch: Batch, lanes: int) -> list[Violation]:
        """Complaints about candidates that are not in every run, and about too few lanes."""
        found = []
        odd = [entry.name for entry in batch.entries if entry.allocation.replicates != batch.runs]
        if odd:
            what = f"a pooled library is in each of {batch.runs} runs, and {odd[0]} is not"
            found.append(Violation("replicates", what))
        if batch.runs * lanes < self.layout.spread:
            what = f"{batch.runs * lanes} lanes, and guides are to be spread over {self.layout.spread}"
            found.append(Violation("spread", what))
        return found

    @property
    def _cell(self) -> float:
        """Price of a captured cell with its sequencing."""
        return float(self.settings.cell + self._reads(1.0) * self.settings.million_reads)

    def _reads(self, captured: Any) -> Any:
        """Millions of raw reads."""
        return captured * self.settings.reads_per_cell / self.settings.mapping_efficiency / 1e6
