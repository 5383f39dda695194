"""Stopping and going on is the same as never stopping; a bad loss stops the loop and loses nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pajamo.data.conditions import Condition
from pajamo.errors import IntegrityError, ModelError
from pajamo.training.checkpoints import read_state
from pajamo.training.fit import fit_model
from pajamo.training.loop import minimise


def bits(model):
    return {name: value.tobytes() for name, value in model.state().items()}


def test_the_loop_learns_the_answer(finder):
    model = finder()
    before = model.loss(0).item()
    minimise(model)
    assert model.loss(0).item() < 0.05 * before
    np.testing.assert_allclose(model.predict([Condition(("A",))]).delta, [[0.6, 1.4]], atol=0.1)


@pytest.mark.parametrize("stops", [(100,), (1, 2, 130), (249,)])
def test_stop_and_go_is_bit_equal(finder, tmp_path, stops):
    whole = finder()
    minimise(whole)
    for stop in stops:
        minimise(finder(), checkpoint=tmp_path / "state", stop_after=stop)
    resumed = finder()
    minimise(resumed, checkpoint=tmp_path / "state")
    assert bits(resumed) == bits(whole)


def test_a_checkpoint_does_not_change_the_result(finder, tmp_path):
    plain, kept = finder(), finder()
    minimise(plain)
    minimise(kept, checkpoint=tmp_path / "state")
    assert bits(plain) == bits(kept)


def test_seeds_matter_and_repeat(finder):
    models = [finder(seed) for seed in (0, 0, 1)]
    for model in models:
        minimise(model)
    assert bits(models[0]) == bits(models[1]) != bits(models[2])


def test_finish_is_called_once_and_only_at_the_end(finder, tmp_path):
    stopped, resumed = finder(), finder()
    minimise(stopped, checkpoint=tmp_path / "state", stop_after=120)
    assert stopped.finished == 0
    minimise(resumed, checkpoint=tmp_path / "state")
    assert resumed.finished == 1


def test_a_finished_run_that_is_resumed_takes_no_step(finder, tmp_path):
    done, again = finder(), finder()
    minimise(done, checkpoint=tmp_path / "state")
    again.bad_step = 0
    minimise(again, checkpoint=tmp_path / "state")
    assert bits(done) == bits(again)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(finder, tmp_path):
    model = finder()
    model.bad_step = 150
    with pytest.raises(ModelError, match="nan at step 150"):
        minimise(model, checkpoint=tmp_path / "state")
    assert model.finished == 0
    arrays, facts = read_state(tmp_path / "state")
    assert facts["step"] == 100
    assert all(np.isfinite(array).all() for array in arrays.values())
    resumed, whole = finder(), finder()
    minimise(resumed, checkpoint=tmp_path / "state")
    minimise(whole)
    assert bits(resumed) == bits(whole)


def test_a_damaged_checkpoint_is_not_resumed(finder, tmp_path):
    minimise(finder(), checkpoint=tmp_path / "state", stop_after=100)
    content = bytearray((tmp_path / "state").read_bytes())
    content[-5] ^= 1
    (tmp_path / "state").write_bytes(content)
    with pytest.raises(IntegrityError):
        minimise(finder(), checkpoint=tmp_path / "state")


def test_fit_model_runs_closed_forms_and_loop(finder, training):
    by_hand = finder()
    minimise(by_hand)
    fitted = fit_model(type(by_hand)(), training)
    assert bits(fitted) == bits(by_hand)
    assert fitted.finished == 1


def test_global_random_state_plays_no_part(finder):
    one, other = finder(), finder()
    torch.manual_seed(1)
    minimise(one)
    torch.manual_seed(2)
    minimise(other)
    assert bits(one) == bits(other)
