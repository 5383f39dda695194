"""Pair studies that cannot be: each gives pajamo's own error, which names what is wrong and what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.pipeline.assays.simulated_pairs import STEPS, cycle, pair_table, rate_study

import pajamo
from pajamo.config.assays.study import parse_assay_study
from pajamo.errors import DataError, IntegrityError, ModelError, PajamoError, SplitError, StudyError
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.saved import facts, restore, state
from pajamo.pipeline.assays.loading import load_assay
from pajamo.pipeline.assays.pair_scoring import predict_pair_table, score_pair_table
from pajamo.pipeline.assays.planning import planned
from pajamo.pipeline.assays.run import run_assay_study


@pytest.fixture(scope="module")
def table():
    return pair_table(3, 120)


def refused(tmp_path, table: pd.DataFrame, **changed) -> PajamoError:
    """The error of a run on a table."""
    table.to_csv(tmp_path / "pairs.csv", index=False)
    study = parse_assay_study(rate_study(tmp_path / "pairs.csv", **changed))
    with pytest.raises(PajamoError) as caught:
        run_assay_study(study, tmp_path / "runs")
    return caught.value


def test_a_scheme_without_a_path_to_the_product(tmp_path, table):
    lost = cycle()
    lost["transitions"]["open->free"].pop("makes")
    lost["transitions"] = {k: v for k, v in lost["transitions"].items() if k != "bound->open"}
    lost["passages"] = {"cleavage": {"start": "free", "to": ["open"]}}
    error = refused(tmp_path, table, mechanisms={"lost": lost})
    assert isinstance(error, StudyError)
    assert "mechanisms.lost" in str(error)
    assert error.fix


def test_a_scheme_that_makes_nothing(tmp_path, table):
    idle = cycle()
    idle["transitions"]["open->free"].pop("makes")
    error = refused(tmp_path, table, mechanisms={"idle": idle})
    assert isinstance(error, StudyError)
    assert "no output" in error.what


@pytest.mark.parametrize(("start", "length"), [(0, 40), (9, 1)])
def test_a_window_outside_the_pair(tmp_path, table, start, length):
    wide = cycle()
    wide["transitions"]["bound->open"] = {"reads": {"start": start, "length": length}}
    error = refused(tmp_path, table, mechanisms={"wide": wide})
    assert isinstance(error, StudyError)
    assert "outside" in error.what
    assert "bound->open" in error.where


def test_an_r_loop_of_another_length(tmp_path, table):
    error = refused(tmp_path, table, mechanisms={"loop": {"kind": "r-loop", "steps": 20}})
    assert isinstance(error, StudyError)
    assert f"give steps = {STEPS}" in error.fix


def test_one_guide_only_cannot_be_split_by_guide(tmp_path):
    one = pair_table(1, 60)
    error = refused(tmp_path, one, test_guides=[one["guide"][0]])
    assert isinstance(error, SplitError)
    assert "one guide" in str(error)


def test_rates_that_are_all_beyond_the_limit(tmp_path, table):
    error = refused(tmp_path, table.assign(log10_k=-6.0))
    assert isinstance(error, DataError)
    assert "all 120 rates are beyond the limits of detection" in error.what


def test_cuts_without_positives(tmp_path, table):
    table.assign(label=0).to_csv(tmp_path / "pairs.csv", index=False)
    raw = rate_study(tmp_path / "pairs.csv")
    raw["experiments"]["wt"]["measurement"] = {"kind": "cut"}
    with pytest.raises(DataError, match="no positives"):
        load_assay(parse_assay_study(raw))


def test_a_map_of_sequences_among_the_comparisons(tmp_path, table):
    error = refused(tmp_path, table, models={"ladder": ["pairwise"]})
    assert isinstance(error, StudyError)
    assert "does not read guide-target pairs" in error.what


def test_a_sequence_encoder_in_a_scheme(tmp_path, table):
    neighbours = cycle()
    neighbours["transitions"]["bound->open"] = {"reads": {"start": 3, "length": 3, "encoder": "neighbour"}}
    error = refused(tmp_path, table, mechanisms={"neighbours": neighbours})
    assert "does not read guide-target pairs" in error.what


@pytest.fixture(scope="module")
def built(table, tmp_path_factory):
    """An R-loop and a cycle of the same pairs, not fitted: what a file holds of them is whole all the same."""
    folder = tmp_path_factory.mktemp("built")
    table.to_csv(folder / "pairs.csv", index=False)
    loop = {"kind": "r-loop", "steps": STEPS}
    study = rate_study(folder / "pairs.csv", mechanisms={"loop": loop, "cycle": cycle()})
    loaded = load_assay(parse_assay_study(study))
    plan = {model.name: model.fits[0] for model in planned(loaded.study)}
    models: dict[str, AssayModel] = {}
    for name in ("loop", "cycle"):
        models[name] = plan[name].model(0)
        models[name].build(loaded.assay.part("training"))
    return models


def test_a_checkpoint_of_another_scheme(built):
    arrays = {name: np.asarray(values) for name, values in state(built["loop"]).items()}
    with pytest.raises(IntegrityError, match="does not hold a whole model") as caught:
        restore(arrays, facts(built["cycle"], built["cycle"].frame), "model.safetensors")
    assert "fit the model again" in caught.value.fix


def test_pairs_that_cannot_be_scored(built, table):
    model = built["cycle"]
    with pytest.raises(DataError, match="no column 'guide'"):
        score_pair_table(model, table.rename(columns={"guide": "other"}))
    with pytest.raises(DataError, match="letters"):
        predict_pair_table(model, table.head(2).assign(guide="ACGTACGTACGTGG"))
    with pytest.raises(DataError):
        predict_pair_table(model, table.head(2).assign(target="AC?TAGTGG"))
    with pytest.raises(ModelError, match="no experiment 'other'"):
        predict_pair_table(model, table.head(2), experiment="other")


def test_commands_on_pairs(built, table, tmp_path, command):
    from pajamo.training.assays.saved import save_assay_model

    study = rate_study(tmp_path / "pairs.csv")
    table.to_csv(tmp_path / "pairs.csv", index=False)
    file = tmp_path / "cycle.safetensors"
    save_assay_model(built["cycle"], load_assay(parse_assay_study(study)).assay, file)
    out = tmp_path / "made.csv"
    assert command("predict", file, "--pairs", tmp_path / "pairs.csv", "-o", out).code == 0
    assert list(pd.read_csv(out)) == ["guide", "target", "activity", "expected"]
    done = command("score", file, tmp_path / "pairs.csv", "-o", out)
    assert done.code == 0
    assert "120 pairs" in done.out
    assert {"low", "high", "step", "share"} <= set(pd.read_csv(out))
    wrong = command("predict", file)
    assert wrong.code != 0
    assert "--pairs" in wrong.err
    assert pajamo.score(file, table.head(3), steps=False).shape[0] == 3
