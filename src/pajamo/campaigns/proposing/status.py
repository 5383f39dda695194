"""Where a campaign stands: rounds, what is awaited and spent, and how good its predictions turned out to be."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.campaigns.acquisition.inference_set import right_classes, right_values, stop_verdict
from pajamo.campaigns.records import Campaign, RoundRecord
from pajamo.campaigns.state import Measured

COVERED = 1.6448536269514722
"""Standard deviations on either side that hold 90 % of a normal distribution."""


def status_of(campaign: Campaign) -> dict[str, Any]:
    """Everything that a user asks of a campaign, as JSON can hold it.

    Raises
    ------
    StudyError: the campaign's file was not finished.
    """
    study, state, rounds = campaign.study, campaign.state(), campaign.rounds()
    spent, budget = state.spent, study.get("batch", {}).get("budget")
    return {
        "name": study.get("name", ""),
        "goal": study.get("goal", ""),
        "file": str(campaign.path),
        "candidates": len(campaign.candidates()),
        "outputs": campaign.outputs,
        "results": len(state.results),
        "measured": len({one.candidate for one in state.results}),
        "pending": list(state.pending),
        "failed": list(state.failed),
        "withdrawn": list(state.withdrawn),
        "spent": spent,
        "spent_on_failed": _on_failed(rounds, campaign),
        "budget": budget,
        "left": None if budget is None else budget - spent,
        "rounds": round_table(rounds, campaign).to_dict("records"),
        "stop": _stop(campaign, rounds),
    }


def _on_failed(rounds: list[RoundRecord], campaign: Campaign) -> float:
    """Money for measurements that failed: their own cost, without their share of runs, lanes and controls."""
    events = campaign.events()
    failed = events[events["what"] == "failed"]
    lost = set(zip(failed["round"], failed["candidate"], strict=True))
    return float(
        sum(
            choice.cost
            for one in rounds
            for choice in one.proposal.choices
            if (one.number, choice.candidate) in lost
        )
    )


def _stop(campaign: Campaign, rounds: list[RoundRecord]) -> dict[str, Any] | None:
    """Whether predictions may stand for what is left, from the last round with results; None where nobody asked."""
    asked = campaign.study.get("stop")
    if asked is None:
        return None
    results = campaign.state().results
    for look in range(len(rounds), 0, -1):
        right = _right(rounds[look - 1], [one for one in results if one.round == look], campaign)
        if len(right):
            target, confidence = asked.get("target", 0.95), asked.get("confidence", 0.95)
            return asdict(stop_verdict(right, target=target, confidence=confidence, look=look))
    return None


def _right(one: RoundRecord, results: list[Measured], campaign: Campaign) -> NDArray[np.bool_]:
    """Of each result of a round, whether it had been predicted right."""
    said = {choice.candidate: choice.mean for choice in one.proposal.choices if choice.mean}
    known = [result for result in results if result.candidate in said]
    predicted = np.array([said[result.candidate] for result in known]).reshape(len(known), -1)
    recorded = np.array(
        [[result.values.get(name) for name in campaign.outputs] for result in known], dtype=float
    ).reshape(len(known), -1)
    if campaign.study.get("classes"):
        return right_classes(predicted[:, 0], recorded[:, 0]) if known else np.zeros(0, dtype=bool)
    return right_values(predicted, recorded, campaign.study["stop"]["tolerance"])


def round_table(rounds: list[RoundRecord], campaign: Campaign) -> pd.DataFrame:
    """One row a round: how many were proposed and came back, cost, gain beside random, and how predictions fared.

    Calibration is of what was predicted before the results came: the share of results within the 90 % interval of
    model and measurement error together, and the root mean squared error, of the first output.
    """
    results = campaign.state().results
    events = campaign.events()
    rows = []
    for one in rounds:
        came = events[events["round"] == one.number]
        errors, z = _fared(one, [r for r in results if r.round == one.number], campaign.outputs)
        rows.append(
            {
                "round": one.number,
                "made": one.made,
                "proposed": len(one.proposal.choices),
                "measured": int((came["what"] == "measured").sum()),
                "failed": int((came["what"] == "failed").sum()),
                "cost": one.proposal.total_cost,
                "by": one.proposal.acquisition,
                "model": one.proposal.model,
                "expected": _plain(one.proposal.expected),
                "at_random": one.proposal.at_random,
                "unit": one.proposal.unit,
                "rmse": _plain(float(np.sqrt(np.mean(np.square(errors))))) if len(errors) else None,
                "covered": float(np.mean(np.abs(z) <= COVERED)) if len(z) else None,
                "fingerprint": one.proposal.fingerprint,
            }
        )
    return pd.DataFrame(rows)


def _fared(one: RoundRecord, results: list[Measured], outputs: list[str]) -> tuple[list[float], list[float]]:
    """Errors of what was predicted of the first output, and the same in standard deviations."""
    said = {c.candidate: (c.mean[0], c.deviation[0]) for c in one.proposal.choices if c.deviation}
    errors, z = [], []
    for result in results:
        value = result.values.get(outputs[0])
        if value is None or result.candidate not in said:
            continue
        mean, deviation = said[result.candidate]
        total = np.hypot(deviation, result.errors.get(outputs[0], 0.0))
        errors.append(value - mean)
        if total > 0:
            z.append((value - mean) / total)
    return errors, z


def _plain(value: float) -> float | None:
    """A number as JSON can hold it."""
    return value if np.isfinite(value) else None
