from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pajamo.config.assays import declare, parse_assay_study
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.explanations.assays.information import information
from pajamo.explanations.assays.matrices import energy_table
from pajamo.models.assays.model import AssayModel
from pajamo.reports.assays.estimates import tabled_matrices
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.assays.instruments import (
    bin_probabilities,
    coordinate_grid,
    coordinate_name,
    curve,
    recorded_as,
)
from pajamo.reports.assays.readers import energy_matrices, pair_maps, seen_letters, site_windows
from pajamo.reports.assays.sections.prediction import band_of
from pajamo.reports.assays.wild_type import drawn_states


def test_matrices_are_the_readers_weights_in_kcal_up_to_each_position_s_mean(promoter: AssayModel) -> None:
    crp, rnap = energy_matrices(promoter)
    own = promoter.assembly.reader("CRP").matrix.detach().numpy() * promoter.assembly.blueprint.kT
    assert crp.values == pytest.approx(own - own.mean(axis=1, keepdims=True))
    assert (crp.name, crp.first, crp.wild_type, crp.unit) == ("CRP", 1, "CGTAC", "kcal/mol")
    assert (rnap.first, rnap.wild_type) == (8, "ACGTAC")


def test_the_run_s_table_and_the_model_file_give_the_same_picture(promoter: AssayModel, assay: Assay) -> None:
    table = energy_table(promoter, assay, information(promoter, assay)).assign(model="promoter")
    for one, other in zip(tabled_matrices(table, "promoter", "ACGT"), energy_matrices(promoter), strict=True):
        assert one.centred == pytest.approx(replace(other, seen=one.seen).centred, nan_ok=True)
        assert (one.name, one.first, one.wild_type, one.unit) == (
            other.name,
            other.first,
            other.wild_type,
            other.unit,
        )


def test_letters_without_information_were_never_seen(folder: Path, promoter: AssayModel) -> None:
    seen = seen_letters(AssayRun(folder).table("footprints"), "ACGT")
    assert seen is not None
    assert np.argwhere(~seen).tolist() == [[1, 2]]
    crp, rnap = energy_matrices(promoter, seen)
    assert crp.seen is not None
    assert rnap.seen is not None
    assert np.argwhere(~crp.seen).tolist() == [[0, 2]]
    assert rnap.seen.all()


def test_a_pairwise_map_is_shown_where_no_pair_holds_what_its_letters_do(
    assay: Assay, promoter: AssayModel
) -> None:
    model = AssayModel(
        "pairwise", declare("latent", reads={"encoder": "pairwise", "length": 4}), promoter.experiments
    )
    reader = model.build(assay).reader("trait")
    reader.randomise(torch.Generator().manual_seed(1))
    (own,) = pair_maps(model)
    assert own.values.shape == (6, 4, 4)
    assert own.values.sum(axis=1) == pytest.approx(0)
    assert own.values.sum(axis=2) == pytest.approx(0)
    raw = reader.pair_matrices.detach().numpy()
    double = raw[:, :1, :1] - raw[:, :1, 1:2] - raw[:, 1:2, :1] + raw[:, 1:2, 1:2]
    shown = own.values
    assert shown[:, :1, :1] - shown[:, :1, 1:2] - shown[:, 1:2, :1] + shown[:, 1:2, 1:2] == pytest.approx(
        double
    )
    assert own.wild_type == "ACGT"
    assert pair_maps(promoter) == []


def test_sites_are_where_readers_look_but_the_whole_sequence_is_none(
    assay: Assay, promoter: AssayModel
) -> None:
    assert [(site.name, site.start, site.end) for site in site_windows(promoter)] == [
        ("CRP", 1, 6),
        ("RNAP", 8, 14),
    ]
    whole = AssayModel("additive", declare("latent"), promoter.experiments)
    whole.build(assay)
    assert site_windows(whole) == []
    sites = {"RNAP": {"slide": (0, 8), "length": 6}}
    sliding = AssayModel(
        "s", declare("thermodynamic", sites=sites, transcribes=["RNAP"]), promoter.experiments
    )
    sliding.build(assay)
    (site,) = site_windows(sliding)
    assert (site.start, site.end, site.slides) == (0, 14, True)
    (matrix,) = energy_matrices(sliding)
    assert (matrix.first, matrix.wild_type) == (0, "")


def test_shares_of_bins_add_up_and_the_band_holds_ninety_percent_of_mean_bins(promoter: AssayModel) -> None:
    grid = coordinate_grid(np.linspace(-2, 2, 50))
    shares = bin_probabilities(promoter, "sorted", grid)
    assert shares.sum(axis=1) == pytest.approx(1)
    table = curve(promoter, "sorted", grid, reads=40)
    assert table["expected"].to_numpy() == pytest.approx(shares @ np.arange(1, 5))
    spread = np.sqrt((shares @ np.arange(1, 5) ** 2 - table["expected"] ** 2) / 40)
    # Mean bins of many reads are nearly normal: 90 % lie within 1.645 standard deviations.
    assert (table["high"] - table["low"]).to_numpy() == pytest.approx(2 * 1.645 * spread, rel=0.15, abs=0.06)
    assert curve(promoter, "sorted", grid, reads=40).equals(table)
    assert recorded_as(promoter, "sorted") == "mean bin"


def test_the_band_of_readings_is_that_of_the_fitted_noise(assay: Assay) -> None:
    measurement = {"kind": "continuous", "nonlinearity": "linear"}
    study = parse_assay_study(
        {"name": "x", "experiments": {"e": {"path": "a.csv", "measurement": measurement}}}
    )
    model = AssayModel("additive", declare("latent"), study.experiments)
    own = assay.experiments[0]
    read = Experiment("e", own.codes, {"value": np.zeros(own.n)}, own.set_of)
    model.build(Assay(assay.alphabet, assay.wild_type, (read,)))
    table = curve(model, "e", np.linspace(-1, 1, 20))
    width = (table["high"] - table["low"]).to_numpy()
    draws = torch.zeros(4000, dtype=torch.float64)
    drawn = model.assembly.measurement("e").draw(draws, {"value": draws}, torch.Generator().manual_seed(1))[
        "value"
    ]
    assert width.mean() == pytest.approx(2 * 1.645 * float(drawn.detach().std()), rel=0.05)
    assert recorded_as(model, "e") == "y, as recorded"


def test_the_axis_says_on_which_scale_the_instrument_takes_the_activity(promoter: AssayModel) -> None:
    assert coordinate_name(promoter, "sorted") == (
        "logit of the activity, in standard deviations of the training set"
    )
    promoter.assembly.measurement("sorted").normalised = False
    promoter.assembly.coordinates["sorted"] = "log"
    assert coordinate_name(promoter, "sorted") == "ln of the activity"


def test_activities_with_the_same_expectation_share_a_band() -> None:
    x = np.linspace(-1, 1, 200)
    band = band_of(
        pd.DataFrame({"coordinate": x, "expected": x**2, "low": x**2 - 1, "high": x**2 + 1 + (x > 0)})
    )
    assert band["expected"].is_monotonic_increasing
    assert (band["low"] - band["expected"]).to_numpy() == pytest.approx(-1)
    assert (band["high"] - band["expected"]).to_numpy() == pytest.approx(1.5, abs=0.2)


def test_states_are_active_where_their_rate_is_not_a_plain_zero() -> None:
    table = pd.DataFrame(
        {
            "model": "m",
            "experiment": ["e"] * 3 + ["f"],
            "state": list("abcd"),
            "occupancy": 0.25,
            "rate": ["0", "r[c]", "0.5", "0"],
        }
    )
    (first, states), (second, _) = drawn_states(table, "m")
    assert (first, second) == ("e", "f")
    assert states["active"].tolist() == [False, True, True]
    assert states["energy"].isna().all()
    assert drawn_states(table, "another") == []
