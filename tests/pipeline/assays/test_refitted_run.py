"""Studies that ask for a refit: validation rows are scored by models that had not yet learned from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pajamo.config.assays import parse_assay_study
from pajamo.data.run_folder import RunFolder
from pajamo.errors import StudyError
from pajamo.pipeline.assays.fitting import Fitted, fit_models
from pajamo.pipeline.assays.loading import LoadedAssay, load_assay
from pajamo.pipeline.assays.planning import planned as models_of
from pajamo.pipeline.assays.record import fit_table

BINS = {"kind": "bins", "columns": ["dark", "dim", "light", "bright"], "knots": 6}
ADDITIVE = 1


@pytest.fixture
def maps(planted: pd.DataFrame, tmp_path: Path) -> dict[str, Any]:
    """A study without a mechanism, as a dictionary."""
    planted.to_csv(tmp_path / "sorted.csv", index=False)
    return {
        "name": "maps",
        "experiments": {"sorted": {"path": str(tmp_path / "sorted.csv"), "measurement": BINS}},
        "models": {"starts": 1, "steps": 30, "refit": True},
    }


def fitted(study: dict[str, Any], folder: Path) -> tuple[LoadedAssay, tuple[Fitted, ...]]:
    loaded = load_assay(parse_assay_study(study))
    return loaded, fit_models(models_of(loaded.study), loaded, RunFolder(folder), lambda _: None)


def nats(model: Any, loaded: LoadedAssay, set_name: str) -> np.ndarray:
    return np.asarray(model.log_likelihood(loaded.assay.experiments[0].part(set_name)))


def test_validation_rows_are_scored_by_the_model_that_they_chose(
    maps: dict[str, Any], tmp_path: Path
) -> None:
    loaded, after = fitted(maps, tmp_path / "after")
    _, plain = fitted(maps | {"models": maps["models"] | {"refit": False}}, tmp_path / "plain")
    name = "additive"
    chosen, final = after[ADDITIVE].models_for("validation")[name], after[ADDITIVE].models_for("test")[name]
    np.testing.assert_array_equal(
        nats(chosen, loaded, "validation"), nats(plain[ADDITIVE].models[name], loaded, "validation")
    )
    assert not np.array_equal(nats(chosen, loaded, "test"), nats(final, loaded, "test"))
    # Rows that a model has learned from look better than they would have.
    assert nats(final, loaded, "validation").mean() > nats(chosen, loaded, "validation").mean()
    assert plain[ADDITIVE].models_for("validation") == plain[ADDITIVE].models_for("test")
    assert fit_table(after)["verdict"].str.contains("refitted to training and validation rows").all()
    assert not fit_table(plain)["verdict"].str.contains("refitted").any()


def test_a_run_that_was_stopped_knows_both_models(maps: dict[str, Any], tmp_path: Path) -> None:
    loaded, first = fitted(maps, tmp_path / "run")
    _, again = fitted(maps, tmp_path / "run")
    for one, other in zip(first, again, strict=True):
        assert one.reports == other.reports
        for part in ("validation", "test"):
            models, same = one.models_for(part), other.models_for(part)
            assert models.keys() == same.keys()
            for key in models:
                np.testing.assert_array_equal(nats(models[key], loaded, part), nats(same[key], loaded, part))


def test_without_a_test_set_nothing_is_left_to_judge_a_refit_on(maps: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="nothing left to be judged on"):
        fitted(maps | {"holdout": [0.2, 0.0]}, tmp_path / "run")


def test_a_study_with_a_mechanism_has_no_refit(maps: dict[str, Any]) -> None:
    site = {"A": {"start": 0, "length": 4}}
    mechanism = {"kind": "thermodynamic", "sites": site, "transcribes": ["A"]}
    with pytest.raises(StudyError, match="without a mechanism"):
        parse_assay_study(maps | {"mechanisms": {"own": mechanism}})
