"""Whether a protocol is one of this screen: its arms, targets, times and controls are those that cells have."""

from __future__ import annotations

from collections.abc import Sequence

from pajamo.data.conditions import Condition
from pajamo.errors import StudyError, nearest, shorten
from pajamo.protocols.protocol import Protocol
from pajamo.protocols.steps import Dose


def require_agreement(protocol: Protocol, conditions: Sequence[Condition]) -> None:
    """Refuse a protocol that the conditions of a screen contradict.

    Raises
    ------
    StudyError: an arm that no cell has; a context without steps; a target that no cell was given; perturbed
        cells that no step perturbs, or that were measured before it; a time that the steps do not reach;
        control cells that went through something else than the perturbed cells (unless "same-cells" is accepted).
    """
    _require_arms(protocol, conditions)
    _require_targets(protocol, conditions)
    for condition in conditions:
        protocol.history(condition)
    if "same-cells" not in protocol.accepted:
        _require_same_words(protocol, conditions)


def differing_controls(protocol: Protocol, conditions: Sequence[Condition]) -> list[Condition]:
    """Perturbed conditions whose control went through more than the lack of the perturbation."""
    if not protocol.settings.controls:
        return []
    return [
        c
        for c in conditions
        if not c.is_control
        and protocol.history(c).without_edits() != protocol.history(c.control).without_edits()
    ]


def _require_arms(protocol: Protocol, conditions: Sequence[Condition]) -> None:
    contexts = sorted({condition.context for condition in conditions})
    for arm in protocol.settings.arms:
        if arm not in contexts:
            raise StudyError(
                f"no cell is in arm {arm!r}",
                where=f"protocol.arms.{arm}",
                why=f"the screen's contexts are {shorten(map(repr, contexts))}"
                + ("" if any(contexts) else ": [data] names no column for them"),
                fix=f"{nearest(arm, contexts)}set `context` under [data] to the column that tells arms apart",
            )


def _require_targets(protocol: Protocol, conditions: Sequence[Condition]) -> None:
    known = sorted({gene for condition in conditions for gene in condition.genes})
    lists = {"protocol.steps": protocol.settings.steps}
    lists |= {f"protocol.arms.{arm}": steps for arm, steps in protocol.settings.arms.items()}
    for name, steps in lists.items():
        for number, step in enumerate(steps):
            unknown = [t for t in step.targets if t not in known] if isinstance(step, Dose) else []
            if unknown:
                raise StudyError(
                    f"no cell's label names the target {unknown[0]!r}",
                    where=f"{name}[{number}].targets, step {number + 1} ({step.do})",
                    why=f"labels of the screen name {shorten(known)}",
                    fix=f"{nearest(unknown[0], known)}leave it out, or write it as the labels do",
                )


def _require_same_words(protocol: Protocol, conditions: Sequence[Condition]) -> None:
    differing = differing_controls(protocol, conditions)
    if differing:
        first = differing[0]
        raise StudyError(
            f"the control of {first} went through another protocol",
            where="protocol.controls",
            why=f"the control: {protocol.history(first.control).without_edits()}; "
            f"{first} without its edits: {protocol.history(first).without_edits()}; "
            f"so do the controls of {len(differing) - 1} more",
            fix="give control cells that were treated as the others were but for the perturbation, or take "
            'responsibility with accept = ["same-cells"] under [protocol]',
        )
