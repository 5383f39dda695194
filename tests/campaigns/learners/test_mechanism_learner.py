"""A mechanism that goes on learning: the same posterior as that of the whole assay, exact derivatives, refusals."""

import numpy as np
import pytest
import torch
from tests.explanations.assays.planted import planted, reading

from pajamo.campaigns.features import blocks
from pajamo.campaigns.learners.mechanism.fisher import shown
from pajamo.campaigns.learners.mechanism.learner import FittedMechanism, MechanismLearner
from pajamo.campaigns.learners.mechanism.readings import Plan
from pajamo.errors import DataError, ModelError, StudyError
from pajamo.explanations.assays.information import information
from pajamo.measurements.scalar.continuous import ContinuousReading
from pajamo.measurements.scalar.noise.measured import MeasuredNoise
from pajamo.models.assays.objective import Rows, rows_of
from pajamo.training.assays.newton.problem import Problem

CONTACT, CANDIDATES = "CRP+RNAP", 30


def learner(settings=None, rows=400, parameters=(CONTACT,)):
    """A planted promoter, and random sequences as candidates."""
    model, assay = planted(rows=rows, reads=50, noise=0.3, settings=settings)
    codes = np.random.default_rng(9).integers(0, 4, (CANDIDATES, 8)).astype(np.uint8)
    return MechanismLearner(
        model, assay, Plan("one", model.experiments["one"], reads=50.0), codes, parameters, marginal=False
    )


def fitted(made: MechanismLearner) -> FittedMechanism:
    return made.fit(np.zeros((0, 1)), np.zeros((0, len(made.plan.outputs))), seed=0)


@pytest.fixture(scope="module")
def known() -> FittedMechanism:
    return fitted(learner())


@pytest.fixture(scope="module")
def everything() -> np.ndarray:
    return np.arange(CANDIDATES)[:, None]


def test_without_results_the_error_is_that_of_the_assay(known, everything):
    found = information(known.model, known.assay)
    predictive = known.predict(everything)
    unit = known.model.assembly.blueprint.kT
    assert predictive.names == (CONTACT,)
    assert predictive.units == ("kcal/mol",)
    assert predictive.deviations[0] == pytest.approx(unit * found.error(found.of_constant(CONTACT)), rel=1e-4)


@pytest.mark.parametrize("settings", [None, reading(nonlinearity="linear", coordinate="logit")])
def test_derivatives_are_those_of_moved_parameters(settings):
    """Parameters moved a little, projected instruments following: what is recorded moves as said."""
    made = learner(settings, rows=200)
    known = fitted(made)
    predictive = known.predict(np.arange(CANDIDATES)[:, None])
    assembly, rows = known.model.assembly, Rows("one", torch.as_tensor(made.codes), {}, {})
    problem = Problem(assembly, rows_of(known.assay.part("training")))
    quadratic, before = problem.expand(False), problem.snapshot()
    rng, step = np.random.default_rng(0), 1e-5

    def recorded():
        activity = assembly.coordinate(rows.codes, "one", {}).detach()
        return shown(assembly.measurement("one"), made.plan, activity).mean.numpy()

    first = recorded()
    for _ in range(2):
        unknowns = torch.as_tensor(rng.standard_normal(known.posterior.mechanism.shape[1]))
        unknowns[problem.size :] = 0.0
        move = step * known.posterior.mechanism @ unknowns
        problem.coordinates.move(move)
        assembly.settle(problem.views[0].activity(), "one")
        if quadratic.responses:
            parameters = list(assembly.measurement("one").parameters())
            now = torch.nn.utils.parameters_to_vector(parameters).detach()
            torch.nn.utils.vector_to_parameters(now - quadratic.responses["one"][0] @ move, parameters)
        moved = (recorded() - first) / step
        problem.restore(before)
        seen = (predictive.slopes / predictive.noise * moved).sum(axis=1) / np.sqrt(predictive.precision)
        said = predictive.hidden @ (known.axes.T @ unknowns).numpy() * np.sqrt(predictive.precision)
        assert np.abs(seen - said).max() < 5e-3 * np.abs(said).max()


def test_reads_in_bins_tell_as_much_as_the_multinomial(known):
    """sum over bins of reads p'^2 / p, with p' by differences."""
    measurement, plan = known.model.assembly.measurement("one"), known.plan
    at, step = torch.linspace(-1.5, 1.5, 7), 1e-4
    shares = [measurement.log_probabilities(at.double() + side * step).exp().detach() for side in (-1, 0, 1)]
    slope = (shares[2] - shares[0]) / (2 * step)
    found = shown(measurement, plan, at.double())
    assert (found.slopes**2 / found.noise).sum(dim=1).numpy() == pytest.approx(
        (plan.reads * slope**2 / shares[1]).sum(dim=1).numpy(), rel=1e-4
    )
    assert found.mean.sum(dim=1).numpy() == pytest.approx(plan.reads)


def test_simulated_information_is_that_of_the_closed_form():
    """Of Gaussian noise beside measured errors, both are known."""
    settings = reading(nonlinearity="linear", noise="measured", error="se")
    measurement = ContinuousReading(noise=MeasuredNoise()).double()
    found = shown(measurement, Plan("one", settings, error=0.4), torch.linspace(-1, 1, 5).double())
    assert found.noise[:, 0].numpy() == pytest.approx(0.4**2 + 1.0, rel=0.2)
    with pytest.raises(ModelError, match="standard errors"):
        shown(measurement, Plan("one", settings), torch.zeros(2).double())


def test_results_count_as_rows_of_the_assay():
    """Half of an assay known before and half as results: the same optimum as from all of it at once."""
    whole = learner(rows=400)
    experiment = whole.assay.part("training").experiments[0]
    half = experiment.n // 2
    first = type(whole.assay)(
        whole.assay.alphabet, whole.assay.wild_type, (experiment.rows(np.arange(half)),)
    )
    rest = experiment.rows(np.arange(half, experiment.n))
    part = MechanismLearner(whole.model, first, whole.plan, rest.codes, (CONTACT,), marginal=False)
    added = part.fit(np.arange(rest.n)[:, None].astype(float), rest.recorded["counts"], seed=0)
    once = fitted(whole)
    one, other = (f.predict(np.zeros((1, 1))) for f in (added, once))
    assert one.values[0] == pytest.approx(other.values[0], abs=0.02)
    assert one.deviations[0] == pytest.approx(other.deviations[0], rel=0.02)
    before = fitted(part).predict(np.zeros((1, 1)))
    assert one.deviations[0] < before.deviations[0]


def test_blocks_tell_the_same_as_the_whole(known, everything):
    predictive = known.predict(everything)
    for part, rows in blocks(everything, 7):
        again = known.predict(rows)
        assert again.hidden == pytest.approx(predictive.hidden[part], abs=1e-12)
        assert np.array_equal(again.mean, predictive.mean[part])
    features = known.embed(everything)
    assert features.shape == predictive.hidden.shape
    assert features[np.array([3])][0] == pytest.approx(
        predictive.hidden[3] * np.sqrt(predictive.precision[3])
    )


def test_the_same_fit_gives_the_same_bits(everything):
    one, other = fitted(learner()), fitted(learner())
    torch.manual_seed(5)
    assert one.fingerprint() == other.fingerprint()
    assert np.array_equal(one.predict(everything).hidden, other.predict(everything).hidden)


def test_what_is_refused():
    made = learner(rows=60)
    with pytest.raises(StudyError, match=r"'CRP\+RNA'.*\n.*\n.*CRP\+RNAP"):
        learner(rows=60, parameters=("CRP+RNA",))
    with pytest.raises(DataError, match="7 letters, the assay's sequences 8"):
        MechanismLearner(made.model, made.assay, made.plan, made.codes[:, :7])
    with pytest.raises(DataError, match="empty"):
        MechanismLearner(made.model, made.assay, made.plan, made.codes[:0])
    with pytest.raises(DataError, match=r"bin2 is -1\.0"):
        made.fit(np.zeros((1, 1)), np.array([[3.0, 0.0, -1.0, 0.0, 0.0]]), seed=0)
    with pytest.raises(StudyError, match="measure nothing"):
        Plan("one", made.plan.settings, reads=0.0)
