"""From what a user demands of a batch to rules; demands that exclude one another are named."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pajamo.campaigns.costs.allocation import candidate_name
from pajamo.campaigns.costs.model import CostModel
from pajamo.campaigns.costs.options import Pool
from pajamo.campaigns.costs.rules import Rules
from pajamo.campaigns.predictive import Rows
from pajamo.config.campaigns.constraints import ConstraintSettings
from pajamo.data.conditions import SEPARATOR
from pajamo.errors import StudyError, nearest, shorten

WHERE = "constraints"


def rules_of(settings: ConstraintSettings, pool: Pool, costs: CostModel) -> Rules:
    """Rules for the candidates of a pool.

    Raises
    ------
    StudyError: a candidate or perturbation that the pool does not have; one that must be included although it was
        measured or cannot be chosen; demands that exclude one another, each named; nothing left to choose.
    """
    reading = _Reading(settings, pool)
    must = reading.must()
    forbidden = reading.forbidden()
    _must_may(pool, must, forbidden)
    groups = reading.groups()
    _must_fits(settings, pool, must, groups)
    _layout_fits(costs)
    allowed = pool.open()
    allowed[must] = True
    for rows in forbidden.values():
        allowed[rows] = False
    if not allowed.any():
        left = [name for name, rows in forbidden.items() if len(rows)]
        raise StudyError(
            f"no candidate is left of {pool.size:,}",
            where=WHERE,
            why=f"left out by: {', '.join(left) or 'what was measured, is pending or is withdrawn'}",
            fix="loosen these, add candidates, or let measured ones be repeated",
        )
    return Rules(
        allowed,
        must,
        tuple(groups.values()) if settings.most_per_group is not None else (),
        _limit(settings.most_per_group),
        _limit(settings.most_candidates),
        _limit(settings.most_guides),
    )


class _Reading:
    """What settings say, as rows of the pool."""

    def __init__(self, settings: ConstraintSettings, pool: Pool) -> None:
        self.settings, self.pool = settings, pool
        self._rows: dict[str, int] | None = None
        self._of: dict[str, list[int]] | None = None

    def must(self) -> Rows:
        """Rows that have to be chosen."""
        rows = [self._row(name, "must_include") for name in self.settings.must_include]
        again = [self.pool.name(row) for row in rows if row in self.pool.measured]
        if again and not self.pool.repeats:
            raise StudyError(
                f"must_include: {shorten(again)} has been measured already",
                where=WHERE,
                fix="leave it out, or let measured candidates be repeated",
            )
        return np.array(list(dict.fromkeys(rows)), dtype=np.intp)

    def forbidden(self) -> dict[str, Rows]:
        """Rows that each constraint leaves out."""
        given = self.settings
        pairs = [np.intersect1d(self._having(a), self._having(b)) for a, b in given.must_not_pair]
        order = np.fromiter((len(one) for one in self.pool.targets), dtype=np.intp, count=self.pool.size)
        alone = [rows[order[rows] > 1] for rows in map(self._having, given.must_not_combine)]
        return {
            "exclude": _rows(self._row(name, "exclude") for name in given.exclude),
            "must_not_pair": np.unique(np.concatenate([_rows(()), *pairs])),
            "must_not_combine": np.unique(np.concatenate([_rows(()), *alone])),
        }

    def groups(self) -> dict[str, Rows]:
        """Rows with a perturbation of each group."""
        if self.settings.most_per_group is None:
            return {}
        found: dict[str, set[int]] = {}
        for perturbation, group in self.settings.groups.items():
            found.setdefault(group, set()).update(self._having(perturbation).tolist())
        return {group: _rows(sorted(rows)) for group, rows in found.items()}

    def _row(self, name: str, constraint: str) -> int:
        if self._rows is None:
            self._rows = {self.pool.name(row): row for row in range(self.pool.size)}
        row = self._rows.get(candidate_name(tuple(name.split(SEPARATOR))))
        if row is None:
            raise StudyError(
                f"{constraint}: {name!r} is no candidate",
                where=WHERE,
                fix=f"{nearest(name, self._rows)}write it as the pool does, perturbations joined by {SEPARATOR!r}",
            )
        return row

    def _having(self, perturbation: str) -> Rows:
        """Candidates with a perturbation."""
        if self._of is None:
            self._of = {}
            for row, targets in enumerate(self.pool.targets):
                for target in targets:
                    self._of.setdefault(target, []).append(row)
        if perturbation not in self._of:
            raise StudyError(
                f"{perturbation!r} is no perturbation of the pool",
                where=WHERE,
                fix=nearest(perturbation, self._of) + "leave it out, or write it as the pool does",
            )
        return _rows(self._of[perturbation])


def _rows(rows: Iterable[int]) -> Rows:
    return np.array(list(rows), dtype=np.intp)


def _limit(value: int | None) -> float:
    return np.inf if value is None else float(value)


def _must_may(pool: Pool, must: Rows, forbidden: dict[str, Rows]) -> None:
    """What has to be chosen can be chosen."""
    for constraint, rows in forbidden.items():
        both = np.intersect1d(must, rows)
        if len(both):
            raise _conflict("must_include", constraint, f"{pool.name(int(both[0]))} stands in both")
    closed = must[:0] if pool.available is None else must[~pool.available[must]]
    if len(closed):
        raise StudyError(
            f"must_include: {pool.name(int(closed[0]))} is pending or withdrawn",
            where=WHERE,
            fix="wait for its result, or leave it out",
        )


def _must_fits(settings: ConstraintSettings, pool: Pool, must: Rows, groups: dict[str, Rows]) -> None:
    """What has to be chosen is not more than limits on numbers let."""
    if len(must) > _limit(settings.most_candidates):
        raise _conflict(
            "must_include",
            "most_candidates",
            f"{len(must)} candidates, of at most {settings.most_candidates}",
        )
    for group, rows in groups.items():
        inside = np.intersect1d(must, rows)
        if len(inside) > _limit(settings.most_per_group):
            names = shorten(pool.name(int(row)) for row in inside)
            raise _conflict("must_include", "most_per_group", f"{names} are of the group {group!r}")


def _layout_fits(costs: CostModel) -> None:
    """A lane holds more than its controls, and there are lanes enough to spread over."""
    layout, most = costs.layout, costs.most_lanes
    if layout.controls >= costs.capacity:
        raise _conflict(
            "layout.controls",
            "layout.capacity",
            f"{layout.controls:,} controls in a {costs.lane} of {costs.capacity:,.0f}",
        )
    # Runs are added where replicates are, so lanes of one run bind only where there is one.
    if most is not None and layout.spread > most and costs.runs_are_one:
        raise _conflict(
            "layout.spread", "layout.most_lanes", f"{layout.spread} {costs.lane}s, of at most {most}"
        )


def _conflict(first: str, second: str, what: str) -> StudyError:
    return StudyError(
        f"{first} and {second} cannot both hold: {what}", where=WHERE, fix=f"loosen {first} or {second}"
    )
