"""Many starts at once: the same as each alone."""

from __future__ import annotations

import copy

import pytest
import torch
from tests.training.assays.planted_assays import LINE, RNA, TANH, bins, latent, plant, study, two_sites

from pajamo.config.assays import BarcodeSettings, ContinuousSettings
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.batched import descend
from pajamo.training.assays.starts import (
    best_start,
    lay_over,
    parameters_of,
    randomise,
    score,
    screened,
    some,
    take,
)

MEASUREMENTS = {
    "bins": bins(3, knots=7),
    "library": bins(3, library=True, knots=7),
    "gates": bins(3, gates="lognormal", library=True),
    "line": LINE,
    "tanh": TANH,
    "spline": ContinuousSettings(nonlinearity="spline", hidden=5, noise="cauchy"),
    "sigmoid": ContinuousSettings(nonlinearity="sigmoid", noise="skewed-t", heteroskedastic=1),
    "background": ContinuousSettings(nonlinearity="background", coordinate="log"),
    "measured": ContinuousSettings(nonlinearity="linear", noise="measured", error="error"),
    "rna": RNA,
    "beta": BarcodeSettings(rna="rna", dna="dna", noise="beta-binomial"),
}
ENCODERS = ("additive", "neighbour", "pairwise", "network", "convolution")
CASES = [(two_sites(), name) for name in MEASUREMENTS] + [(latent(name), "line") for name in ENCODERS]


def drawn(mechanism, settings, starts=3):
    model, assay = study(mechanism, {"one": settings}, rows=40)
    assembly, parts, generator = model.build(assay), rows_of(assay), torch.Generator().manual_seed(0)
    found = []
    for _ in range(starts):
        randomise(assembly, parts, generator)
        # Where a slope is nothing but rounding, Adam would blow it up into a step of either sign.
        noise = {
            k: torch.randn(v.shape, generator=generator).double() for k, v in parameters_of(assembly).items()
        }
        found.append({k: v + 0.1 * noise[k] for k, v in parameters_of(assembly).items()})
    return assembly, parts, found


@pytest.fixture
def few_steps(monkeypatch):
    monkeypatch.setattr("pajamo.training.assays.starts.SCREEN_STEPS", 10)
    monkeypatch.setattr("pajamo.training.assays.starts.SCREENED", 2)


def alone(assembly, start, parts, steps, still):
    """One start by torch's own Adam."""
    one = copy.deepcopy(assembly)
    take(one, start, instruments=True)
    moved = [p for name, p in one.named_parameters() if name not in still]
    optimiser = torch.optim.Adam(moved, lr=0.05)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = one(parts)
        loss.backward()
        optimiser.step()
    return parameters_of(one), loss.item()


@pytest.mark.parametrize(("mechanism", "name"), CASES)
def test_all_together_are_each_alone(mechanism, name):
    assembly, parts, starts = drawn(mechanism, MEASUREMENTS[name])
    before = parameters_of(assembly)
    together, values = descend(assembly, starts, parts, steps=4, learning_rate=0.05, still=("constants",))
    for start, arrived, value in zip(starts, together, values.tolist(), strict=True):
        expected, objective = alone(assembly, start, parts, 4, ("constants",))
        assert value == pytest.approx(objective, rel=1e-10)
        for key, found in arrived.items():
            torch.testing.assert_close(found, expected[key], rtol=1e-8, atol=1e-8)
        assert torch.equal(arrived["constants"], start["constants"])
    for key, value in parameters_of(assembly).items():
        assert torch.equal(value, before[key])


def test_parameters_that_are_still_stay():
    assembly, parts, starts = drawn(two_sites(), LINE)
    still = ("constants", "encoders.of A.weights")
    arrived, _ = descend(assembly, starts, parts, steps=3, learning_rate=0.1, still=still)
    for start, found in zip(starts, arrived, strict=True):
        for key in start:
            assert torch.equal(start[key], found[key]) == (key in still)


def test_screening_gives_the_best_first_and_depends_on_the_seed_alone(few_steps):
    model, assay = study(two_sites(), {"one": bins(3, knots=7)}, rows=100)
    data, _ = plant(model, assay)
    assembly, parts = model.build(data), rows_of(data)
    first = screened(assembly, parts, 2, seed=3)
    again, other = screened(assembly, parts, 2, seed=3), screened(assembly, parts, 2, seed=4)
    assert len(first) == 2
    assert all(
        torch.equal(one[key], same[key]) for one, same in zip(first, again, strict=True) for key in one
    )
    assert not torch.equal(first[0]["constants"], other[0]["constants"])
    values = []
    for start in screened(assembly, parts, 4, seed=3):
        take(assembly, start, instruments=True)
        values.append(assembly(parts).item())
    assert values[0] < values[-1]


def test_the_best_start_is_the_first_and_has_its_score(few_steps):
    model, assay = study(two_sites(), {"one": bins(3, knots=7)}, rows=120)
    data, _ = plant(model, assay)
    training, kept = rows_of(data.part("training")), rows_of(data.part("validation"))
    lines = []
    assembly = model.build(data.part("training"))
    found = best_start(assembly, training, kept, 2, 0, lines.append)
    assert [start.score for start in found] == sorted(start.score for start in found)
    assert len(lines) == 2
    take(assembly, found[0].parameters, instruments=True)
    for rows in training:
        activity = assembly.recorded(assembly.activity(rows.codes, rows.name, rows.inputs), rows.name)
        assembly.settle(activity, rows.name)
        assembly.measurement(rows.name).follow(assembly.settle(activity, rows.name))
    assert score(assembly, kept) == pytest.approx(found[0].score, rel=0.05)


def test_some_rows_are_shared_out_evenly():
    _model, assay = study(two_sites(), {"one": LINE, "two": LINE}, rows=50)
    generator = torch.Generator().manual_seed(0)
    assert [len(rows) for rows in some(rows_of(assay), 30, generator)] == [15, 15]
    assert [len(rows) for rows in some(rows_of(assay), 1000, generator)] == [50, 50]
    assert [len(rows) for rows in some(rows_of(assay), 1, generator)] == [1, 1]


def test_a_score_is_nats_an_observation():
    model, assay = study(two_sites(), {"one": bins(2, knots=6)}, rows=60)
    assembly, parts = model.build(assay), rows_of(assay)
    lay_over(assembly, parts)
    counts = parts[0].recorded["counts"].sum(dim=0)
    shares = counts / counts.sum()
    assert score(assembly, parts) == pytest.approx(-(shares * shares.log()).sum().item(), rel=1e-3)
    doubled = parts[0].recorded | {"counts": 2 * parts[0].recorded["counts"]}
    twice = type(parts[0])(parts[0].name, parts[0].codes, doubled, parts[0].inputs)
    assert score(assembly, (twice,)) == pytest.approx(score(assembly, parts))
