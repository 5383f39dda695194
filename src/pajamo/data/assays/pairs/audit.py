"""What is wrong with tables of guide-target pairs more often than not, as small tables of the offending rows.

The traps of this field: the guide's own target among the sites that were "not found", as pipelines remove it from the
hits; one pair in several rows, which a split by row puts on both sides; one pair with both labels; one guide written
in several ways, so that a split by its text is no split by guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.assays.assay import SETS
from pajamo.data.assays.pairs.alphabet import BETWEEN
from pajamo.data.assays.pairs.guides import Pairs
from pajamo.data.assays.pairs.letters import plain
from pajamo.data.assays.values import Values

Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]
FAMILY = 4
"""Mismatches up to which two protospacers count as of one family: off-targets of one look like those of the other."""


def matched(pairs: Pairs) -> Flags:
    """Whether a row's target pairs with the whole protospacer of its guide, whatever stands at the PAM."""
    pam = len(pairs.enzyme.pam)
    own = [guide[pam:] for guide in pairs.different]
    found = (
        target[pam:] == own[guide]
        for target, guide in zip(_targets(pairs), pairs.guide_of.tolist(), strict=True)
    )
    return np.fromiter(found, dtype=bool, count=pairs.n)


def with_pam(pairs: Pairs) -> Flags:
    """Whether a row's target has a PAM that the enzyme cuts."""
    return np.fromiter(map(pairs.enzyme.has_pam, _targets(pairs)), dtype=bool, count=pairs.n)


def _targets(pairs: Pairs) -> Iterator[str]:
    """The target of each row, PAM first and without gaps."""
    return (key.partition(BETWEEN)[2] for key in pairs.keys)


def shown(pairs: Pairs, rows: Rows, which: Flags, **columns: Values) -> pd.DataFrame:
    """Some rows as a person looks for them: the row in the file, guide and target 5' to 3', and more columns."""
    places = np.flatnonzero(which)
    guides, targets = pairs.rows(places).as_written()
    more = {
        name: values[places].astype(np.int64) if name == "label" else values[places]
        for name, values in columns.items()
    }
    return pd.DataFrame({"row": rows[places], "guide": guides, "target": targets, **more})


def negative_on_targets(pairs: Pairs, rows: Rows, labels: Values) -> pd.DataFrame:
    """Rows whose target matches the whole guide and that are yet labelled as not found.

    Column `pam` says if the enzyme cuts the PAM beside it: these rows, the guide's own target, come first.
    """
    wrong = matched(pairs) & (labels == 0)
    found = shown(pairs, rows, wrong, label=labels)
    found = found.assign(pam=with_pam(pairs.rows(np.flatnonzero(wrong))))
    return found.sort_values("pam", ascending=False, kind="stable", ignore_index=True)


def spread_of_pairs(keys: Sequence[str], inputs: Sequence[Values], values: Values) -> pd.DataFrame:
    """Each row's pair (under the same inputs): how many rows it has, and how far what they recorded lies apart.

    Returns
    -------
    One row a row: `copies`, `apart` (largest minus smallest value of the pair) and `first` (no earlier row is of it).
    """
    group, _ = pd.factorize(np.array(keys, dtype=object))
    for given in inputs:
        different, place = np.unique(given, return_inverse=True)
        group, _ = pd.factorize(group * len(different) + place)
    copies = np.bincount(group)
    first = np.zeros(len(group), dtype=bool)
    first[np.unique(group, return_index=True)[1]] = True
    low, high = np.full(len(copies), np.inf), np.full(len(copies), -np.inf)
    np.minimum.at(low, group, values)
    np.maximum.at(high, group, values)
    return pd.DataFrame({"copies": copies[group], "apart": (high - low)[group], "first": first})


def differing_duplicates(
    pairs: Pairs, rows: Rows, inputs: Sequence[Values], values: Values, name: str = "value"
) -> pd.DataFrame:
    """Rows of pairs that have several rows with different values, pair by pair, those farthest apart first."""
    spread = spread_of_pairs(pairs.keys, inputs, values)
    differ = (spread["apart"] > 0).to_numpy(dtype=bool)
    found = shown(pairs, rows, differ, **{name: values})
    keys = [key for key, one in zip(pairs.keys, differ.tolist(), strict=True) if one]
    order = found.assign(apart=spread["apart"][differ].to_numpy(), key=keys)
    order = order.sort_values(["apart", "key", "row"], ascending=[False, True, True], kind="stable")
    return order.drop(columns=["apart", "key"]).reset_index(drop=True)


def spellings(pairs: Pairs) -> pd.DataFrame:
    """Guides that rows write in several ways (another base in place of the PAM's N): a split by text would leak."""
    plainly = {text: plain(pairs.enzyme.as_written(text)) for text in set(pairs.written)}
    table = pd.DataFrame({"place": pairs.guide_of, "written": [plainly[text] for text in pairs.written]})
    ways = table.drop_duplicates().groupby("place", sort=True)["written"]
    found = [(place, sorted(own)) for place, own in ways if len(own) > 1]
    rows = [
        (pairs.protospacer(int(str(place))), len(written), ", ".join(written)) for place, written in found
    ]
    return pd.DataFrame(rows, columns=["guide", "ways", "as"])


def guides_by_set(pairs: Sequence[Pairs], sets: Sequence[NDArray[np.int8]]) -> pd.DataFrame:
    """Rows of each guide in each set, over all experiments: `guide` (its protospacer), training, validation, test."""
    found: dict[str, NDArray[np.int64]] = {}
    for own, of in zip(pairs, sets, strict=True):
        numbers = np.zeros((len(own.different), len(SETS)), dtype=np.int64)
        np.add.at(numbers, (own.guide_of, of), 1)
        for place, counted in enumerate(numbers):
            guide = own.protospacer(place)
            found[guide] = found.get(guide, 0) + counted
    table = pd.DataFrame(np.array(list(found.values())).reshape(-1, len(SETS)), columns=list(SETS))
    table.insert(0, "guide", list(found))
    return table


def shared_guides(counted: pd.DataFrame) -> pd.DataFrame:
    """Guides with rows both in the training set and in the test set; takes what `guides_by_set` gives."""
    both = (counted["training"] > 0) & (counted["test"] > 0)
    return counted[both].reset_index(drop=True)


def families(guides: Sequence[str], most: int = FAMILY) -> pd.DataFrame:
    """Pairs of different protospacers of one length with few mismatches: `guide`, `other`, `mismatches`."""
    by_length: dict[int, list[str]] = {}
    for guide in guides:
        by_length.setdefault(len(guide), []).append(guide)
    rows = [found for own in by_length.values() for found in _near(own, most)]
    return pd.DataFrame(rows, columns=["guide", "other", "mismatches"])


def _near(guides: list[str], most: int) -> list[tuple[str, str, int]]:
    """Near guides of one length.

    Of one block more than there may be mismatches at least one is the same in both: only guides that share a block
    are compared, so that libraries of many thousand guides can be.
    """
    letters = np.frombuffer("".join(guides).encode(), np.uint8).reshape(len(guides), -1)
    found: dict[tuple[int, int], int] = {}
    for block in np.array_split(np.arange(letters.shape[1]), most + 1):
        _, kind = np.unique(letters[:, block], axis=0, return_inverse=True)
        order = np.argsort(kind, kind="stable")
        for alike in np.split(order, np.flatnonzero(np.diff(kind[order])) + 1):
            for place, one in enumerate(alike[:-1].tolist()):
                others = alike[place + 1 :]
                apart = (letters[others] != letters[one]).sum(axis=1)
                near = apart <= most
                found |= {
                    (one, other): number
                    for other, number in zip(others[near].tolist(), apart[near].tolist(), strict=True)
                }
    return [(guides[one], guides[other], found[one, other]) for one, other in sorted(found)]


def unread_targets(pairs: Pairs, rows: Rows) -> pd.DataFrame:
    """Rows whose target holds N, a base that was not read."""
    unread = np.fromiter(("N" in target for target in _targets(pairs)), dtype=bool, count=pairs.n)
    return shown(pairs, rows, unread)
