"""Cycles of a nuclease with any number of states: unbound, R-loop states, and a cut after which all starts anew."""

from __future__ import annotations

from itertools import pairwise

from pajamo.config.assays import ChoiceSettings, KineticSettings, parse_mechanism
from pajamo.config.assays.kinetic import CLEAVAGE, UNBOUND

SPREAD = 2.0
"""Standard deviation of what a difference changes in ln k."""
REACH, SHORTEST, LONGEST = 5, 4, 15
"""How far a window may start from its place in an even division, and its least and greatest length."""


def cycle(states: int, length: int, pam: int) -> KineticSettings:
    """The cycle: binding reads the PAM, each step of the R-loop an even share of the protospacer, the cut the last.

    Parameters
    ----------
    states: at least 3: unbound, bound, and one that cuts; each further one is a step of the R-loop.
    length: positions of a guide, its PAM included.
    pam: positions of the PAM, which set binding.
    """
    names = (UNBOUND, *(f"loop {number}" for number in range(states - 2)), "ready")
    windows = _windows(states, length, pam)
    transitions = {}
    for number, (one, other) in enumerate(pairwise(names)):
        reads = _reads(*windows[number], pam)
        transitions[f"{one}->{other}"] = {"reads": reads}
        transitions[f"{other}->{one}"] = {"reads": reads}
    transitions[f"{names[-1]}->{UNBOUND}"] = {"reads": _reads(*windows[-1], pam), "makes": [CLEAVAGE]}
    settings = parse_mechanism({"kind": "kinetic", "states": list(names), "transitions": transitions})
    assert isinstance(settings, KineticSettings)
    return settings


def choices_of(settings: KineticSettings, length: int, pam: int) -> dict[str, ChoiceSettings]:
    """What may vary in such a cycle: the windows of all steps but binding."""
    found = {}
    for name, transition in settings.transitions.items():
        reads = transition.reads
        if reads is None or reads.start < pam:
            continue
        first, last = max(pam, reads.start - REACH), min(reads.start + REACH, length - SHORTEST)
        found[name] = ChoiceSettings(start=(first, last), length=(SHORTEST, LONGEST))
    return found


def _windows(states: int, length: int, pam: int) -> list[tuple[int, int]]:
    """Start and length of what binding, each R-loop step and the cut read."""
    steps = states - 2
    share = max((length - pam) // max(steps, 1), 1)
    loops = [
        (pam + number * share, share if number < steps - 1 else length - pam - number * share)
        for number in range(steps)
    ]
    return [(0, pam), *loops, loops[-1] if loops else (pam, length - pam)]


def _reads(start: int, length: int, pam: int) -> dict[str, object]:
    """The PAM asks for bases at places, of which each counts; the protospacer is read by kinds and a profile."""
    window = {"start": start, "length": length, "sd": SPREAD}
    return window | ({"encoder": "additive"} if start < pam else {"encoder": "profile", "changes": "kind"})
