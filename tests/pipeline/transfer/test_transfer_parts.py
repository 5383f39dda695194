"""Parts of a transfer: the sites that comparisons learn from, calibration by bins, competition, the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.pipeline.transfer.transfer_tables import study_of

from pajamo.config.assays import parse_assay_study
from pajamo.data.assays.assay import Experiment
from pajamo.data.assays.pairs.distinct import distinct
from pajamo.data.assays.pairs.pairing import on_targets
from pajamo.errors import IntegrityError
from pajamo.models.pairs.features import how_many
from pajamo.pipeline.transfer.compared import pooled
from pajamo.pipeline.transfer.loading import load_transfer
from pajamo.pipeline.transfer.record import TransferRun
from pajamo.pipeline.transfer.saying import COMPETING, ENSEMBLE, log_activity, said_by_all
from pajamo.pipeline.transfer.scoring import calibration, sentence
from pajamo.reports.transfer.page import render_transfer
from pajamo.training.assays.saved import load_assay_model

Transferred = tuple[dict[str, Any], TransferRun]


def test_comparisons_learn_from_the_sites_of_the_network(tmp_path: Path) -> None:
    """Each pair once, no far ones, no on-targets labelled 0; no guide that is tested, and none on two sides."""
    loaded = load_transfer(parse_assay_study(study_of(tmp_path, most_changes=2)))
    rows = pooled(loaded.training, loaded.settings)
    assert how_many(rows.codes).max() == 2
    assert not (on_targets(rows.codes, loaded.pam) & (rows.recorded["label"] == 0)).any()
    assert set(rows.set_of) == {0, 1}
    # The guide of a pair is known from its codes: 36 codes have one base of the guide.
    own, place = distinct(rows.codes[:, loaded.pam :] // 36)
    sides = [set(rows.set_of[place == number]) for number in range(len(own))]
    assert all(len(side) == 1 for side in sides)
    tested = loaded.assay.experiment("test").codes[:, loaded.pam :] // 36
    assert not {row.tobytes() for row in own} & {row.tobytes() for row in tested}


def test_bins_of_probability_hold_all_sites() -> None:
    """A decade a bin; what was said and found of each is its mean."""
    probability = np.array([0.9, 0.2, 0.05, 0.03, 1e-9, 2e-9])
    label = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 0.0])
    sites = Experiment("e", np.zeros((6, 23), np.uint8), {"label": label}, np.zeros(6, np.int8))
    table = calibration(sites, probability)
    assert list(table["sites"]) == [2, 2, 2]
    assert np.allclose(table["said"], [0.55, 0.04, 1.5e-9])
    assert np.allclose(table["found"], [0.5, 0.5, 0.0])
    assert np.allclose(table["at_most"], [1.0, 0.1, 1e-5])


def test_competition_keeps_the_order_within_a_guide(transferred: Transferred) -> None:
    """Off-targets of one guide share what is taken off; its own target is no part of the crowd."""
    study, run = transferred
    loaded = load_transfer(parse_assay_study(study))
    model = run.model()
    sharing = type(model)(
        **{**vars(model), "settings": model.settings.model_copy(update={"competition": 0.7})}
    )
    sites = loaded.assay.experiment("test")
    said = said_by_all(sites, sharing, {}, {})
    taken = said[ENSEMBLE] - said[COMPETING]
    matched = on_targets(sites.codes, loaded.pam)
    odds = sharing.log_odds(sites.codes, "one")
    for guide in np.unique(sites.recorded["guide"]):
        own = (sites.recorded["guide"] == guide) & ~matched
        assert np.allclose(taken[own], taken[own][0])
        crowd = np.log1p(np.exp(odds[:, own]).sum(axis=1)).mean()
        assert taken[own][0] == pytest.approx(0.7 * crowd, rel=1e-6)
    assert (taken > 0).all()


def test_activities_in_parts_are_those_of_the_whole(
    transferred: Transferred, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mechanism in vitro says the same of a pair whatever it is predicted with."""
    study, run = transferred
    start = load_assay_model(run.path / "models" / "turning.safetensors")
    codes = load_transfer(parse_assay_study(study)).assay.experiment("one").codes
    whole = log_activity(start, codes)
    monkeypatch.setattr("pajamo.pipeline.transfer.saying.AT_ONCE", 7)
    assert np.allclose(log_activity(start, codes), whole)


def test_a_folder_without_facts_has_no_page(tmp_path: Path) -> None:
    """An empty folder is no transfer."""
    with pytest.raises(IntegrityError, match="holds no transfer"):
        render_transfer(tmp_path)


def test_the_page_shows_what_was_found(transferred: Transferred) -> None:
    """The sentence, every section, and no path of this machine."""
    page = (transferred[1].path / "report.html").read_text(encoding="utf-8")
    assert transferred[1].verdict["sentence"].split(":")[0] in page
    for anchor in ("scores", "differences", "guides", "calibration", "top", "data"):
        assert f'id="{anchor}"' in page
    assert str(transferred[1].path.parent) not in page


def test_the_sentence_speaks_of_tables_that_say_something() -> None:
    """One site found in one table, twenty in the other: the best model without the network stands beside it."""
    rows = [
        ("test", name, "on-targets removed", model, found, auprc)
        for name, found in (("few", 1.0), ("many", 20.0))
        for model, auprc in (("CFD", 0.1), ("additive-sigmoid", 0.2), ("member 1, a", 0.9), (ENSEMBLE, 0.4))
    ]
    scores = pd.DataFrame(rows, columns=["set", "experiment", "convention", "model", "found", "auprc"])
    told = sentence({"scores": scores})
    assert told.endswith("many 0.400 (network, additive-sigmoid 0.200).")
    assert sentence({"scores": scores[scores["experiment"] == "few"]}).endswith(
        "few 0.400 (network, additive-sigmoid 0.200)."
    )
    assert "No set" in sentence({})
