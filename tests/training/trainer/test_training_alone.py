"""A training in one process: what it learns, how it is stopped and gone on with, and steps that go wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.trainer.crew import settings_of, validate
from tests.training.trainer.toy import Plan, Toy, weights_of

from pajamo.config.proteins.training import TrainingSettings
from pajamo.errors import DataError, IntegrityError, ModelError, PajamoWarning
from pajamo.training.trainer.loop import train
from pajamo.training.trainer.report import STOPPED_EXIT_CODE, StepReport

BLAS_ORDER = 2e-6


def settings(**given: Any) -> TrainingSettings:
    return settings_of(given)


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def losses(folder: Path) -> list[float]:
    return [line["loss"] for line in metrics(folder) if "loss" in line]


def equal(one: Path, other: Path) -> bool:
    a, b = weights_of(one), weights_of(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_training_learns_the_rule(tmp_path: Path, optimiser: str) -> None:
    seen: list[StepReport] = []
    result = train(
        Toy(),
        settings(steps=60, save_every=50, validate_every=30, optimiser={"name": optimiser}),
        tmp_path,
        on_step=seen.append,
        validate=validate,
    )
    # One in ten letters is off by one: no guess does better than 0.325 nats.
    assert 0.2 < np.mean([report.loss for report in seen[-10:]]) < 0.6 < 1.6 < seen[0].loss
    assert (result.steps, result.updates, result.stopped, result.exit_code) == (60, 60, "finished", 0)
    assert result.validation["loss"] < 0.6
    assert sorted(path.name for path in tmp_path.glob("step_*")) == ["step_50", "step_60"]


@dataclass
class Joined(Toy):
    """The toy task with all micro-batches of a step in one."""

    def plan(self, position: dict[str, Any]) -> tuple[list[Plan], dict[str, Any]]:
        plans, after = super().plan(position)
        return [Plan(plans[0].number, np.concatenate([plan.samples for plan in plans]))], after


def test_one_large_micro_batch_is_many_small_ones(tmp_path: Path) -> None:
    train(Toy(), settings(), tmp_path / "small")
    train(Joined(), settings(), tmp_path / "large")
    assert losses(tmp_path / "small") == pytest.approx(losses(tmp_path / "large"), rel=BLAS_ORDER)


def test_recomputing_changes_nothing(tmp_path: Path) -> None:
    train(Toy(), settings(), tmp_path / "kept")
    train(Toy(), settings(recompute=True), tmp_path / "recomputed")
    assert equal(tmp_path / "kept" / "step_12", tmp_path / "recomputed" / "step_12")


def test_bfloat16_keeps_weights_in_32_bits_and_learns(tmp_path: Path) -> None:
    train(Toy(), settings(steps=40, precision="bfloat16"), tmp_path)
    assert losses(tmp_path)[-1] < 0.7
    assert all(weight.dtype == torch.float32 for weight in weights_of(tmp_path / "step_40").values())


def test_the_first_step_follows_from_the_formula(tmp_path: Path) -> None:
    """AdamW's first change is the rate times the sign of the gradient, whatever clipping does, then decay."""
    task = Toy()
    train(task, settings(steps=1, optimiser={"weight_decay": 0.1}, schedule={"warm_up": 0}), tmp_path)
    before, after = weights_of(tmp_path / "step_0"), weights_of(tmp_path / "step_1")
    fresh = Toy()
    fresh.module.to_empty(device="cpu").initialise(0)
    plans, _ = fresh.plan(fresh.first())
    for plan in plans:
        fresh.loss(fresh.module, fresh.micro_batch(plan, torch.device("cpu"))).backward()
    for name, weight in fresh.module.named_parameters():
        old, new = before[f"module.{name}"], after[f"module.{name}"]
        assert torch.equal(old, weight), name
        decay = 0.1 if weight.ndim == 2 and "embedding" not in name else 0.0
        far = weight.grad.abs() > 1e-4
        change = new - old * (1 - 0.01 * decay)
        torch.testing.assert_close(change[far], -0.01 * weight.grad.sign()[far], rtol=2e-3, atol=0)


@pytest.mark.parametrize("why", ["signal", "time"])
@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_stopping_and_going_on_is_going_on(tmp_path: Path, why: str, optimiser: str) -> None:
    name = {"optimiser": {"name": optimiser}}
    train(Toy(), settings(**name), tmp_path / "whole", validate=validate)
    stopping = {"faults": {26: "SIGTERM"}} if why == "signal" else {}
    limit = {"minutes": 1e-6} if why == "time" else {}
    first = train(Toy(**stopping), settings(**name, **limit), tmp_path / "parts", validate=validate)
    assert (first.stopped, first.steps) == (why, 7 if why == "signal" else 1)
    assert first.exit_code == STOPPED_EXIT_CODE
    second = train(Toy(), settings(**name), tmp_path / "parts", validate=validate)
    assert second.stopped == "finished"
    assert equal(tmp_path / "whole" / "step_12", tmp_path / "parts" / "step_12")
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    once = train(Toy(), settings(), tmp_path, validate=validate)
    again = train(Toy(faults={0: "nan"}), settings(), tmp_path, validate=validate)
    assert again.validation == once.validation
    assert (again.steps, again.order, again.loss) == (once.steps, once.order, once.loss)
    assert len(losses(tmp_path)) == 12


def test_a_step_that_is_not_finite_is_left_out(tmp_path: Path) -> None:
    result = train(Toy(faults={17: "nan"}), settings(), tmp_path)
    assert (result.steps, result.updates, result.returns) == (12, 11, 0)
    applied = [line["applied"] for line in metrics(tmp_path)]
    assert applied == [step != 4 for step in range(12)]
    assert metrics(tmp_path)[4]["loss"] == "nan"
    assert all(weight.isfinite().all() for weight in weights_of(tmp_path / "step_12").values())


def test_a_spike_is_left_out(tmp_path: Path) -> None:
    spike = dict.fromkeys(range(60, 64), "spike")
    result = train(Toy(faults=spike), settings(steps=20), tmp_path)
    assert (result.steps, result.updates) == (20, 19)
    assert not metrics(tmp_path)[15]["applied"]
    accepted = train(Toy(faults=spike), settings(steps=20, guard={"spike": None}), tmp_path / "accepted")
    assert accepted.updates == 20


def test_training_goes_back_and_leaves_out_the_data_at_fault(tmp_path: Path) -> None:
    # Steps 7 and 8 go wrong; one may be left out, so at the second training goes back to the weights of step 5.
    faults = {28: "nan", 33: "nan"}
    result = train(Toy(faults=faults), settings(guard={"skip": 1, "roll_back": 1}), tmp_path)
    assert (result.steps, result.returns, result.stopped) == (12, 1, "finished")
    events = [line["went_back"] for line in metrics(tmp_path) if "went_back" in line]
    assert events == [{"from": 9, "to": 5}]
    assert [line["step"] for line in metrics(tmp_path) if "step" in line] == [*range(1, 10), *range(6, 13)]
    # The data go on behind the fault: 9 global steps, then 7 more, of 4 micro-batches each.
    assert json.loads((tmp_path / "step_12" / "manifest.json").read_text())["facts"]["position"] == {
        "micro": 64
    }


def test_training_stops_when_going_back_does_not_help(tmp_path: Path) -> None:
    faults = dict.fromkeys(range(28, 400), "nan")
    with pytest.raises(ModelError, match="training went wrong at step") as caught:
        train(Toy(faults=faults), settings(guard={"skip": 1, "roll_back": 2}), tmp_path)
    assert "went back 2 times" in caught.value.why
    assert all(weight.isfinite().all() for weight in weights_of(tmp_path / "step_5").values())


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    train(Toy(), settings(steps=5), tmp_path)
    with pytest.raises(ModelError, match="of another training") as caught:
        train(Toy(seed=4, blocks_=3), settings(), tmp_path)
    assert "data: 3 there, 4 here" in caught.value.why
    assert "model: 'network of 2 blocks' there, 'network of 3 blocks' here" in caught.value.why
    with pytest.raises(ModelError, match="of another training"):
        train(Toy(), settings(optimiser={"name": "muon"}), tmp_path)


@dataclass
class Renamed(Toy):
    """Says that it is the same model, and is not."""

    def __post_init__(self) -> None:
        super().__post_init__()
        with torch.device("meta"):
            self.module.more = torch.nn.Parameter(torch.zeros(3))

    def loss(self, module: Any, micro: Any) -> torch.Tensor:
        return super().loss(module, micro) + module.more.sum()


def test_loading_is_strict(tmp_path: Path) -> None:
    train(Toy(), settings(steps=5), tmp_path)
    with pytest.raises(ModelError, match="of another model") as caught:
        train(Renamed(), settings(), tmp_path)
    assert "missing from the checkpoint: module.more" in caught.value.why


@pytest.mark.parametrize("damage", ["altered", "cut", "no manifest"])
def test_a_damaged_newest_checkpoint_is_said_and_the_one_before_is_taken(tmp_path: Path, damage: str) -> None:
    constant = {
        "warm_up": 2,
        "shape": "constant",
    }  # so that the rate of a step does not depend on how many follow
    train(Toy(), settings(schedule=constant), tmp_path / "whole")
    train(Toy(), settings(schedule=constant, steps=10), tmp_path / "parts")
    newest = tmp_path / "parts" / "step_10"
    part = newest / "part_00000.safetensors"
    if damage == "altered":
        content = bytearray(part.read_bytes())
        content[-5] ^= 1
        part.write_bytes(content)
    elif damage == "cut":
        part.write_bytes(part.read_bytes()[:1000])
    else:
        (newest / "manifest.json").unlink()
    with pytest.warns(PajamoWarning, match="step_10(.|\n)*goes on from the checkpoint before it"):
        train(Toy(), settings(schedule=constant), tmp_path / "parts")
    assert equal(tmp_path / "whole" / "step_12", tmp_path / "parts" / "step_12")


def test_checkpoints_that_are_all_damaged_are_an_error(tmp_path: Path) -> None:
    train(Toy(), settings(steps=5), tmp_path)
    for manifest in tmp_path.glob("step_*/manifest.json"):
        manifest.write_text(
            manifest.read_text().replace('"step": 5', '"step": 6').replace('"step": 0', '"step": 1')
        )
    with (
        pytest.warns(PajamoWarning, match="does not match its own checksum"),
        pytest.raises(IntegrityError, match="no checkpoint of this run is whole"),
    ):
        train(Toy(), settings(), tmp_path)


def test_two_trainings_in_one_folder_are_refused(tmp_path: Path) -> None:
    def another(_: StepReport) -> None:
        train(Toy(), settings(), tmp_path)

    with pytest.raises(DataError, match="another run trains in this folder"):
        train(Toy(), settings(), tmp_path, on_step=another)
    assert train(Toy(), settings(), tmp_path).stopped == "finished"


def test_a_stream_without_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data for a step"):
        train(Toy(packs=0), settings(), tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="asks for a GPU"):
        train(Toy(), settings(device="cuda"), tmp_path)


def test_rates_and_throughput_are_reported(tmp_path: Path) -> None:
    train(Toy(), settings(steps=4), tmp_path)
    lines = metrics(tmp_path)
    # Linear from step 2 to a tenth of the rate at nine tenths of four steps: 0.1 + 0.9 (1 - 1 / 1.6) at step 3.
    assert [line["learning_rate"] for line in lines] == pytest.approx(
        [0.005, 0.01, 0.01, 0.01 * (0.1 + 0.9 * 0.6 / 1.6)]
    )
    for line in lines:
        assert line["packed"] == line["weight"] / (line["weight"] + 2 * 4)
        assert line["tokens_per_second"] == pytest.approx(line["weight"] / line["seconds"])
        assert 0 < line["utilisation"] < 1
