"""The level at which each of many tests is made."""

from __future__ import annotations

from collections.abc import Callable

from pajamo.errors import DataError

NEVER = 1e-12


def bonferroni(level: float, tests: int) -> float:
    """Level of each test at which a false positive among all of them has at most probability `level`.

    Raises
    ------
    DataError: no test.
    """
    if tests < 1:
        raise DataError(f"{tests} tests cannot be corrected for", where="multiple testing")
    return level / tests


def false_discovery_level(level: float, changed: float, power_at: Callable[[float], float]) -> float:
    """Level of each test at which Benjamini and Hochberg's procedure works, on average.

    Solves t = level ((1 - changed) t + changed power(t)), the balance of false and all discoveries (Genovese
    and Wasserman 2002, J. R. Stat. Soc. B 64, 499, theorem 1), going down from `level`; 0 if nothing is found.

    Parameters
    ----------
    level: false discovery rate.
    changed: share of the tests in which something changed, between 0 and 1.
    power_at: mean power of those tests at a given level.

    Raises
    ------
    DataError: a share that is not between 0 and 1.
    """
    if not 0 < changed <= 1:
        raise DataError(
            f"a share of changed genes of {changed:g} is not possible",
            where="multiple testing",
            fix="give a number above 0, at most 1",
        )
    threshold = level
    for _ in range(200):
        lower = level * ((1 - changed) * threshold + changed * power_at(threshold))
        if lower < NEVER:
            return 0.0
        if abs(lower - threshold) < 1e-6 * threshold:
            break
        threshold = lower
    return threshold
