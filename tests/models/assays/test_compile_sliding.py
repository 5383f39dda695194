"""Sites that slide, on both strands and on sequences of different length, against sums written out by hand."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from tests.models.assays.promoters import activity, assay, assembled, of_sequences, thermodynamic

from pajamo.models.assays.blueprint import Blueprint

SLIDING = {
    "sites": {
        "TF": {"slide": (0, 9), "length": 5, "strand": "both"},
        "POL": {"start": 12, "length": 8},
    },
    "interactions": {"TF+POL": {}},
    "transcribes": ["POL"],
}
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def energy(assembly: torch.nn.Module, site: str, window: str) -> float:
    weights = assembly.reader(site).weights.detach().numpy()
    places = [1 + 4 * place + "ACGT".index(letter) for place, letter in enumerate(window)]
    return float(weights[0] + weights[places].sum())


def by_hand(assembly: torch.nn.Module, sequence: str, pair: dict[int, float]) -> float:
    """Activity of the sliding promoter, one placement after another; `pair` by the start of the sliding site."""
    polymerase = math.exp(-energy(assembly, "POL", sequence[12:20])) if len(sequence) >= 20 else 0.0
    silent, active = 1.0, polymerase
    for start, strand in product(range(10), "+-"):
        window = sequence[start : start + 5]
        if len(window) < 5:
            continue
        read = window if strand == "+" else window.translate(COMPLEMENT)[::-1]
        weight = math.exp(-energy(assembly, "TF", read))
        silent += weight
        if start + 5 <= 12:
            active += weight * polymerase * math.exp(-pair[start])
    return active / (silent + active)


def constant(assembly: torch.nn.Module, blueprint: Blueprint, name: str) -> float:
    return float(assembly.constant_values("plate")[blueprint.term(name)].detach())


def test_all_placements_on_both_strands_are_summed() -> None:
    over = assay()
    blueprint = thermodynamic(over, **SLIDING)
    assert len(blueprint.states) == 1 + 20 + 1 + 16
    assert blueprint.terms[1].name == "TF@0-"
    assembly = assembled(blueprint)
    pair = dict.fromkeys(range(10), constant(assembly, blueprint, "TF+POL"))
    expected = [by_hand(assembly, s, pair) for s in over.alphabet.decode(over.experiments[0].codes)]
    assert activity(blueprint, over).exp()[:, 0].numpy() == pytest.approx(expected, rel=1e-12)


def test_states_of_placements_are_summed_to_declared_states() -> None:
    blueprint = thermodynamic(**SLIDING)
    assert blueprint.groups == ("free", "TF", "POL", "TF+POL")
    assembly = assembled(blueprint)
    codes = torch.as_tensor(assay().experiments[0].codes)
    occupancies = assembly.law.log_occupancies(assembly.terms(codes, "plate")).exp().detach().numpy()
    grouped = blueprint.grouped(occupancies)
    assert grouped.shape == (12, 4)
    assert grouped.sum(axis=1) == pytest.approx(1.0)
    assert grouped[:, 2:].sum(axis=1) == pytest.approx(activity(blueprint, assay()).exp()[:, 0].numpy())


def test_a_single_placement_is_the_fixed_site() -> None:
    over = assay()
    fixed = {"TF": {"start": 3, "length": 5}, "POL": {"start": 12, "length": 8}}
    slid = {"TF": {"slide": (3, 3), "length": 5}, "POL": {"start": 12, "length": 8}}
    one, other = (thermodynamic(over, **(SLIDING | {"sites": sites})) for sites in (fixed, slid))
    assert torch.equal(activity(one, over), activity(other, over))


def test_both_strands_cannot_tell_a_sequence_from_its_reverse_complement() -> None:
    forward = "ACGTTGCATTAGCCATAGGACCTA"
    over = of_sequences(forward, forward.translate(COMPLEMENT)[::-1])
    blueprint = thermodynamic(
        over,
        sites={"TF": {"slide": (0, 18), "length": 6, "strand": "both"}},
        interactions={},
        transcribes=["TF"],
    )
    found = activity(blueprint, over)
    assert float(found[0, 0]) == pytest.approx(float(found[1, 0]), abs=1e-12)


def test_the_minus_strand_reads_the_reverse_complement() -> None:
    forward = "ACGTTGCATTAGCCATAGGACCTA"
    over = of_sequences(forward, forward.translate(COMPLEMENT)[::-1])
    site = {"start": 2, "length": 6}
    plus = thermodynamic(over, sites={"TF": site}, interactions={}, transcribes=["TF"])
    minus = thermodynamic(
        over, sites={"TF": site | {"start": 16, "strand": "-"}}, interactions={}, transcribes=["TF"]
    )
    assert float(activity(plus, over)[0, 0]) == pytest.approx(float(activity(minus, over)[1, 0]), abs=1e-13)


def test_each_distance_has_an_interaction_of_its_own() -> None:
    over = assay()
    blueprint = thermodynamic(over, **(SLIDING | {"interactions": {"TF+POL": {"kind": "spacer"}}}))
    assert [term.name for term in blueprint.terms[21:]] == [f"TF+POL@{d}" for d in range(5, 13)]
    assembly = assembled(blueprint)
    pair = {12 - d: constant(assembly, blueprint, f"TF+POL@{d}") for d in range(5, 13)}
    expected = [by_hand(assembly, s, pair) for s in over.alphabet.decode(over.experiments[0].codes)]
    assert activity(blueprint, over).exp()[:, 0].numpy() == pytest.approx(expected, rel=1e-12)


def test_a_helical_interaction_is_a_wave_of_the_distance() -> None:
    over = assay()
    kind = {"TF+POL": {"kind": "helical", "period": 9.0}}
    blueprint = thermodynamic(over, **(SLIDING | {"interactions": kind}))
    assembly = assembled(blueprint)
    mean, cosine, sine = (constant(assembly, blueprint, f"TF+POL{word}") for word in ("", " cosine", " sine"))
    wave = {
        start: mean
        + cosine * math.cos(2 * math.pi * (12 - start) / 9)
        + sine * math.sin(2 * math.pi * (12 - start) / 9)
        for start in range(10)
    }
    expected = [by_hand(assembly, s, wave) for s in over.alphabet.decode(over.experiments[0].codes)]
    assert activity(blueprint, over).exp()[:, 0].numpy() == pytest.approx(expected, rel=1e-12)


def test_on_shorter_sequences_placements_beyond_the_end_do_not_count() -> None:
    sequences = ["ACGTTGCATTAGCCATAGGA", "ACGTTGCATTAGC", "TTGACA"]
    over = of_sequences(*sequences)
    blueprint = thermodynamic(
        over,
        sites={"TF": {"slide": (0, 14), "length": 6}, "R": {"slide": (0, 12), "length": 4, "strand": "both"}},
        interactions={},
        transcribes=["TF"],
    )
    assembly = assembled(blueprint)
    found = assembly.activity(torch.as_tensor(over.experiments[0].codes), "plate", {})
    for row, sequence in enumerate(sequences):
        starts = [start for start in range(15) if start + 6 <= len(sequence)]
        repressors = [(s, strand) for s in range(13) for strand in "+-" if s + 4 <= len(sequence)]
        silent, active = 1.0, 0.0
        weight = {
            (s, strand): math.exp(-energy(assembly, "R", _strand(sequence[s : s + 4], strand)))
            for s, strand in repressors
        }
        silent += sum(weight.values())
        for start in starts:
            bound = math.exp(-energy(assembly, "TF", sequence[start : start + 6]))
            beside = sum(w for (s, _), w in weight.items() if s + 4 <= start or start + 6 <= s)
            active += bound * (1 + beside)
        assert float(found.value[row, 0].detach()) == pytest.approx(
            math.log(active / (active + silent)), abs=1e-12
        )
    (found.value - found.rest).sum().backward()
    assert all(reader.weights.grad.isfinite().all() for _, reader in assembly.readers())


def _strand(window: str, strand: str) -> str:
    return window if strand == "+" else window.translate(COMPLEMENT)[::-1]


def test_reading_all_placements_at_once_equals_one_after_another() -> None:
    over = of_sequences("ACGTTGCATTAGCCATAGGACCTA", "ACGTTGCATTAGCCATAGGA")
    sites = SLIDING["sites"] | {"POL": {"slide": (10, 14), "length": 8}}
    blueprint = thermodynamic(over, **(SLIDING | {"sites": sites}))
    assembly = assembled(blueprint)
    for codes in (over.experiments[0].codes, over.experiments[0].codes[1:, :20]):
        letters = torch.as_tensor(codes)
        single = [
            assembly.encoder(term)(assembly.window(term, letters)) for term in blueprint.terms if term.encoder
        ]
        together = assembly.terms(letters, "plate")[:, : len(single)]
        assert torch.allclose(together, torch.stack(single, dim=1), atol=1e-13)


def test_two_sliding_sites_of_one_kind_count_each_pair_of_places_once() -> None:
    over = assay(length=14)
    sites = {"one": {"slide": (0, 10), "length": 4}, "two": {"slide": (0, 10), "shares": "one"}}
    blueprint = thermodynamic(
        over, sites=sites, interactions={}, transcribes=[],
        states={"free": {}, "single": {"bound": ["one"]}, "double": {"bound": ["one", "two"], "rate": 1}},
    )  # fmt: skip
    pairs = [(a, b) for a in range(11) for b in range(a + 4, 11)]
    assert np.bincount(blueprint.group_of_state).tolist() == [1, 11, len(pairs)]
    enumerated = thermodynamic(over, sites=sites, interactions={}, transcribes=["one", "two"], states={})
    assert len(enumerated.states) == len(blueprint.states)
    assert torch.allclose(activity(enumerated, over), activity(blueprint, over), atol=1e-13)
