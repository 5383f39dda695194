"""What a trained protein model is worth: hidden residues of proteins kept aside, and measured variants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import stats

from pajamo.data.proteins.alphabet import CLS, EOS, PAD, TOKENS
from pajamo.data.proteins.blosum import blosum62
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.data.proteins.encoding import tokens_of
from pajamo.data.proteins.pack import Pack
from pajamo.data.proteins.variants import Variants
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.evaluation.proteins.perplexity import Told, perplexities
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.neighbours import CONTEXTS, NeighbourTable
from pajamo.models.proteins.site_independent import SiteIndependent
from pajamo.models.proteins.variants import score_variants
from pajamo.pipeline.once import Progress
from pajamo.pipeline.proteins.loading import LoadedProteins
from pajamo.training.streams.packs import PackStream

MODEL: Final = "language model"
AT_ONCE: Final = 4096
"""Proteins that are counted at a time."""
RELATIVES: Final = 1000
"""Proteins, those that share most words with a wild type, that are aligned with it."""
WORD: Final = 4
RESAMPLES: Final = 1000
ENDS: Final = (0.025, 0.975)


def perplexity_table(model: ProteinLanguageModel, loaded: LoadedProteins, progress: Progress) -> pd.DataFrame:
    """Perplexity on both sides that were kept aside, beside frequencies of residues among their neighbours."""
    progress("counting residues among their neighbours")
    tables = neighbour_tables(loaded.corpus, loaded.split.training)
    found = []
    for side in ("validation", "test"):
        indices = getattr(loaded.split, side)
        if not len(indices):
            continue
        progress(f"judging on {len(indices):,} {side} proteins")
        told = told_by(model, tables, loaded.kept(side), len(loaded.corpus))
        shown = {name: Told(one.nats[indices], one.asked[indices]) for name, one in told.items()}
        made = perplexities(
            shown, loaded.corpus.lengths[indices], loaded.split.families[indices], tables, loaded.study.seed
        )
        found.append(made.assign(set=side))
    return pd.concat(found, ignore_index=True)


def neighbour_tables(corpus: ProteinCorpus, indices: NDArray[np.int64]) -> dict[str, NeighbourTable]:
    """Frequencies of residues in training proteins, by the name of the context."""
    return {name: NeighbourTable.of(unmasked(corpus, indices), offsets) for name, offsets in CONTEXTS.items()}


def unmasked(corpus: ProteinCorpus, indices: NDArray[np.int64]) -> Iterator[Pack]:
    """Whole proteins, <cls> and <eos> about each, nothing hidden; some thousand at a time."""
    nothing = np.zeros(0, dtype=np.int64)
    for first in range(0, len(indices), AT_ONCE):
        some = indices[first : first + AT_ONCE]
        residues, lengths = corpus.gather(some)
        ends = np.cumsum(lengths)
        tokens = np.insert(residues, np.stack([ends - lengths, ends]).T.ravel(), [CLS, EOS] * len(some))
        yield Pack(tokens.astype(np.uint8), lengths + 2, nothing, nothing.astype(np.uint8), some)


def told_by(
    model: ProteinLanguageModel, tables: dict[str, NeighbourTable], stream: PackStream, proteins: int
) -> dict[str, Told]:
    """How well each model tells the same hidden residues, by protein of the corpus."""
    names = [MODEL, *tables]
    nats, asked = {name: np.zeros(proteins) for name in names}, np.zeros(proteins)
    for plan in stream.once():
        pack = stream.pack(plan)
        of = pack.samples[np.repeat(np.arange(len(pack.lengths)), pack.lengths)[pack.places]]
        np.add.at(asked, of, 1.0)
        np.add.at(nats[MODEL], of, model_nats(model, pack))
        for name, table in tables.items():
            np.add.at(nats[name], of, table.nats(pack))
    return {name: Told(nats[name], asked) for name in names}


@torch.inference_mode()
def model_nats(model: ProteinLanguageModel, pack: Pack) -> NDArray[np.float64]:
    """-ln p of the true residue at each hidden place; shape (asked,)."""
    packed = PackedTokens.of(pack, model.encoder.embedding.weight.device)
    found = model.log_probabilities(packed, packed.places)
    return -found.gather(1, packed.targets[:, None])[:, 0].double().cpu().numpy()


def variant_table(model: ProteinLanguageModel, loaded: LoadedProteins, progress: Progress) -> pd.DataFrame:
    """Rank correlation with what was measured, beside BLOSUM62 and the sites of relatives, each by itself."""
    rows = []
    for name, variants in loaded.variants.items():
        progress(f"scoring {len(variants):,} variants: {name}")
        said = {
            f"{MODEL}, masked": score_variants(model, variants.wild_type, variants.substitutions, "masked"),
            f"{MODEL}, wild type": score_variants(
                model, variants.wild_type, variants.substitutions, "wild-type"
            ),
            **compared(variants, loaded.corpus, loaded.split.training),
        }
        rows += [_variant_row(name, by, scores, variants, loaded.study.seed) for by, scores in said.items()]
    return pd.DataFrame(rows)


def compared(
    variants: Variants, corpus: ProteinCorpus, training: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """What needs no language model: BLOSUM62, and frequencies at each site of the wild type's relatives."""
    wild_type = tokens_of(variants.wild_type)
    independent = SiteIndependent.of(wild_type, likely_relatives(wild_type, corpus, training))
    alike, scores = np.zeros(len(variants)), np.zeros(len(variants))
    for number, changes in enumerate(variants.substitutions):
        for one in changes:
            after = np.array([TOKENS.index(one.after)], dtype=np.uint8)
            alike[number] += blosum62()[TOKENS.index(one.before), after[0]]
            scores[number] += independent.scores(np.array([one.place]), after, wild_type)[0]
    return {"BLOSUM62": alike, f"sites of {independent.relatives} relatives": scores}


def likely_relatives(
    wild_type: NDArray[np.uint8], corpus: ProteinCorpus, indices: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Proteins that share most words of four residues with a wild type, filled up with <pad>."""
    known = np.unique(_words(wild_type.astype(np.int64)))
    shared = np.zeros(len(indices), dtype=np.int64)
    for first in range(0, len(indices), AT_ONCE):
        residues, lengths = corpus.gather(indices[first : first + AT_ONCE])
        words = _words(residues.astype(np.int64))
        of = np.repeat(np.arange(len(lengths)), lengths)[: len(words)]
        shared[first : first + AT_ONCE] = np.bincount(of[np.isin(words, known)], minlength=len(lengths))
    chosen = indices[np.argsort(-shared, kind="stable")[:RELATIVES]]
    chosen = chosen[corpus.lengths[chosen] <= 4 * len(wild_type)]
    found = np.full((len(chosen), int(corpus.lengths[chosen].max(initial=0))), PAD, dtype=np.uint8)
    for row, protein in enumerate(chosen):
        found[row, : corpus.lengths[protein]] = corpus.tokens(int(protein))
    return found


def _words(tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each stretch of four residues."""
    if len(tokens) < WORD:
        return np.zeros(0, dtype=np.int64)
    code = np.zeros(len(tokens) - WORD + 1, dtype=np.int64)
    for place in range(WORD):
        code = code * len(TOKENS) + tokens[place : place + len(code)]
    return code


def _variant_row(
    name: str, by: str, scores: NDArray[np.float64], variants: Variants, seed: int
) -> dict[str, object]:
    drawn = np.random.default_rng(seed).integers(len(variants), size=(RESAMPLES, len(variants)))
    ranks = stats.rankdata(scores), stats.rankdata(variants.scores)
    low, high = np.quantile([np.corrcoef(ranks[0][rows], ranks[1][rows])[0, 1] for rows in drawn], ENDS)
    return {
        "variants": name,
        "by": by,
        "number": len(variants),
        "spearman": float(np.corrcoef(*ranks)[0, 1]),
        "low": float(low),
        "high": float(high),
    }
