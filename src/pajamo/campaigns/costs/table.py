"""The cost of measurements that can be repeated one by one: wells, strains, reporter variants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from pajamo.campaigns.costs.allocation import Allocation, Batch, Entry, Violation
from pajamo.campaigns.costs.model import CostModel, Load, Part
from pajamo.config.campaigns.constraints import LayoutSettings
from pajamo.config.campaigns.cost import TableCostSettings
from pajamo.errors import StudyError


class TableCost(CostModel):
    """Measurements in wells of plates; a candidate that is made once can be measured again.

    Parameters
    ----------
    settings: prices, and the spread of one measurement.
    layout: limits of plates beyond the settings'.
    """

    unit: ClassVar[str] = "wells"
    lane: ClassVar[str] = "plate"
    runs_are_one: ClassVar[bool] = True

    def __init__(
        self, settings: TableCostSettings | None = None, layout: LayoutSettings | None = None
    ) -> None:
        self.settings = settings or TableCostSettings()
        self.layout = layout or LayoutSettings()
        self.currency, self.turnaround = self.settings.currency, self.settings.turnaround_days

    @property
    def capacity(self) -> float:
        """Wells of a plate, those of controls included."""
        return float(min(self.settings.wells_per_plate or np.inf, self.layout.capacity or np.inf))

    @property
    def most_lanes(self) -> int | None:
        """Most plates of one run."""
        limits = [limit for limit in (self.settings.plates_per_run, self.layout.most_lanes) if limit]
        return min(limits) if limits else None

    def load_of(self, allocation: Allocation, order: int = 1, *, made: bool = False) -> Load:  # noqa: ARG002
        """What one candidate takes: its measurements."""
        wells = float(allocation.replicates)
        return Load(1.0, 0.0, 0.0, 0.0 if made else 1.0, wells, wells)

    def controls(self, load: Load, runs: int, lanes: int) -> Any:  # noqa: ARG002
        """Control wells of each run."""
        return float(max(self.settings.control_wells, self.layout.controls) * lanes)

    def control_units(self, load: Load, runs: int, lanes: int) -> Any:
        """Control wells of all runs."""
        return runs * self.controls(load, runs, lanes)

    def parts(self, load: Load, runs: int, lanes: int) -> list[Part]:
        """The lines of a bill."""
        given = self.settings
        again = given.failure_rate / (1 - given.failure_rate) * load.units
        return [
            ("runs", runs, "run", given.batch),
            ("plates", runs * lanes, "plate", given.plate),
            ("candidates made", load.made, "candidate", given.candidate),
            ("measurements", load.units, "measurement", given.measurement),
            ("controls", self.control_units(load, runs, lanes), "measurement", given.measurement),
            ("repeats of failed measurements, expected", again, "measurement", given.measurement),
        ]

    def own(self, entry: Entry) -> float:
        """Its measurements with expected repeats, and making it."""
        given = self.settings
        wells = entry.allocation.replicates / (1 - given.failure_rate)
        return wells * given.measurement + (0.0 if entry.made else given.candidate)

    def noise(self, targets: tuple[str, ...], allocation: Allocation, controls: float | None = None) -> float:  # noqa: ARG002
        """Variance of the mean of its measurements."""
        return self.settings.sd**2 / allocation.replicates

    def reliability(self, replicates: int) -> float:
        """Share of the variance of means of so many measurements that is between candidates (Spearman 1910).

        Raises
        ------
        StudyError: the spread between candidates is not known.
        """
        between = self.settings.between_sd
        if between is None:
            raise StudyError(
                "the reliability needs the spread between candidates", where="cost", fix="give `between_sd`"
            )
        return between**2 / (between**2 + self.settings.sd**2 / replicates)

    def runs_of(self, menu: Sequence[Allocation]) -> dict[int, list[int]]:
        """One run; a further run of plates is a further batch. Repeats have to be enough to be spread over plates."""
        return {1: [k for k, one in enumerate(menu) if one.replicates >= self.layout.spread]}

    def spread(self, batch: Batch, lanes: int) -> list[Violation]:
        """Complaints about candidates with fewer measurements, or batches with fewer plates, than asked for."""
        wanted = self.layout.spread
        few = [entry.name for entry in batch.entries if entry.allocation.replicates < wanted]
        found = []
        if few:
            found.append(Violation("spread", f"{few[0]} has fewer measurements than {wanted} plates"))
        if batch.runs * lanes < wanted:
            found.append(
                Violation(
                    "spread", f"{batch.runs * lanes} plates, and repeats are to be spread over {wanted}"
                )
            )
        return found
