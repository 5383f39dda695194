"""Protein models as tasks of the trainer: pure plans, sums for losses, and work as counted by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tests.encoders.protein_packs import small

from pajamo.config.proteins import MaskingSettings
from pajamo.config.proteins.fine_tuning import LoraSettings
from pajamo.data.proteins.alphabet import RESIDUES
from pajamo.data.proteins.building import build_corpus
from pajamo.data.proteins.encoding import tokens_of
from pajamo.data.proteins.labelled import LabelledProteins
from pajamo.encoders.proteins.initial import initialise
from pajamo.encoders.proteins.transformer import ProteinTransformer
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.lora import adapt
from pajamo.models.proteins.property import PropertyModel
from pajamo.models.proteins.size import Size
from pajamo.training.proteins.language import LanguageTask
from pajamo.training.proteins.property import PropertyTask, sought_in
from pajamo.training.streams.packs import PackStream

CPU = torch.device("cpu")


def drawn(count, seed=0):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(RESIDUES), size)) for size in rng.integers(5, 40, count)]


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    text = "".join(f">p{number}\n{one}\n" for number, one in enumerate(drawn(50)))
    (folder / "proteins.fasta").write_text(text)
    corpus = build_corpus(folder / "proteins.fasta", folder / "corpus")
    settings = {"seed": 3, "tokens": 128, "packs": 3, "longest": 30, "masking": MaskingSettings()}
    return PackStream(corpus, None, **settings)


def language(stream, **more):
    model = ProteinLanguageModel(small())
    model.initialise(0)
    return LanguageTask(model, stream, **more)


def properties(kind="regression", seed=7, packs=2, lora=True):
    sequences = tuple(drawn(23))
    tokens = tuple(tokens_of(one) for one in sequences)
    first = [np.isin(one, tokens_of(RESIDUES[:10])) for one in tokens]
    labels = {
        "regression": np.array([one.mean() for one in first]),
        "classification": np.array([one.mean() > 0.5 for one in first], dtype=np.int64),
        "residues": tuple(np.where(np.arange(len(one)) % 5 == 0, -1, one) for one in first),
    }[kind]
    classes = () if kind == "regression" else ("no", "yes")
    proteins = LabelledProteins(kind, sequences, tokens, labels, classes, None)
    learned_from = np.arange(20)
    encoder = ProteinTransformer(small())
    initialise(encoder, 0)
    if lora:
        adapt(encoder, LoraSettings(rank=2))
    model = PropertyModel(encoder, sought_in(proteins, learned_from))
    model.initialise(1)
    return PropertyTask(model, proteins, learned_from, seed=seed, tokens=100, packs=packs)


def test_a_language_task_hands_the_stream_through(stream):
    task = language(stream)
    position = json.loads(json.dumps(task.first()))
    plans, after = task.plan(position)
    assert len(plans) == 3
    again, same = task.plan(json.loads(json.dumps(position)))
    assert (again, same) == (plans, after)
    micro = task.micro_batch(plans[0], CPU)
    assert task.weight(micro) == micro.asked > 0
    torch.testing.assert_close(task.loss(task.module, micro), task.module.loss(micro)[0])
    assert len(task.blocks(task.module)) == 2
    assert task.plan(json.loads(json.dumps(after)))[0] != plans


def test_filled_packs_have_one_size(stream):
    task = language(stream, filled=True)
    plans, _ = task.plan(task.first())
    micros = [task.micro_batch(plan, CPU) for plan in plans]
    assert {len(micro.tokens) for micro in micros} == {128}
    work = task.work(micros[0])
    lengths = micros[0].lengths[: micros[0].sequences]
    assert (work.tokens, work.places) == (sum(lengths), 128)
    assert work.flops == Size.of(task.module.settings).operations(lengths, micros[0].asked)


def test_fingerprints_tell_models_and_streams_apart(stream):
    one, same = language(stream), language(stream)
    other = LanguageTask(ProteinLanguageModel(small("modern")), stream)
    assert json.dumps(one.fingerprint()) == json.dumps(same.fingerprint())
    assert one.fingerprint() != other.fingerprint()
    assert properties().fingerprint() == properties().fingerprint()
    assert properties().fingerprint() != properties(seed=8).fingerprint()
    assert properties().fingerprint() != properties(lora=False).fingerprint()
    assert json.dumps(properties("residues").fingerprint())


def test_an_epoch_sees_each_protein_once():
    task, position, seen = properties(), {"epoch": 0, "next": 0}, []
    while position["epoch"] == 0:
        plans, position = task.plan(position)
        assert 1 <= len(plans) <= 2
        for plan in plans:
            seen += plan
            assert sum(task.micro_batch(plan, CPU).packed.lengths) <= 100
    assert sorted(seen) == list(range(20))
    assert position == {"epoch": 1, "next": 0}
    assert task.plan(position)[0] != task.plan(task.first())[0]


@pytest.mark.parametrize("kind", ["regression", "classification", "residues"])
def test_labels_stand_beside_their_proteins(kind):
    task = properties(kind)
    micro = task.micro_batch((4, 0), CPU)
    if kind == "residues":
        expected = np.concatenate([task.proteins.labels[index] for index in (4, 0)])
        assert micro.labels.tolist() == expected[expected >= 0].tolist()
        assert micro.packed.asked == len(micro.labels)
        first = len(task.proteins.tokens[4])
        known = 1 + np.flatnonzero(task.proteins.labels[4] >= 0)
        assert micro.packed.places[: len(known)].tolist() == known.tolist()
        assert micro.packed.lengths[0] == first + 2
    else:
        np.testing.assert_allclose(micro.labels, np.asarray(task.proteins.labels)[[4, 0]], rtol=1e-6)
    assert task.weight(micro) == len(micro.labels)


def test_losses_of_packs_add_up():
    task = properties()
    both = task.loss(task.module, task.micro_batch((1, 2), CPU))
    parts = [task.loss(task.module, task.micro_batch((index,), CPU)) for index in (1, 2)]
    torch.testing.assert_close(both, sum(parts))


def test_a_property_is_learned():
    task, position, losses = properties(), {"epoch": 0, "next": 0}, []
    optimiser = torch.optim.Adam((w for w in task.module.parameters() if w.requires_grad), lr=1e-2)
    for _ in range(60):
        plans, position = task.plan(position)
        micros = [task.micro_batch(plan, CPU) for plan in plans]
        optimiser.zero_grad()
        loss = sum(task.loss(task.module, micro) for micro in micros) / sum(map(task.weight, micros))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-6:]) < 0.3 * np.mean(losses[:3])
