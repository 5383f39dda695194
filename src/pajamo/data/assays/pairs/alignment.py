"""Which base of a target stands opposite of which base of a guide, where lengths differ or a bulge explains more.

Global alignment with affine gaps (Gotoh 1982, J Mol Biol 162, 705) of many pairs at once. Sequences are read from the
PAM outwards; among alignments of one cost the one is taken whose bulges lie farthest from the PAM, as the R-loop zips
up from there for as long as bases pair.

The enzyme binds by its PAM first and then opens what lies next to it. So a bulge behind the PAM is likelier than
another base in it, a gap inside it hardly ever explains anything, and bases of a longer target beyond the PAM's outer
end are the flank of the site and no part of it: Cas9 cuts as fast with TGGG or TGGCG beside the protospacer as with
TGG, and faster with GTGG than with GTG (data of Jones et al. 2021, Nat Biotechnol 39, 84).

Only a band of the table is filled: an alignment that strays farther from the diagonal pays more for its gaps alone
than what pairing base after base costs. Where lengths are equal every other alignment has two gaps at least, so that
pairs that cost no more base after base than two gaps (five mismatches beside the PAM, say) need no table at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.pairs.band import INSERT, PAIR, filled
from pajamo.data.assays.pairs.pairing import ABSENT, INSERTED, Codes, pairing
from pajamo.data.assays.pairs.prices import EXTEND, FLANK, OPEN, PAM_GAP, Prices

Numbers = NDArray[np.int64]
_AT_ONCE = 8192
"""Pairs whose tables are filled together, so that they fit into a processor's cache."""


def aligned_codes(guides: Codes, targets: Codes, pam: int = 0) -> Codes:
    """Codes of each position of each guide, shape (pairs, guide length).

    Parameters
    ----------
    guides: places in GUIDE, shape (pairs, guide length), PAM first.
    targets: places in TARGET, shape (pairs, target length), PAM first.
    pam: positions of the PAM, at the start of each guide; 0 if nothing is known of it.
    """
    prices = Prices.of(guides.shape[1], pam)
    if guides.shape[1] == targets.shape[1]:
        found = pairing(guides, targets, np.zeros_like(guides))
    else:
        found = np.zeros_like(guides)
    reach = _reach(guides, targets, prices)
    for far in np.unique(reach[reach >= 0]):
        rows = np.flatnonzero(reach == far)
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            found[some] = _aligned(guides[some], targets[some], prices, int(far))
    return found


def _reach(guides: Codes, targets: Codes, prices: Prices) -> Numbers:
    """How far beyond the two corners' diagonals a cheapest alignment can stray; -1 where it has no gap at all."""
    apart = abs(guides.shape[1] - targets.shape[1])
    cost = _bound(guides, targets, prices)
    flanked = targets.shape[1] > guides.shape[1] and prices.flank is not None
    # Straying takes two gaps, each as long as the way, beside what the difference in length costs at least.
    least = 2 * OPEN + (FLANK if flanked else EXTEND) * apart
    reach = np.where(cost >= least, (cost - least) // (2 * EXTEND) + 1, 0)
    return np.where((cost <= least) & (apart == 0), -1, reach)


def _bound(guides: Codes, targets: Codes, prices: Prices) -> Numbers:
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


def _aligned(guides: Codes, targets: Codes, prices: Prices, reach: int) -> Codes:
    """Fill the table from the far end, then walk from the PAM along the cheapest way, all pairs place by place."""
    table = filled(guides, targets, prices, reach)
    (pairs, length), other = guides.shape, targets.shape[1]
    met = np.full((pairs, length), ABSENT, dtype=np.uint8)
    inserted = np.zeros((pairs, length), dtype=np.uint8)
    target = np.pad(targets, ((0, 0), (0, 1)))
    j, before = table.flanks(other - length), np.zeros(pairs, dtype=np.uint8)
    for i in range(length + 1):
        step = table.steps(i, j, before)
        while len(rows := np.flatnonzero(step == INSERT)):
            _insert(inserted, rows, max(i - 1, 0), target[rows, j[rows]])
            j[rows] += 1
            before[rows] = INSERT
            step[rows] = table.steps(i, j[rows], before[rows], rows)
        if i < length:
            rows = np.flatnonzero(step == PAIR)
            met[rows, i] = target[rows, j[rows]]
            j[rows] += 1
            before = step
    return pairing(guides, met, inserted)


def _insert(inserted: Codes, rows: NDArray[np.intp], place: int, bases: Codes) -> None:
    """Note bases behind a position: the base itself if it is the only one, else N."""
    several = INSERTED.index("N")
    first = inserted[rows, place] == 0
    inserted[rows, place] = np.where(first, np.minimum(bases + 1, several), several)
