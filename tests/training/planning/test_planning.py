"""Plans of trainings: counted against the model itself, and what is short is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from pajamo.config.proteins import (
    MaskingSettings,
    OptimiserSettings,
    ProteinModelSettings,
    TrainingSettings,
)
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.errors import StudyError
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.size import Size
from pajamo.training.planning.hardware import PROCESSORS, parse_fleet
from pajamo.training.planning.measuring import filled
from pajamo.training.planning.memory import kept, memory, random_pack, saved_bytes
from pajamo.training.planning.plan import Plan
from pajamo.training.planning.timing import counted, efficiency

TINY = ProteinModelSettings(layers=3, width=64, heads=4)
LENGTHS = np.array([100, 300, 200])


def settings(**changes: Any) -> TrainingSettings:
    return TrainingSettings(**{"steps": 100, "schedule": {"warm_up": 0}, **changes})


@pytest.mark.parametrize(
    ("size", "weights"), [("8M", 7.5e6), ("150M", 148e6), ("650M", 651e6), ("15B", 15.1e9)]
)
def test_weights_of_published_sizes(size: Any, weights: float) -> None:
    assert Size.of(ProteinModelSettings(size=size)).weights == pytest.approx(weights, rel=0.01)


@pytest.mark.parametrize("family", ["esm2", "modern"])
def test_operations_are_those_that_torch_counts(family: Any) -> None:
    model = TINY.model_copy(update={"family": family})
    module = ProteinLanguageModel(model)
    module.initialise(0)
    packed = PackedTokens.of(random_pack(LENGTHS, 0.15))
    # As products of matrices: torch does not count its own attention on a CPU.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        module.loss(packed)[0].backward()
    found = Size.of(model).operations(LENGTHS, packed.asked)
    assert found == pytest.approx(counter.get_total_flops(), rel=0.01)


def test_operations_are_those_of_the_published_formula_and_attention_costs_by_sequence() -> None:
    """(24 T H^2 + 4 H sum S^2) 3 L for the blocks, as NVIDIA's BioNeMo recipes count; the head comes on top."""
    size = Size.of(ProteinModelSettings(size="650M"))
    layers, width = 33, 1280
    lengths = np.full(4, 1024)
    published = (24 * lengths.sum() * width**2 + 4 * (lengths**2).sum() * width) * 3 * layers
    assert size.operations(lengths, 0) == pytest.approx(published, rel=1e-3)
    split, whole = (size.operations(own, 0) for own in ([300, 700], [1000]))
    assert whole - split == pytest.approx(4 * width * (1000**2 - 300**2 - 700**2) * 3 * layers)


def test_every_processor_has_a_peak() -> None:
    assert all(one.peak > 1e14 for one in PROCESSORS.values())


def test_what_is_kept_for_the_backward_pass_is_in_proportion_to_layers_and_tokens() -> None:
    outside, block = kept(TINY, "float32", 0.15)
    module = ProteinLanguageModel(TINY)
    module.initialise(0)
    own = {p.untyped_storage().data_ptr() for p in module.parameters()}
    packed = PackedTokens.of(random_pack(np.array([900]), 0.15))
    found = saved_bytes(lambda: module.loss(packed)[0], own)
    assert 900 * (outside + 3 * block) == pytest.approx(found, rel=0.03)


def test_sharing_out_divides_weights_and_muon_keeps_one_moment_of_matrices() -> None:
    size = Size.of(TINY)
    alone = memory(TINY, settings(), 8, 0.15)
    shared = memory(TINY, settings(sharding="full"), 8, 0.15)
    muon = memory(TINY, settings(optimiser=OptimiserSettings(name="muon")), 1, 0.15)
    assert alone["weights (32 bits)"] == 4 * size.weights
    assert shared["weights (32 bits)"] == pytest.approx(alone["weights (32 bits)"] / 8)
    assert alone["optimiser"] - muon["optimiser"] == 4 * size.matrices
    hybrid = memory(TINY, settings(sharding="hybrid"), 64, 0.15)
    assert hybrid["optimiser"] == pytest.approx(alone["optimiser"] / 8)


def test_recomputing_keeps_little() -> None:
    deep = TINY.model_copy(update={"layers": 30})
    whole, little = (
        memory(deep, settings(recompute=again), 1, 0.15)["activations"] for again in (False, True)
    )
    assert little < whole / 5


def test_more_processors_take_less_time_until_links_are_short() -> None:
    size = Size.of(ProteinModelSettings(size="650M"))
    many = settings(packs=64, tokens=16_384, precision="bfloat16", sharding="full")
    seconds = [
        counted(size, many, parse_fleet(f"{number}xH100"), LENGTHS, 0.15).seconds for number in (1, 8, 64)
    ]
    assert seconds[0] > 6 * seconds[1] > 30 * seconds[2]
    small = settings(packs=64, tokens=512, precision="bfloat16", sharding="full")
    assert counted(size, small, parse_fleet("64xH100"), LENGTHS, 0.15).limit == (
        "exchanging weights and gradients"
    )


def test_published_speeds_are_met() -> None:
    """BioNeMo 2 reports 96,000 tokens a second for 650M and 26,800 for 3B on each of 16 H100."""
    for name, published in (("650M", 96_000), ("3B", 26_800)):
        model = ProteinModelSettings(size=name)
        asked = settings(packs=16, tokens=32_768, precision="bfloat16", sharding="full")
        plan = Plan.of(model, asked, MaskingSettings(), parse_fleet("16xH100"), np.array([1024]))
        assert plan.tokens_per_second / 16 == pytest.approx(published, rel=0.1)


def test_efficiency_lies_between_published_trainings() -> None:
    assert efficiency(1280) == pytest.approx(0.43)
    assert 0.43 < efficiency(1800) < 0.49
    assert efficiency(64) == efficiency(320)


def test_what_does_not_fit_is_said_with_what_would() -> None:
    model = ProteinModelSettings(size="3B")
    plan = Plan.of(
        model,
        settings(packs=8, tokens=32_768, precision="bfloat16"),
        MaskingSettings(),
        parse_fleet("8xA100"),
    )
    assert not plan.fits
    assert plan.limit.startswith("memory: activations")
    assert 'set sharding = "full": weights, gradients and moments are shared out' in plan.advice
    smaller = next(line for line in plan.advice if line.startswith("set tokens"))
    tokens = int(smaller.split()[3])
    again = Plan.of(
        model,
        settings(packs=8, tokens=tokens, precision="bfloat16"),
        MaskingSettings(),
        parse_fleet("8xA100"),
    )
    assert again.fits


def test_packs_that_cannot_be_shared_out_evenly_are_said() -> None:
    plan = Plan.of(TINY, settings(packs=9), MaskingSettings(), parse_fleet("8xH100"))
    assert plan.limit.startswith("work: 44%")
    assert "set packs = 16: each processor then has as many as the others" in plan.advice


def test_cost_is_hours_of_processors_times_their_price() -> None:
    plan = Plan.of(TINY, settings(packs=8), MaskingSettings(), parse_fleet("4xH100"), price=2.0)
    assert plan.cost == pytest.approx(2.0 * 4 * 100 * plan.time.seconds / 3600)
    assert 0 < plan.utilisation < 1


def test_the_machine_at_hand_is_measured() -> None:
    plan = Plan.of(TINY, settings(packs=2, tokens=512, device="cpu"), MaskingSettings())
    assert plan.fits
    assert plan.price is None
    assert plan.cost is None
    assert plan.time.seconds > 0
    assert "libraries" in plan.memory


def test_a_filled_pack_has_exactly_its_tokens() -> None:
    assert filled(np.array([7, 300]), 4096).sum() == 4096


@pytest.mark.parametrize(
    ("text", "number", "name"),
    [("64xH100", 64, "H100"), ("a100", 1, "A100-80GB"), ("2 x 4090", 2, "RTX4090")],
)
def test_fleets_are_read(text: str, number: int, name: str) -> None:
    fleet = parse_fleet(text)
    assert (fleet.number, fleet.processor) == (number, PROCESSORS[name])


@pytest.mark.parametrize("text", ["0xH100", "many", "8xH900", "-3xH100", ""])
def test_fleets_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(StudyError):
        parse_fleet(text)
