"""Which base of a target stands opposite of which base of a guide, where lengths differ or a bulge explains more.

Global alignment with affine gaps (Gotoh 1982, J Mol Biol 162, 705) of many pairs at once. Sequences are read from the
PAM outwards; among alignments of one cost the one is taken whose bulges lie farthest from the PAM, as the R-loop zips
up from there for as long as bases pair.

The enzyme binds by its PAM first and then opens what lies next to it. So a bulge behind the PAM is likelier than
another base in it, a gap inside it hardly ever explains anything, and bases of a longer target beyond the PAM's outer
end are the flank of the site and no part of it: Cas9 cuts as fast with TGGG or TGGCG beside the protospacer as with
TGG, and faster with GTGG than with GTG (data of Jones et al. 2021, Nat Biotechnol 39, 84).

Only a band of the table is filled: an alignment that strays farther from the diagonal pays more for its gaps alone
than what pairing base after base costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.pairs.pairing import ABSENT, GUIDE, INSERTED, Codes, pairing

Costs = NDArray[np.int16]
Numbers = NDArray[np.int64]
MISMATCH, OPEN, EXTEND = 2, 5, 3
"""Costs: one bulge of one base is worth two and a half mismatches, so that equal lengths stay without gaps unless at
least six mismatches go."""
PAM_MISMATCH, PAM_GAP, FLANK = 5, 4, 1
"""Costs of another base in the PAM, of a gap inside the PAM beside what gaps cost, and of each base of the flank."""
_NEVER = 10_000
_BOTH, _DELETED, _INSERTED = 0, 1, 2
_AT_ONCE = 8192
"""Pairs whose tables are filled together, so that they fit into a processor's cache."""
ANY = GUIDE.index("N")


@dataclass(frozen=True)
class _Prices:
    """What differences cost at each position of a guide.

    Attributes
    ----------
    mismatch: another base than the guide's, shape (guide length,).
    gap: what deleting a base costs more than elsewhere, or inserting one before it, shape (guide length + 1,).
    flank: a base of the target beyond the PAM's outer end; None where nothing is known of a PAM.
    """

    mismatch: Costs
    gap: Costs
    flank: int | None

    @classmethod
    def of(cls, length: int, pam: int) -> _Prices:
        """Prices of guides of a length whose first positions are the PAM."""
        place = np.arange(length + 1)
        mismatch = np.where(place[:-1] < pam, PAM_MISMATCH, MISMATCH).astype(np.int16)
        gap = np.where(place < pam, PAM_GAP, 0).astype(np.int16)
        return cls(mismatch, gap, FLANK if pam else None)

    def without_gaps(self, guides: Codes, targets: Codes) -> Numbers:
        """Cost of pairing base after base, shape (pairs, positions of the shorter)."""
        both = min(guides.shape[1], targets.shape[1])
        price = self.mismatch[:both].astype(np.int64)
        return np.where(_differ(guides[:, :both], targets[:, :both]), price, 0)


def aligned_codes(guides: Codes, targets: Codes, pam: int = 0) -> Codes:
    """Codes of each position of each guide, shape (pairs, guide length).

    Parameters
    ----------
    guides: places in GUIDE, shape (pairs, guide length), PAM first.
    targets: places in TARGET, shape (pairs, target length), PAM first.
    pam: positions of the PAM, at the start of each guide; 0 if nothing is known of it.
    """
    prices = _Prices.of(guides.shape[1], pam)
    if guides.shape[1] == targets.shape[1]:
        found = pairing(guides, targets, np.zeros_like(guides))
    else:
        found = np.zeros_like(guides)
    reach = _reach(guides, targets, prices)
    for far in np.unique(reach[reach >= 0]):
        rows = np.flatnonzero(reach == far)
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            found[some] = _by_table(guides[some], targets[some], prices, int(far))
    return found


def _differ(guides: Codes, targets: Codes) -> NDArray[np.bool_]:
    return np.asarray((guides != targets) & (guides != ANY))


def _reach(guides: Codes, targets: Codes, prices: _Prices) -> Numbers:
    """How far beyond the two corners' diagonals a cheapest alignment can stray; -1 where it has no gap at all."""
    apart = abs(guides.shape[1] - targets.shape[1])
    cost = _bound(guides, targets, prices)
    flanked = targets.shape[1] > guides.shape[1] and prices.flank is not None
    # Straying takes two gaps, each as long as the way, beside what the difference in length costs at least.
    least = 2 * OPEN + (FLANK if flanked else EXTEND) * apart
    reach = np.where(cost >= least, (cost - least) // (2 * EXTEND) + 1, 0)
    return np.where((cost <= least) & (apart == 0), -1, reach)


def _bound(guides: Codes, targets: Codes, prices: _Prices) -> Numbers:
    """What a cheapest alignment costs at most, less what no alignment that strays can do without."""
    length, other = guides.shape[1], targets.shape[1]
    straight = prices.without_gaps(guides, targets)
    cost = np.asarray(straight.sum(axis=1))
    if other > length:
        cost += OPEN + EXTEND * (other - length - 1) + (other - length) * int(prices.gap[length])
        if prices.flank is None:
            return cost
        beyond = prices.without_gaps(guides, targets[:, other - length :]).sum(axis=1)
        return np.asarray(np.minimum(cost, beyond + FLANK * (other - length)))
    if other < length:
        cost += OPEN + EXTEND * (length - other - 1) + int(prices.gap[other:length].sum())
    # Gaps behind the PAM leave it as it is, and one inside costs more.
    pam = straight[:, prices.gap[: straight.shape[1]] > 0].sum(axis=1)
    return np.asarray(cost - np.minimum(pam, PAM_GAP))


def _by_table(guides: Codes, targets: Codes, prices: _Prices, reach: int) -> Codes:
    """Fill the table of best costs from the far end, then walk from the PAM along the cheapest way."""
    band = _Band.of(guides, targets, prices, reach)
    return _walk(guides, targets, band)


@dataclass(frozen=True)
class _Band:
    """Cost of pairing the rest from base i of the guide and base j of the target.

    Attributes
    ----------
    costs: by the kind of the step before, i, and j - i - first; shape (3, guide + 2, width + 2, pairs). What lies
        outside can never be.
    first: the least j - i that has a column, which is one less than the least that can be.
    prices: what differences cost.
    """

    costs: Costs
    first: int
    prices: _Prices

    @classmethod
    def of(cls, guides: Codes, targets: Codes, prices: _Prices, reach: int) -> _Band:
        """The costs of every alignment that strays no farther than the reach."""
        (pairs, length), other = guides.shape, targets.shape[1]
        low, high = min(0, other - length) - reach, max(0, other - length) + reach
        costs = np.full((3, length + 2, high - low + 3, pairs), _NEVER, dtype=np.int16)
        band = cls(costs, low - 1, prices)
        differ = np.ascontiguousarray(guides.T), np.ascontiguousarray(targets.T)
        costs[:, length, band.column(length, other)] = 0
        for i in range(length, -1, -1):
            for j in range(min(other, i + high), max(0, i + low) - 1, -1):
                if i < length or j < other:
                    costs[:, i, band.column(i, j)] = band.steps(*differ, i, j)
        return band

    def column(self, i: int, j: int) -> int:
        """Where the costs of a place lie."""
        return j - i - self.first

    def steps(self, guides: Codes, targets: Codes, i: int, j: int) -> Costs:
        """Cost of the best next step and all after it, by the kind of the step before; shape (3, pairs).

        Guides and targets are turned: shape (length, pairs).
        """
        here = self.column(i, j)
        deleted = self.costs[_DELETED, i + 1, here - 1] if i < len(guides) else None
        inserted = self.costs[_INSERTED, i, here + 1] if j < len(targets) else None
        best = np.full((3, self.costs.shape[-1]), _NEVER, dtype=np.int16)
        if i < len(guides) and j < len(targets):
            differ = _differ(guides[i], targets[j])
            best[:] = self.costs[_BOTH, i + 1, here] + self.prices.mismatch[i] * differ
        for before in (_BOTH, _DELETED, _INSERTED):
            for kind, after in ((_DELETED, deleted), (_INSERTED, inserted)):
                if after is not None:
                    price = self.prices.gap[i] + np.int16(EXTEND if before == kind else OPEN)
                    np.minimum(best[before], after + price, out=best[before])
        return best

    def flanks(self, longer: int) -> NDArray[np.intp]:
        """How many bases of each target, by which it is longer, lie beyond the PAM; the fewest of one cost."""
        most = max(longer, 0) if self.prices.flank is not None else 0
        start = self.column(0, 0)
        costs = self.costs[_BOTH, 0, start : start + most + 1] + FLANK * np.arange(most + 1)[:, None]
        return np.asarray(costs.argmin(axis=0))


def _walk(guides: Codes, targets: Codes, band: _Band) -> Codes:
    """Follow the cheapest way of each pair; a pairing is preferred to a gap of one cost."""
    (pairs, length), other = guides.shape, targets.shape[1]
    met = np.full((pairs, length), ABSENT, dtype=np.uint8)
    inserted = np.zeros((pairs, length), dtype=np.uint8)
    rows = np.arange(pairs)
    i, j, before = np.zeros(pairs, np.intp), band.flanks(other - length), np.zeros(pairs, np.intp)
    guide, target = np.pad(guides, ((0, 0), (0, 1))), np.pad(targets, ((0, 0), (0, 1)))
    for _ in range(length + other):
        step, going = _step(band, guide, target, i, j, before), (i < length) | (j < other)
        if not going.any():
            break
        pair, bulge = going & (step == _BOTH), going & (step == _INSERTED)
        met[rows[pair], i[pair]] = target[rows[pair], j[pair]]
        _insert(inserted, rows[bulge], np.maximum(i[bulge] - 1, 0), target[rows[bulge], j[bulge]])
        i += going & (step != _INSERTED)
        j += going & (step != _DELETED)
        before = step
    return pairing(guides, met, inserted)


def _step(
    band: _Band,
    guide: Codes,
    target: Codes,
    i: NDArray[np.intp],
    j: NDArray[np.intp],
    before: NDArray[np.intp],
) -> NDArray[np.intp]:
    """The kind of the next step of each pair; guides and targets have one column more than bases."""
    rows, here = np.arange(len(guide)), j - i - band.first
    inner, deep = i < guide.shape[1] - 1, j < target.shape[1] - 1
    differ = _differ(guide[rows, i], target[rows, j]) * np.append(band.prices.mismatch, 0)[i]
    more = band.prices.gap[i]
    gap = {kind: np.where(before == kind, EXTEND, OPEN) + more for kind in (_DELETED, _INSERTED)}
    ways = [
        np.where(inner & deep, band.costs[_BOTH, i + 1, here, rows] + differ, _NEVER),
        np.where(inner, band.costs[_DELETED, i + 1, here - 1, rows] + gap[_DELETED], _NEVER),
        np.where(deep, band.costs[_INSERTED, i, here + 1, rows] + gap[_INSERTED], _NEVER),
    ]
    return np.asarray(np.argmin(ways, axis=0))


def _insert(inserted: Codes, rows: NDArray[np.intp], places: NDArray[np.intp], bases: Codes) -> None:
    """Note bases behind a position: the base itself if it is the only one, else N."""
    several = INSERTED.index("N")
    first = inserted[rows, places] == 0
    inserted[rows, places] = np.where(first, np.minimum(bases + 1, several), several)
