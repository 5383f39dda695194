"""What was measured in vitro and what cells change of it: both are found again in simulated tables of sites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.transfer.planted_transfer import SCHEME, assay, fitted, frame, labels, sites, study

from pajamo.data.assays import Assay
from pajamo.errors import ModelError
from pajamo.models.assays.model import AssayModel
from pajamo.models.transfer.building import new_network
from pajamo.models.transfer.network import TransferNetwork
from pajamo.models.transfer.predicting import interval
from pajamo.training.transfer.fit import fit_transfer

GUIDES, EACH = 18, 180
HELD = {14: 1, 15: 1, 16: 2, 17: 2}
SLOPE, LIFT, OFFSETS = 3.0, 4.0, {"near": 3.0, "far": 1.0}
"""Log odds of ten times the rate, and those of both tables at a rate of 1."""
BEYOND = -4.0
"""What cells change: ln of a rate, wherever the guide's tenth base meets another one."""


def shifted(model: AssayModel) -> TransferNetwork:
    """The mechanism in cells: as in vitro, but for an effect that none of its windows can see."""
    asked = study(SCHEME)
    assert asked.transfer is not None
    made = new_network(model.mechanism, asked.transfer, frame(), asked.experiments)
    made.kinetics.take(model.assembly)
    assert made.context is not None
    weights = torch.zeros(len(made.kinetics.blueprint.terms), 11, 18)
    names = [term.name for term in made.kinetics.blueprint.terms]
    place = next(i for i, name in enumerate(names) if "bound->open" in name)
    weights[place, 9, :12] = BEYOND
    made.context.bound = 100.0
    made.context.last.weight.data = weights.flatten(1)
    return made.eval()


def tables(truth: TransferNetwork) -> Assay:
    """Two tables of the same guides, the second with rarer sites; two guides are kept aside, and two are tested."""
    made = {}
    own, of = sites(GUIDES, EACH, seed=0)
    for number, (name, offset) in enumerate(OFFSETS.items()):
        made[name] = (own, labels(SLOPE * activity(truth, own) + LIFT + offset, number), of)
    return assay(made, HELD)


def activity(model: Any, own: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return model.log10_activity(torch.as_tensor(own)).numpy()


@pytest.fixture(scope="module")
def planted() -> tuple[AssayModel, TransferNetwork, Assay]:
    model = fitted(scale=0.7)
    truth = shifted(model)
    return model, truth, tables(truth)


def test_what_cells_change_is_found_and_helps_with_new_guides(
    planted: tuple[AssayModel, TransferNetwork, Assay],
) -> None:
    start, truth, held = planted
    asked = study(epochs=8, rate=0.1, context_sd=2.0, bound=10.0, freeze="frozen")
    found = fit_transfer(asked, held, {"cas": start})
    own, of = sites(GUIDES, EACH, seed=0)
    new = of >= 16
    wanted = activity(truth, own)[new]
    said = found.log10_activity(own)[0][new]
    before = activity(plain(start), own)[new]
    agreement = [float(np.corrcoef(each, wanted)[0, 1]) for each in (said, before)]
    assert agreement[0] > 0.97
    assert agreement[0] > agreement[1] + 0.03


def plain(model: AssayModel) -> TransferNetwork:
    """The mechanism without a change."""
    asked = study(context="none")
    assert asked.transfer is not None
    made = new_network(model.mechanism, asked.transfer, frame(), asked.experiments)
    made.kinetics.take(model.assembly)
    return made.eval()


def test_frozen_and_without_context_the_models_own_ranking_stays(
    planted: tuple[AssayModel, TransferNetwork, Assay],
) -> None:
    start, _, held = planted
    found = fit_transfer(study(context="none", freeze="frozen"), held, {"cas": start})
    own, _ = sites(4, 100, seed=5)
    before = activity(plain(start), own)
    np.testing.assert_array_equal(found.log10_activity(own)[0].argsort(), before.argsort())
    np.testing.assert_allclose(found.log10_activity(own)[0], before, atol=1e-5)


def test_offsets_refer_to_whole_tables_however_many_sites_are_drawn(
    planted: tuple[AssayModel, TransferNetwork, Assay],
) -> None:
    start, _, held = planted
    asked = study(
        context="none",
        freeze="frozen",
        negatives=1,
        epochs=12,
        rate=0.05,
        drop_matched=False,
    )
    found = fit_transfer(asked, held, {"cas": start})
    for experiment in held.part("training").experiments:
        own, place = np.unique(experiment.codes, axis=0, return_inverse=True)
        label = np.zeros(len(own))
        np.maximum.at(label, place.ravel(), experiment.recorded["label"])
        said = 1 / (1 + np.exp(-found.log_odds(own, experiment.name)[0]))
        assert said.mean() == pytest.approx(label.mean(), rel=0.08)


@pytest.mark.parametrize(
    ("freeze", "moved"), [("frozen", set()), ("rates", {"shift"}), ("free", {"weights"})]
)
def test_only_what_may_move_does(
    planted: tuple[AssayModel, TransferNetwork, Assay], freeze: str, moved: set[str]
) -> None:
    start, _, held = planted
    found = fit_transfer(study(freeze=freeze, epochs=1), held, {"cas": start}).members[0].kinetics
    before = plain(start).kinetics
    other = {
        "shift" if name == "shift" else "weights"
        for (name, one), (_, two) in zip(found.state_dict().items(), before.state_dict().items(), strict=True)
        if not torch.equal(one, two)
    }
    assert other == moved
    fixed = [place for place, term in enumerate(found.blueprint.terms) if term.fixed]
    with torch.no_grad():
        assert torch.equal(found.matched()[fixed], before.matched()[fixed])


def test_no_term_is_changed_beyond_the_bound(planted: tuple[AssayModel, TransferNetwork, Assay]) -> None:
    start, _, held = planted
    asked = study(freeze="frozen", bound=0.2, context_sd=5.0, rate=0.1, strength_sd=0.0)
    found = fit_transfer(asked, held, {"cas": start})
    own, _ = sites(4, 100, seed=5)
    with torch.no_grad():
        before = plain(start).terms(torch.as_tensor(own)).numpy()
    change = np.abs(found.terms(own) - before)
    assert 0.1 < change.max() <= 0.2 + 1e-5


def test_what_the_guides_own_bases_change_is_found(
    planted: tuple[AssayModel, TransferNetwork, Assay],
) -> None:
    start = planted[0]
    truth = shifted(start)
    assert truth.strength is not None
    readers = list(truth.kinetics.blueprint.readers)
    place = next(i for i, name in enumerate(readers) if "bound->open" in name)
    truth.strength.weights.data[place] = 1.5
    asked = study(epochs=8, rate=0.1, context_sd=2.0, bound=10.0, freeze="frozen", strength_sd=1.0)
    found = fit_transfer(asked, tables(truth), {"cas": start}).members[0].strength
    assert found is not None
    assert 0.8 < found.weights[place].item() < 2.4


def test_members_differ_and_the_same_seed_gives_the_same_bits(
    planted: tuple[AssayModel, TransferNetwork, Assay],
) -> None:
    start, _, held = planted
    asked = study(members=2, resample=True, context="network", hidden=(8,), epochs=1)
    one, other = (fit_transfer(asked, held, {"cas": start}, seed=3) for _ in range(2))
    own, _ = sites(3, 30, seed=5)
    np.testing.assert_array_equal(one.log_odds(own), other.log_odds(own))
    assert np.abs(np.diff(one.log_odds(own), axis=0)).max() > 1e-3
    assert one.calibration


def test_the_test_set_is_not_read(planted: tuple[AssayModel, TransferNetwork, Assay]) -> None:
    start, _, held = planted
    turned = Assay(
        held.alphabet,
        held.wild_type,
        tuple(
            type(e)(
                e.name,
                e.codes,
                {
                    **e.recorded,
                    "label": np.where(e.set_of == 2, 1 - e.recorded["label"], e.recorded["label"]),
                },
                e.set_of,
            )
            for e in held.experiments
        ),
    )
    own, _ = sites(3, 30, seed=5)
    one, other = (fit_transfer(study(epochs=1), own_assay, {"cas": start}) for own_assay in (held, turned))
    np.testing.assert_array_equal(one.log_odds(own), other.log_odds(own))


def test_going_on_gives_the_bits_of_one_go(
    planted: tuple[AssayModel, TransferNetwork, Assay], tmp_path: Path
) -> None:
    start, _, held = planted
    asked = study(members=2, resample=True, epochs=1)
    whole = fit_transfer(asked, held, {"cas": start}, checkpoint=tmp_path)
    (tmp_path / "member-1.safetensors").unlink()
    told: list[str] = []
    again = fit_transfer(asked, held, {"cas": start}, checkpoint=tmp_path, progress=told.append)
    own, _ = sites(3, 30, seed=5)
    np.testing.assert_array_equal(whole.log_odds(own), again.log_odds(own))
    assert sum(line.startswith("epoch") for line in told) == 1
    with pytest.raises(ModelError, match="another training") as refused:
        fit_transfer(study(members=2, resample=True, epochs=2), held, {"cas": start}, checkpoint=tmp_path)
    assert "settings" in str(refused.value)


def test_a_mechanism_learns_without_a_start(planted: tuple[AssayModel, TransferNetwork, Assay]) -> None:
    _, truth, held = planted
    asked = study(context_sd=1.0, epochs=8, rate=0.1, kinetic_sd=3.0, guide_offsets=True)
    found = fit_transfer(asked, held)
    own, of = sites(GUIDES, EACH, seed=0)
    new = of >= 16
    said, wanted = found.log10_activity(own)[0][new], activity(truth, own)[new]
    assert np.corrcoef(said, wanted)[0, 1] > 0.85


def test_starts_and_weights_that_do_not_belong_are_refused(
    planted: tuple[AssayModel, TransferNetwork, Assay],
) -> None:
    start, _, held = planted
    loop = study({"kind": "r-loop", "steps": 8})
    with pytest.raises(ModelError, match="no fit of the declared mechanism"):
        fit_transfer(loop, held, {"cas": start})
    with pytest.raises(ModelError, match="no table 'nera'"):
        fit_transfer(study(weights={"nera": 2.0}), held, {"cas": start})
    with pytest.raises(ModelError, match="no mechanism 'cos'"):
        fit_transfer(_named("cos"), held, {"cas": start})


def _named(name: str) -> Any:
    asked = study()
    assert asked.transfer is not None
    return asked.model_copy(update={"transfer": asked.transfer.model_copy(update={"mechanism": name})})


def test_intervals_of_resampled_members_hold_the_truth_for_new_guides(
    planted: tuple[AssayModel, TransferNetwork, Assay],
) -> None:
    start, truth, held = planted
    asked = study(members=5, resample=True, epochs=8, rate=0.1, context_sd=1.0, bound=10.0, freeze="frozen")
    found = fit_transfer(asked, held, {"cas": start})
    own, of = sites(GUIDES, EACH, seed=0)
    new = of >= 16
    wanted = 1 / (1 + np.exp(-(SLOPE * activity(truth, own)[new] + LIFT + OFFSETS["near"])))
    said = interval(found.log_odds(own[new], "near"))
    held_by = ((said["low"] <= wanted) & (wanted <= said["high"])).mean()
    assert 0.75 < held_by < 0.99
    assert (said["high"] - said["low"]).mean() < 0.35
