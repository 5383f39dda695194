"""First-order fits of assays: stop-and-go, best weights, sizes of batches, planted truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pajamo.config.assays import ContinuousSettings, ExperimentSettings, LatentSettings
from pajamo.data.assays.alphabet import alphabet_of
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.errors import IntegrityError, ModelError
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import log_likelihood, objective, rows_of
from pajamo.training.assays.adam import fit_by_epochs

LENGTH = 4


def recorded(name="one", rows=120, seed=0, noise=0.3):
    """Readings that follow an additive map with planted weights."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 4, (rows, LENGTH)).astype(np.uint8)
    weights = np.random.default_rng(9).normal(size=(LENGTH, 4))
    value = weights[np.arange(LENGTH), codes].sum(axis=1) + noise * random.normal(size=rows)
    sets = (np.arange(rows) % 4 == 3).astype(np.int8)
    return Experiment(name, codes, {"value": value}, sets)


def settings():
    return ExperimentSettings(path="table.csv", measurement=ContinuousSettings(nonlinearity="linear"))


def parts_of(encoder="additive", experiments=None, *, seed=0, sd=3.0):
    """An assembly at a random start, and the rows of the training and validation sets."""
    experiments = experiments or (recorded(),)
    assay = Assay(alphabet_of("dna"), np.zeros(LENGTH, np.uint8), tuple(experiments))
    reads = {"encoder": encoder, "hidden": (6, 4), "sd": sd}
    mechanism = LatentSettings.model_validate({"reads": reads})
    model = AssayModel("map", mechanism, {e.name: settings() for e in experiments})
    training, validation = rows_of(assay.part("training")), rows_of(assay.part("validation"))
    assembly = model.build(assay.part("training"))
    for part in assembly.encoders.values():
        part.randomise(torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for rows in training:
            activity = assembly.coordinate(rows.codes, rows.name, rows.inputs)
            assembly.measurement(rows.name).start(activity, rows.recorded)
    return assembly, training, validation


def bits(module):
    return {name: value.detach().numpy().tobytes() for name, value in module.state_dict().items()}


def fit(parts, **more):
    return fit_by_epochs(*parts, **{"epochs": 8, "batch": 16, "seed": 5} | more)


@pytest.mark.parametrize("encoder", ["additive", "pairwise", "network"])
@pytest.mark.parametrize("stops", [(1,), (3, 4, 7)])
def test_stop_and_go_is_bit_equal(tmp_path, encoder, stops):
    whole = parts_of(encoder)
    report = fit(whole)
    for stop in stops:
        fit(parts_of(encoder), checkpoint=tmp_path / "state", stop_after=stop)
    resumed = parts_of(encoder)
    again = fit(resumed, checkpoint=tmp_path / "state")
    assert bits(resumed[0]) == bits(whole[0])
    assert (again.validation, again.training, again.best) == (report.validation, report.training, report.best)


def test_a_finished_checkpoint_gives_the_fit_without_a_step(tmp_path):
    first, second = parts_of(), parts_of()
    fit(first, checkpoint=tmp_path / "state")
    written = (tmp_path / "state").stat().st_mtime_ns
    fit(second, checkpoint=tmp_path / "state")
    assert bits(second[0]) == bits(first[0])
    assert (tmp_path / "state").stat().st_mtime_ns == written


@pytest.mark.parametrize("encoder", ["additive", "network"])
def test_the_seed_and_nothing_else_decides(encoder):
    one, same, other = parts_of(encoder), parts_of(encoder), parts_of(encoder)
    fit(one)
    torch.manual_seed(123)
    fit(same)
    fit(other, seed=6)
    assert bits(one[0]) == bits(same[0])
    assert bits(one[0]) != bits(other[0])


@pytest.mark.parametrize("encoder", ["additive", "network"])
def test_the_best_weights_on_the_validation_set_are_restored(encoder):
    parts = parts_of(encoder, [recorded(rows=40, noise=2.0)], sd=30.0)
    report = fit(parts, epochs=50, batch=8, learning_rate=0.05, dtype=torch.float64)
    assembly, _, (rows,) = parts
    with torch.no_grad():
        reached = -log_likelihood(assembly, rows).mean().item()
    assert report.validation[report.best - 1] == min(report.validation)
    assert reached == pytest.approx(min(report.validation), abs=1e-9)
    # As many weights as rows, and hardly any prior: late epochs of the additive map learn the noise.
    assert encoder == "network" or 0 < report.best < report.epochs == 50


def test_a_start_that_is_the_best_is_kept():
    parts = parts_of()
    fit(parts, epochs=15, learning_rate=0.05)
    before = bits(parts[0])
    report = fit(parts, epochs=3, learning_rate=3.0)
    assert report.best == 0
    assert bits(parts[0]) == before


def test_patience_leaves_so_many_epochs_after_the_best():
    report = fit(
        parts_of(experiments=[recorded(rows=24, noise=3.0)]), epochs=500, learning_rate=0.3, patience=7
    )
    assert report.epochs == report.best + 7


def test_without_a_validation_set_the_last_weights_stay():
    assembly, training, _ = parts_of()
    report = fit((assembly, training, ()))
    assert report.best == report.epochs == 8
    assert report.validation == ()


def test_the_optimum_is_found():
    """With all rows in each step, what second-order steps still gain is little beside what Adam gained."""
    assembly, training, _ = parts_of(experiments=[recorded(rows=400)])
    first = objective(assembly, training).item()
    fit((assembly, training, ()), epochs=100, batch=300, learning_rate=0.1, dtype=torch.float64)
    reached = objective(assembly, training).item()
    optimiser = torch.optim.LBFGS(assembly.parameters(), max_iter=30, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        value = objective(assembly, training)
        value.backward()
        return value

    optimiser.step(closure)
    assert reached - objective(assembly, training).item() < 0.02 * (first - reached)
    assert assembly.measurements[0].noise.log_scale(torch.zeros(1)).exp().item() == pytest.approx(
        0.3, rel=0.15
    )


@pytest.mark.parametrize("encoder", ["additive", "network"])
def test_what_is_minimised_does_not_depend_on_the_size_of_batches(encoder):
    """At a rate of next to nothing, the mean of the steps' losses is the objective, whatever the batches."""
    parts = parts_of(encoder)
    rows = sum(map(len, parts[1]))
    losses = [
        fit(parts, epochs=1, batch=batch, learning_rate=1e-30, dtype=torch.float64).training[0]
        for batch in (15, 30, 45)
    ]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-10 if encoder == "additive" else 0.05)
    if encoder == "additive":
        assert losses[0] * rows == pytest.approx(objective(parts[0], parts[1]).item())


def test_several_experiments_share_the_map_and_count_by_their_rows():
    experiments = [recorded("one"), recorded("two", rows=60, seed=1)]
    assembly, training, validation = parts_of(experiments=experiments)
    report = fit(
        (assembly, training, validation), epochs=1, batch=27, learning_rate=1e-30, dtype=torch.float64
    )
    rows = sum(map(len, training))
    assert rows == 135
    assert report.training[0] * rows == pytest.approx(objective(assembly, training).item())


def test_steps_at_low_precision_leave_everything_but_parameters_alone():
    assembly, training, validation = parts_of()
    names = {name for name, _ in assembly.named_parameters()}
    before = bits(assembly)
    fit((assembly, training, validation))
    after = bits(assembly)
    assert all(
        value.dtype in (torch.float64, torch.int64, torch.bool, torch.uint8) for value in assembly.buffers()
    )
    assert {name for name in before if before[name] != after[name]} <= names


def test_the_keyboard_stops_with_the_best_weights_in_place(tmp_path):
    def interrupt(line):
        if line.startswith("epoch 4 "):
            raise KeyboardInterrupt

    whole, stopped, resumed = parts_of(), parts_of(), parts_of()
    fit(whole)
    with pytest.raises(KeyboardInterrupt):
        fit(stopped, checkpoint=tmp_path / "state", progress=interrupt)
    four = parts_of()
    fit(four, stop_after=4)
    assert bits(stopped[0]) == bits(four[0])
    fit(resumed, checkpoint=tmp_path / "state")
    assert bits(resumed[0]) == bits(whole[0])


def test_a_loss_that_is_not_finite_is_refused_and_harms_nothing():
    assembly, training, validation = parts_of()
    training[0].recorded["value"][7] = float("inf")
    before = bits(assembly)
    with pytest.raises(ModelError, match="at step"):
        fit((assembly, training, validation))
    assert bits(assembly) == before


def test_nothing_to_learn_from_is_refused():
    assembly, _, validation = parts_of()
    with pytest.raises(ModelError, match="nothing to learn from"):
        fit((assembly, (), validation))


def test_a_checkpoint_of_another_fit_is_refused(tmp_path):
    fit(parts_of(), checkpoint=tmp_path / "state", stop_after=2)
    with pytest.raises(ModelError, match="another fit"):
        fit(parts_of(), checkpoint=tmp_path / "state", seed=6)
    with pytest.raises(ModelError, match="another fit"):
        fit(parts_of("pairwise"), checkpoint=tmp_path / "state")
    (tmp_path / "state").write_bytes((tmp_path / "state").read_bytes()[:-9])
    with pytest.raises(IntegrityError):
        fit(parts_of(), checkpoint=tmp_path / "state")


def test_each_epoch_is_told():
    lines = []
    fit(parts_of(), epochs=3, progress=lines.append)
    assert [line.split(":")[0] for line in lines] == ["epoch 1 of 3", "epoch 2 of 3", "epoch 3 of 3"]
    assert all("validation" in line for line in lines)
