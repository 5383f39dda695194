"""What a fit says of itself."""

import dataclasses

import pytest

from pajamo.training.assays.report import CONVERGED_BELOW, FitReport

REPORT = FitReport(1234.5, 0.0012, 17, (1.2, 1.3), 3.0, (1300.0, 1234.5))
NAN = float("nan")


@pytest.mark.parametrize(
    ("gap", "converged", "start"),
    [
        (0.0, True, "converged: one more Newton step promises 0 nats (after 17 steps)"),
        (0.0012, True, "converged: one more Newton step promises 0.0012 nats (after 17 steps)"),
        (CONVERGED_BELOW, False, "NOT CONVERGED: parameters are not to be interpreted: one more"),
        (53.0, False, "NOT CONVERGED: parameters are not to be interpreted: one more"),
        (float("inf"), False, "NOT CONVERGED"),
        (NAN, False, "stopped after 17 epochs, the best weights on the validation set restored"),
    ],
)
def test_the_verdict_follows_from_the_gap(gap, converged, start):
    report = dataclasses.replace(REPORT, gap=gap)
    assert report.converged is converged
    assert report.verdict.startswith(start)


def test_without_a_validation_set_nothing_is_said_of_one():
    report = dataclasses.replace(REPORT, gap=NAN, validated=False)
    assert report.verdict == "stopped after 17 epochs, without validation set"


@pytest.mark.parametrize("gap", [0.001, NAN])
def test_a_refit_says_which_rows_the_model_has_seen(gap):
    report = dataclasses.replace(REPORT, gap=gap, refitted=True)
    assert "refitted to training and validation rows" in report.verdict
    assert "restored" not in report.verdict
