"""The embeddings of genes that a study compares: what each covers, and what each is worth."""

from __future__ import annotations

import pandas as pd

from pajamo.evaluation.ablation import ablation
from pajamo.pipeline.findings import Findings
from pajamo.pipeline.loading import ONE_HOT, Loaded
from pajamo.pipeline.variants import Variant


def coverage(loaded: Loaded) -> pd.DataFrame | None:
    """Of each embedding, how many perturbed genes it has a vector of; None where the study compares none.

    Returns
    -------
    Columns embedding, dimensions, genes (with a vector), perturbed (genes of the screen), covered (of these).
    """
    priors = loaded.study.priors
    if priors is None or not priors.embeddings:
        return None
    perturbed = {gene for condition in loaded.perturbed for gene in condition.genes}
    whole = loaded.training_set(loaded.perturbed)
    rows = []
    for name in priors.names:
        vectors = loaded.with_embedding(whole, name).embedding
        width = len(next(iter(vectors.values()), ()))
        rows.append((name, width, len(vectors), len(perturbed), len(perturbed & vectors.keys())))
    return pd.DataFrame(rows, columns=["embedding", "dimensions", "genes", "perturbed", "covered"])


def compared_embeddings(findings: Findings) -> pd.DataFrame | None:
    """Gain of each embedding over the reference, by model and metric; None where the study compares none.

    The reference is one-hot vectors, of which nothing can be learned for a gene never perturbed, or the first
    embedding where the study leaves these out.
    """
    study = findings.loaded.study
    if study.priors is None or not study.priors.embeddings:
        return None
    names = dict.fromkeys(rung.model for rung in findings.rungs if not rung.refusal)
    variants = {name: Variant.named(name) for name in names}
    settings = study.evaluation
    return ablation(
        findings.scores,
        {name: (made.model, made.embedding) for name, made in variants.items() if made.embedding},
        ONE_HOT if ONE_HOT in study.priors.names else study.priors.names[0],
        level=settings.level,
        n_bootstrap=settings.bootstrap,
        seed=study.seed,
    )
