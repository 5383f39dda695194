"""A protocol: what was done to cells, step by step, and what that means for the cells of any condition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

from pajamo.config.protocol import PerturbStep, ProtocolSettings
from pajamo.config.strict import parse
from pajamo.data.conditions import Condition
from pajamo.data.history import NICHE, REST, Edit, EditKind, History
from pajamo.errors import IntegrityError, StudyError, nearest, shorten
from pajamo.protocols.branches import history_of
from pajamo.protocols.steps import Dose, Stay, Step, culture, measure
from pajamo.protocols.structure import require_possible
from pajamo.protocols.timeline import Timeline, draw_up, first_dose, fixed_time, open_ended

FORMAT = 1


@dataclass(frozen=True)
class Protocol:
    """What was done to the cells of a screen, in order; compiles any condition to the operators it went through.

    A step `perturb` or `deliver` with targets edits those of them that a cell's label names; one without targets
    edits all genes of the label that no other step names. Control cells go through the same steps without edits.

    Attributes
    ----------
    settings: the steps as the user wrote them.
    timed: whether the screen says when cells were measured. If not, a step without a duration lasts until nothing
        changes any more.
    """

    settings: ProtocolSettings
    timed: bool = True

    @classmethod
    def from_settings(cls, settings: ProtocolSettings, *, timed: bool | None = None) -> Self:
        """The protocol of a study; without `timed`, cells have times if the protocol names their unit.

        Raises
        ------
        StudyError: the protocol contradicts itself (see `require_possible`).
        """
        timed = settings.time_unit is not None if timed is None else timed
        require_possible(settings, timed=timed)
        return cls(settings, timed)

    @classmethod
    def of(cls, *steps: Step, timed: bool | None = None, **settings: Any) -> Self:
        """The protocol of these steps; further keys of [protocol] by name.

        Protocol.of(perturb("knockout", onset=1.0), differentiate("N2B27"), measure(), time_unit="day")

        Raises
        ------
        StudyError: an unknown key, a value of the wrong type, or steps that contradict themselves.
        """
        arms = {arm: _raw(its) for arm, its in settings.pop("arms", {}).items()}
        controls = _raw(settings.pop("controls", ()))
        raw = {**settings, "steps": _raw(steps), "arms": arms, "controls": controls}
        parsed = parse(ProtocolSettings, raw, "Protocol.of(...)")
        return cls.from_settings(parsed, timed=timed)

    @classmethod
    def plain(cls, time_unit: str = "", kind: EditKind = "knockout", strength: float = 1.0) -> Self:
        """What a screen without a protocol is taken for: edits that act at once, one medium, then measured.

        Times count from the perturbation; cells without a time (0, and no unit) were measured at rest.
        """
        at_once = PerturbStep(kind=kind, strength=strength, onset=0.0)
        raw = {"time_unit": time_unit or None, "steps": (at_once, culture(), measure())}
        return cls(parse(ProtocolSettings, raw, "Protocol.plain(...)"))

    @property
    def time_unit(self) -> str:
        """Unit of every duration, empty if the screen has one time."""
        return self.settings.time_unit or ""

    @property
    def accepted(self) -> frozenset[str]:
        """Assumptions that the user takes responsibility for although the protocol speaks against them."""
        return frozenset(self.settings.accept)

    def steps(self, condition: Condition) -> tuple[Step, ...]:
        """The steps that cells of this condition went through.

        Raises
        ------
        StudyError: no steps are given for its context.
        """
        own = self.settings.controls if condition.is_control else ()
        return own or self._steps_in(condition.context)

    def timeline(self, condition: Condition) -> Timeline:
        """When what happened to cells of this condition, from the first step to the measurement.

        Raises
        ------
        StudyError: no steps for its context; no step edits one of its genes; a time that the steps do not reach,
            or at which its cells were not perturbed yet.
        """
        steps = self.steps(condition)
        edits = partial(_edits, genes=condition.genes, rest=self._unnamed(condition))
        return draw_up(steps, edits, partial(self._medium, context=condition.context), self._end(condition))

    def history(self, condition: Condition) -> History:
        """What cells of this condition went through before they were measured.

        Raises
        ------
        StudyError: see `timeline`; or cells are a mixture of too many words.
        """
        return history_of(self.timeline(condition))

    def differentiates(self, condition: Condition) -> bool:
        """Whether unperturbed cells of this condition's setting change with time, or nobody knows (a niche)."""
        return not all(stretch.settled for stretch in self.timeline(condition.control).stretches)

    def swapped(self, first: int, second: int, arm: str | None = None) -> Self:
        """The same protocol with two steps exchanged (numbers count from 0): the other half of a commutator.

        Raises
        ------
        StudyError: there is no such step or arm, or the new order is impossible.
        """
        steps = list(self._steps_in(arm) if arm is not None else self.settings.steps)
        for number in (first, second):
            if not 0 <= number < len(steps):
                raise StudyError(
                    f"there is no step {number}", fix=f"steps are numbered 0 to {len(steps) - 1}"
                )
        steps[first], steps[second] = steps[second], steps[first]
        changed: dict[str, Any] = {"steps": tuple(steps)}
        if arm in self.settings.arms:
            changed = {"arms": self.settings.arms | {arm: tuple(steps)}}
        settings = self.settings.model_copy(update=changed)
        require_possible(settings, timed=self.timed and settings.time_unit is not None)
        return replace(self, settings=settings)

    def to_dict(self) -> dict[str, Any]:
        """The protocol as JSON can hold it; `from_dict` reads it."""
        return {"format": FORMAT, "timed": self.timed, "settings": self.settings.model_dump(mode="json")}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], where: str = "a stored protocol") -> Self:
        """Read what `to_dict` wrote.

        Raises
        ------
        IntegrityError: it is of a newer format, or not what `to_dict` writes.
        StudyError: it holds a key or a value that a protocol does not have.
        """
        if stored.get("format") != FORMAT or not isinstance(stored.get("settings"), Mapping):
            raise IntegrityError(
                "this is not a protocol that this version of pajamo reads",
                where=where,
                why=f"its format is {stored.get('format')!r}, not {FORMAT}",
                fix="write it again, or use the version of pajamo that wrote it",
            )
        return cls(parse(ProtocolSettings, stored["settings"], where), bool(stored.get("timed", True)))

    def _steps_in(self, context: str) -> tuple[Step, ...]:
        steps = self.settings.arms.get(context, self.settings.steps)
        if not steps:
            raise StudyError(
                f"no steps say what was done to cells of context {context!r}",
                where="[protocol]",
                why=f"there are arms for {shorten(map(repr, self.settings.arms))}, and no `steps` for the rest",
                fix=f"{nearest(context, self.settings.arms)}add [[protocol.arms.{context or 'name'}]]",
            )
        return steps

    def _end(self, condition: Condition) -> float:
        """Time from the first step to the measurement."""
        steps, fixed = self.steps(condition), fixed_time(self.steps(condition))
        lasting = open_ended(steps)
        if not self.timed or (condition.time == 0 and not self.time_unit):
            return REST if lasting else fixed
        dose = first_dose(self._steps_in(condition.context))
        end = condition.time + (dose or 0.0 if self.settings.clock == "perturbation" else 0.0)
        if end < 0 or (dose is not None and end < dose and not condition.is_control):
            raise self._out_of_time(condition, "before they are perturbed", "is too early")
        if not lasting and end > fixed * (1 + 1e-9):
            raise self._out_of_time(condition, "after the last step has ended", f"is after {fixed:g}")
        return end

    def _out_of_time(self, condition: Condition, what: str, why: str) -> StudyError:
        zero = "the first perturbation" if self.settings.clock == "perturbation" else "the first step"
        return StudyError(
            f"cells of {condition} are measured {what}",
            where="[protocol], against the screen's time column",
            why=f"time {condition.time:g}, counted from {zero}, {why}",
            fix='mend the durations, leave that of the last step out, or set `clock = "start"` or "perturbation"',
        )

    def _unnamed(self, condition: Condition) -> tuple[str, ...]:
        """Genes of the condition that no step names, which steps without targets edit."""
        doses = [step for step in self._steps_in(condition.context) if isinstance(step, Dose)]
        named = {target for step in doses for target in step.targets}
        rest = tuple(gene for gene in condition.genes if gene not in named)
        if rest and all(step.targets for step in doses):
            raise StudyError(
                f"no step perturbs {shorten(rest)}, yet cells of {condition} carry it",
                where=f"[protocol], context {condition.context!r}" if condition.context else "[protocol]",
                why=f"its steps edit {shorten(sorted(named)) or 'nothing'}",
                fix=f"{nearest(rest[0], named)}add it to `targets`, or a `perturb` step without targets",
            )
        return rest

    def _medium(self, step: Stay, context: str) -> str:
        name = f"{NICHE}{step.niche}" if step.do == "transplant" else step.medium
        treatments = self.settings.contexts == "treatments" or (
            self.settings.contexts is None and bool(self.settings.arms)
        )
        if treatments or not context:
            return name
        return f"{name}/{context}" if name else context


def _edits(step: Dose, genes: Sequence[str], rest: Sequence[str]) -> tuple[Edit, ...]:
    strength = 1.0 if step.kind == "knockout" else step.strength
    targets = [gene for gene in genes if gene in step.targets] if step.targets else rest
    return tuple(Edit(gene, step.kind, strength) for gene in targets)


def _raw(steps: Iterable[Step | Mapping[str, Any]]) -> list[Any]:
    return [dict(step) if isinstance(step, Mapping) else step.model_dump() for step in steps]
