"""Arrangements: which sites are bound at once, and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pajamo.config.assays import StateSettings, ThermodynamicSettings
from pajamo.errors import StudyError, shorten
from pajamo.models.assays.compiling.naming import known, refuse_repeated
from pajamo.models.assays.compiling.placing import Placement, Placements

MOST_STATES = 20_000
"""More states than this neither fit into memory with many sequences nor are what a user meant."""
EMPTY = "free"


@dataclass(frozen=True)
class Arrangement:
    """A state with every bound site at its place.

    Attributes
    ----------
    group: name of the declared state.
    placed: what is bound, in the order of the declaration.
    """

    group: str
    placed: tuple[Placement, ...]

    @property
    def name(self) -> str:
        """The declared state, and the places of those sites that have several."""
        moved = [placement.name for placement in self.placed if placement.name != placement.site]
        return f"{self.group} ({', '.join(moved)})" if moved else self.group

    @property
    def bound(self) -> frozenset[str]:
        """Names of the sites that are bound."""
        return frozenset(placement.site for placement in self.placed)

    @property
    def identity(self) -> frozenset[tuple[str, str, int, str]]:
        """Two arrangements that share it are one and the same."""
        return frozenset(placement.identity for placement in self.placed)

    @property
    def end(self) -> int:
        """Shortest sequence on which all of it has room."""
        return max((placement.end for placement in self.placed), default=0)


def declared_states(settings: ThermodynamicSettings, placements: Placements) -> dict[str, StateSettings]:
    """States by name, as declared or enumerated.

    Raises
    ------
    StudyError: a state binds a site that there is not, or one site twice; a site is bound in no state.
    """
    if not settings.states:
        return _enumerated(settings, placements)
    for name, state in settings.states.items():
        where = f"states.{name}.bound"
        for site in state.bound:
            known(site, settings.sites, "site", where)
        refuse_repeated(state.bound, where, "a site is bound once or not at all; declare a second site")
    bound = {site for state in settings.states.values() for site in state.bound}
    for site in settings.sites:
        if site not in bound:
            raise StudyError(
                f"the site {site!r} is bound in no state",
                where=f"sites.{site}",
                why="its energy would change nothing",
                fix="name it in `bound` of a state, or remove it",
            )
    return dict(settings.states)


def _enumerated(settings: ThermodynamicSettings, placements: Placements) -> dict[str, StateSettings]:
    """Every set of sites that have room beside one another; active where all that must be bound is bound."""
    for site in settings.transcribes:
        known(site, settings.sites, "site", "transcribes")
    refuse_repeated([*settings.sites, EMPTY], "sites", "the state in which nothing is bound is called 'free'")
    needed = set(settings.transcribes)
    found: list[tuple[Placement, ...]] = [()]
    for options in placements.values():
        found += _extended(found, options, strict=True)
        _refuse_too_many(len(found))
    subsets = dict.fromkeys(tuple(placement.site for placement in placed) for placed in found)
    return {
        "+".join(bound) or EMPTY: StateSettings(bound=bound, rate=1.0 if needed <= set(bound) else 0.0)
        for bound in sorted(subsets, key=len)
    }


def arrange(
    states: Mapping[str, StateSettings], placements: Placements, *, enumerated: bool
) -> tuple[Arrangement, ...]:
    """Every arrangement of every state.

    Sites that slide exclude one another where they would overlap. Sites at fixed places may overlap in a state that a
    user declares, as what is read is often wider than what is covered.

    Raises
    ------
    StudyError: a state without any arrangement, two states with a common one, or too many arrangements.
    """
    found: dict[frozenset[tuple[str, str, int, str]], Arrangement] = {}
    for name, state in states.items():
        before = len(found)
        for placed in _apart(state.bound, placements, strict=enumerated):
            arrangement = Arrangement(name, placed)
            first = found.setdefault(arrangement.identity, arrangement)
            if first.group != name and not (enumerated and states[first.group].rate == state.rate):
                raise _alike(first, arrangement)
            _refuse_too_many(len(found))
        if len(found) == before and not enumerated:
            raise StudyError(
                "the state is unreachable: its sites always overlap",
                where=f"states.{name}",
                why=f"{' and '.join(state.bound)} have no room beside one another wherever they slide",
                fix="widen `slide` of one of them, or remove the state",
            )
    return tuple(found.values())


def _apart(bound: Iterable[str], placements: Placements, *, strict: bool) -> list[tuple[Placement, ...]]:
    """Every choice of one placement a site without forbidden overlaps; `strict` forbids those of fixed sites too."""
    found: list[tuple[Placement, ...]] = [()]
    for name in bound:
        found = _extended(found, placements[name], strict=strict)
    return found


def _extended(
    found: Iterable[tuple[Placement, ...]], options: Iterable[Placement], *, strict: bool
) -> list[tuple[Placement, ...]]:
    """Each choice with one placement more, wherever that has room."""
    longer: list[tuple[Placement, ...]] = []
    for placed in found:
        longer += [(*placed, option) for option in options if _has_room(option, placed, strict=strict)]
        _refuse_too_many(len(longer))
    return longer


def _has_room(option: Placement, placed: Iterable[Placement], *, strict: bool) -> bool:
    return not any(option.overlaps(other) and (strict or option.slides or other.slides) for other in placed)


def _alike(first: Arrangement, second: Arrangement) -> StudyError:
    return StudyError(
        f"the states {first.group!r} and {second.group!r} are alike",
        where=f"states.{second.group}",
        why=f"both bind {shorten(sorted(second.bound)) or 'nothing'}"
        + (f" as in {second.name!r}" if second.name != second.group else "")
        + ", so that nothing tells them apart",
        fix="remove one of them, or bind another site in it",
    )


def _refuse_too_many(count: int) -> None:
    if count > MOST_STATES:
        raise StudyError(
            f"the mechanism has more than {MOST_STATES} states",
            where="states",
            why="each set of bound sites at each of their places is a state",
            fix="give fewer sites or narrower ranges to `slide`, or list the `states` that matter",
        )
