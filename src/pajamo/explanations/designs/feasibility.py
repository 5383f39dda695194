"""Whether any sequence fulfils the constraints, and which of them contradict each other if none does."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from pajamo.data.assays.alphabet import Alphabet, Codes
from pajamo.errors import DataError
from pajamo.explanations.designs.constraints import Constraints, Rules
from pajamo.explanations.designs.layered import layered

WIDTH = 20_000
NOTHING = Constraints()


def feasible_start(constraints: Constraints, rules: Rules, alphabet: Alphabet) -> Codes:
    """A sequence that keeps to the rules, near the start, shape (length,).

    Raises
    ------
    DataError: there is none; the constraints that contradict each other are named. Or none was found.
    """
    found, complete = _nearest(rules)
    if found is not None:
        return found
    if not complete:
        raise DataError(
            "no sequence was found that fulfils all constraints",
            where="constraints",
            why="there are too many partial sequences to try them all",
            fix="relax one of the constraints, or start from a sequence that fulfils them",
        )
    names = _contradiction(constraints, rules, alphabet)
    values = ", ".join(f"{name} = {getattr(constraints, name)}" for name in names)
    raise DataError(
        f"no sequence fulfils {values}" + (" at once" if len(names) > 1 else ""),
        where="constraints",
        why="the start breaks a constraint that the others do not let it mend" if len(names) > 1 else "",
        fix=f"relax {' or '.join(f'`{name}`' for name in names)}, or start from another sequence",
    )


def _nearest(rules: Rules) -> tuple[Codes | None, bool]:
    """The feasible sequence with the fewest edits, and whether all were looked at."""
    if rules.hold(rules.start[None])[0]:
        return rules.start, True
    none = np.zeros((0, len(rules.start), rules.letters))
    found = layered(
        rules, none, np.zeros(0), lambda low, _: np.zeros(len(low)), floor=-1.0, alike=1, width=WIDTH
    )
    if not len(found.codes):
        return None, found.complete
    return found.codes[np.argmin(rules.edits(found.codes))], found.complete


def _contradiction(constraints: Constraints, rules: Rules, alphabet: Alphabet) -> tuple[str, ...]:
    """The fewest constraints that no sequence fulfils at once."""
    given = [
        name for name in Constraints.model_fields if getattr(constraints, name) != getattr(NOTHING, name)
    ]
    for size in range(1, len(given)):
        for names in combinations(given, size):
            some = Constraints(**{name: getattr(constraints, name) for name in names})
            found, complete = _nearest(Rules.of(some, rules.start, alphabet))
            if found is None and complete:
                return names
    return tuple(given)
