"""Zero-shot effects of variants against one pass at a time, and windows of long proteins."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.encoders.protein_packs import FAMILIES, small, widened

from pajamo.data.proteins.alphabet import MASK, TOKENS
from pajamo.data.proteins.encoding import tokens_of
from pajamo.data.proteins.variants import Substitution
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.errors import DataError, ModelError
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.packing import Shown, enclosed, in_packs
from pajamo.models.proteins.variants import score_variants, window

PROTEIN = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEV"


@pytest.fixture(params=FAMILIES)
def model(request):
    made = ProteinLanguageModel(small(request.param))
    made.initialise(0)
    return widened(made, spread=0.1)


def changed(*texts, protein=PROTEIN):
    """Substitutions as K2A."""
    return [Substitution(int(text[1:-1]) - 1, text[0], text[-1]) for text in texts]


def naive(model, one, protein, hide):
    """One pass for one substitution."""
    tokens = enclosed(tokens_of(protein))
    if hide:
        tokens[one.place + 1] = MASK
    (pack,) = in_packs([Shown(tokens)])
    row = model.log_probabilities(PackedTokens.of(pack))[one.place + 1]
    return (row[TOKENS.index(one.after)] - row[TOKENS.index(one.before)]).item()


@pytest.mark.parametrize("how", ["masked", "wild-type"])
def test_scores_are_those_of_one_pass_each(model, how):
    variants = [changed("K2A"), changed("V32L", "K2A"), changed("M1W"), []]
    found = score_variants(model, PROTEIN, variants, how, budget=100)
    expected = [sum(naive(model, one, PROTEIN, how == "masked") for one in each) for each in variants]
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_the_wild_type_and_a_change_into_itself_score_nothing(model):
    assert score_variants(model, PROTEIN, [[], [Substitution(3, "A", "A")]]).tolist() == [0.0, 0.0]


def test_forth_is_minus_back_where_the_residue_is_hidden(model):
    other = "A" + PROTEIN[1:]
    forth = score_variants(model, PROTEIN, [changed("M1A")])
    back = score_variants(model, other, [changed("A1M")])
    np.testing.assert_allclose(forth, -back, atol=1e-10)


def test_no_variants_at_all(model):
    assert score_variants(model, PROTEIN, []).shape == (0,)


@pytest.mark.parametrize("how", ["masked", "wild-type"])
def test_long_proteins_are_seen_through_windows(model, how):
    protein = PROTEIN * 4
    variants = [changed(f"{protein[place]}{place + 1}W", protein=protein) for place in range(0, 128, 9)]
    found = score_variants(model, protein, variants, how, longest=40)
    whole = enclosed(tokens_of(protein))
    for value, (one,) in zip(found, variants, strict=True):
        begin, end = window(one.place + 1, len(whole), 40)
        shown = whole[begin:end].copy()
        inside = one.place + 1 - begin
        if how == "masked":
            shown[inside] = MASK
        (pack,) = in_packs([Shown(shown)])
        row = model.log_probabilities(PackedTokens.of(pack))[inside]
        expected = row[TOKENS.index("W")] - row[TOKENS.index(one.before)]
        assert value == pytest.approx(expected.item(), abs=1e-10)


@pytest.mark.parametrize(("tokens", "longest"), [(1500, 1024), (5000, 1024), (41, 40), (90, 8)])
def test_windows_are_full_and_hold_their_place_near_the_middle(tokens, longest):
    begins = []
    for place in range(tokens):
        begin, end = window(place, tokens, longest)
        assert 0 <= begin <= place < end <= tokens
        assert end - begin == longest
        if 0 < begin < tokens - longest:
            assert abs(place - (begin + longest // 2)) <= longest // 8 + 1
        begins.append(begin)
    assert begins == sorted(begins)
    assert len(set(begins)) <= 4 * tokens / longest + 2


def test_a_protein_that_fits_is_seen_whole():
    assert window(17, 34, 34) == (0, 34)


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (Substitution(1, "A", "C"), "A2C does not start from the wild type"),
        (Substitution(99, "A", "C"), "A100C does not start"),
        (Substitution(-1, "V", "C"), "does not start"),
        (Substitution(1, "K", "J"), "'J' is no residue"),
    ],
)
def test_substitutions_that_cannot_be(model, one, told):
    with pytest.raises(DataError, match=told):
        score_variants(model, PROTEIN, [[one]])


def test_unknown_ways_are_refused(model):
    with pytest.raises(ModelError, match="unknown way"):
        score_variants(model, PROTEIN, [], "guess")
    with pytest.raises(ModelError, match="show nothing"):
        score_variants(model, PROTEIN, [], longest=5)


def test_a_learned_preference_is_found():
    """A model that was taught that W stands before each C scores C's left neighbour accordingly."""
    model = ProteinLanguageModel(small("modern"))
    model.initialise(0)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    rng = np.random.default_rng(0)
    for _ in range(60):
        optimiser.zero_grad()
        loss = model(_taught(rng))
        loss.backward()
        optimiser.step()
    protein = "AGLVWCGLAV"
    good, bad = score_variants(model, protein, [changed("W5L"), changed("L3W")])
    assert good < -1
    assert bad < -1


def _taught(rng):
    from pajamo.data.proteins.pack import Pack

    proteins = ["".join(rng.choice(list("AGLV"), 10)) for _ in range(32)]
    places = rng.integers(1, 9, 32)
    proteins = [text[: at - 1] + "WC" + text[at + 1 :] for text, at in zip(proteins, places, strict=True)]
    asked = rng.integers(1, 11, 32)
    shown = []
    targets = []
    for text, at in zip(proteins, asked, strict=True):
        tokens = enclosed(tokens_of(text))
        targets.append(tokens[at])
        tokens[at] = MASK
        shown.append(Shown(tokens, [at]))
    (pack,) = in_packs(shown)
    return PackedTokens.of(
        Pack(pack.tokens, pack.lengths, pack.places, np.array(targets, dtype=np.uint8), pack.samples)
    )
