"""The stream's promises: pure functions of seed, epoch and number; the same for all processes; resumed exactly."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.training.streams.protein_streams import corpus_of, drawn, stream_of, taken

from pajamo.config.proteins import MaskingSettings
from pajamo.data.proteins.alphabet import CLS, EOS
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.data.proteins.pack import Pack
from pajamo.training.streams.packs import PackPlan, PackStream, Position


@pytest.fixture
def corpus(tmp_path: Path) -> ProteinCorpus:
    return corpus_of(tmp_path, drawn(0, np.random.default_rng(0).integers(10, 300, 200)))


def same(one: Pack, other: Pack) -> bool:
    names = ("tokens", "lengths", "places", "targets", "samples")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def restored(stream: PackStream, pack: Pack) -> np.ndarray:
    """Tokens before masking."""
    tokens = pack.tokens.copy()
    tokens[pack.places] = pack.targets
    return tokens


def test_the_same_sample_is_the_same_twice_and_draws_from_no_shared_generator(
    corpus: ProteinCorpus,
) -> None:
    stream = stream_of(corpus)
    np.random.seed(3)  # noqa: NPY002 - the state that must not be touched
    random.seed(3)
    before = (np.random.get_state()[1].copy(), random.getstate())  # type: ignore[index] # noqa: NPY002
    plans, _ = taken(stream, 2)
    assert all(same(stream.pack(plan), stream.pack(plan)) for plan in plans)
    assert np.array_equal(np.random.get_state()[1], before[0])  # type: ignore[index] # noqa: NPY002
    assert random.getstate() == before[1]


def test_two_epochs_show_a_protein_differently(corpus: ProteinCorpus) -> None:
    stream = stream_of(corpus)
    epochs = stream.samples.at(np.arange(400)).proteins.reshape(2, 200)
    for protein in range(200):
        first, second = (int(np.flatnonzero(epoch == protein)[0]) for epoch in epochs)
        one, two = (stream.pack(PackPlan((n,), n // 200)) for n in (first, 200 + second))
        assert not (np.array_equal(one.places, two.places) and np.array_equal(one.tokens, two.tokens))


def test_packs_hold_the_residues_of_the_corpus_between_true_ends(corpus: ProteinCorpus) -> None:
    stream = stream_of(corpus)
    plans, _ = taken(stream, 20)
    for plan in plans:
        pack = stream.pack(plan)
        samples = stream.samples.at(np.array(plan.samples))
        pieces = np.split(restored(stream, pack), np.cumsum(pack.lengths)[:-1])
        for piece, protein, begin in zip(pieces, pack.samples, samples.begins, strict=True):
            whole = np.concatenate(([CLS], corpus.tokens(int(protein)), [EOS]))
            np.testing.assert_array_equal(piece, whole[begin : begin + len(piece)])
            assert len(piece) == min(len(whole), 128)
        assert pack.lengths.sum() == len(pack.tokens) <= 512
        assert (np.diff(pack.places) > 0).all()


def test_every_sample_goes_into_one_pack(corpus: ProteinCorpus) -> None:
    plans, position = taken(stream_of(corpus), 200)
    assert position.next > 4 * 200
    # Packs of windows before the present one, and what was carried into it, are all samples before it.
    earlier = plans[: len(plans) - position.done]
    numbers = [number for plan in earlier for number in plan.samples]
    assert sorted([*numbers, *position.carried]) == list(range(position.next))
    assert all(plan.epoch == max(plan.samples) // 200 for plan in plans)


def test_going_on_from_any_position_is_going_on(corpus: ProteinCorpus) -> None:
    stream = stream_of(corpus)
    position, steps = stream.first(), []
    for _ in range(40):
        facts = json.loads(json.dumps(position.facts))
        plans, position = stream.plan(position)
        steps.append((facts, plans))
    for at in (0, 1, 13, 17, 39):
        again = stream_of(corpus)
        plans, _ = taken(again, 40 - at, Position.from_facts(steps[at][0]))
        assert plans == [plan for _, some in steps[at:] for plan in some]
        assert same(again.pack(plans[0]), stream.pack(steps[at][1][0]))


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_packs_do_not_depend_on_who_makes_them(corpus: ProteinCorpus, ranks: int) -> None:
    alone = stream_of(corpus, packs=5)
    expected = [alone.pack(plan) for plan in taken(alone, 6)[0]]

    def share(rank: int) -> dict[tuple[int, int], Pack]:
        own, found = stream_of(corpus, packs=5), {}
        position = own.first()
        for step in range(6):
            plans, position = own.plan(position)
            found |= {(step, i): own.pack(plans[i]) for i in reversed(range(rank, 5, ranks))}
        return found

    with ThreadPoolExecutor(ranks) as workers:
        found = {key: pack for shares in workers.map(share, range(ranks)) for key, pack in shares.items()}
    assert len(found) == 30
    assert all(same(found[divmod(i, 5)], pack) for i, pack in enumerate(expected))


def test_packs_of_a_global_batch_of_another_size_are_the_same_packs(corpus: ProteinCorpus) -> None:
    assert taken(stream_of(corpus, packs=3), 20)[0] == taken(stream_of(corpus, packs=12), 5)[0]


def test_one_epoch_for_validation_holds_each_protein_once(corpus: ProteinCorpus) -> None:
    chosen = np.arange(0, 200, 2)
    stream = stream_of(corpus, chosen)
    plans = list(stream.once())
    seen = np.concatenate([stream.pack(plan).samples for plan in plans])
    np.testing.assert_array_equal(np.sort(seen), chosen)
    assert plans == list(stream.once())
    later = np.concatenate([stream.pack(plan).samples for plan in stream.once(epoch=3)])
    np.testing.assert_array_equal(np.sort(later), chosen)
    assert {plan.epoch for plan in stream.once(epoch=3)} == {3}


def test_an_empty_plan_is_an_empty_pack(corpus: ProteinCorpus) -> None:
    assert same(stream_of(corpus).pack(PackPlan((), 0)), Pack.empty())


def test_fingerprints_tell_streams_apart(corpus: ProteinCorpus) -> None:
    settings = MaskingSettings(share=0.2)
    streams = [
        stream_of(corpus),
        stream_of(corpus, seed=2),
        stream_of(corpus, packs=4),
        stream_of(corpus, longest=100),
        stream_of(corpus, masking=settings),
        stream_of(corpus, np.arange(100)),
    ]
    prints = [json.dumps(stream.fingerprint(), sort_keys=True) for stream in streams]
    assert len(set(prints)) == len(prints)
    assert prints[0] == json.dumps(stream_of(corpus).fingerprint(), sort_keys=True)


def test_other_seeds_give_other_orders_and_masks(corpus: ProteinCorpus) -> None:
    one, other = stream_of(corpus, seed=1), stream_of(corpus, seed=2)
    assert not np.array_equal(
        one.samples.at(np.arange(200)).proteins, other.samples.at(np.arange(200)).proteins
    )
