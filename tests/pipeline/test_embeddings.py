"""Several embeddings of genes in one study: each model with each, on the same folds, and what came of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pajamo
from pajamo.config import parse_study, read_study
from pajamo.data.public.datasets import resolve
from pajamo.errors import ModelError, StudyError
from pajamo.models.registry import create
from pajamo.pipeline.explaining import explain_target
from pajamo.pipeline.identity import run_id
from pajamo.pipeline.ladder import baseline_names, ladder_names
from pajamo.pipeline.loading import load
from pajamo.pipeline.one_model import fit_one
from pajamo.pipeline.record import read_content
from pajamo.pipeline.run_record import Run
from pajamo.pipeline.variants import Variant, chosen_variant, variants_of
from pajamo.reports.blocks import Table
from pajamo.reports.sections.embeddings import compared

NAMES = ("protein", "ontology", "one-hot", "expression")
SHIFT = {"steps": 5, "axes": 2}


def raw(folder: Path, screen: Path, **priors: object) -> dict[str, object]:
    rng = np.random.default_rng(0)
    genes = sorted({g for c in load_conditions(screen) for g in c.genes})
    vectors = pd.DataFrame(
        rng.normal(size=(len(genes), 6)).astype(np.float32), columns=[f"e{i}" for i in range(6)]
    )
    vectors.insert(0, "gene", genes)
    vectors.to_parquet(folder / "protein.parquet")
    pairs = [(gene, f"t{i % 2}") for i, gene in enumerate(genes[1:])]
    pd.DataFrame(pairs, columns=["gene", "term"]).to_csv(folder / "ontology.csv", index=False)
    named = {"protein": str(folder / "protein.parquet"), "ontology": str(folder / "ontology.csv")}
    return {
        "name": "ablation",
        "data": {"path": str(screen)},
        "split": {"kind": "unseen-perturbation", "folds": 2},
        "models": {"ladder": ["shift-vae"], "settings": {"shift-vae": SHIFT}},
        "priors": priors or {"embeddings": named},
        "evaluation": {"bootstrap": 100, "distributions": False, "field_metrics": False},
    }


def load_conditions(screen: Path):
    study = {"name": "x", "data": {"path": str(screen)}, "split": {"kind": "doubles"}}
    return load(parse_study(study)).perturbed


@pytest.fixture(scope="module")
def run(tiny_screen: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("ablation")
    return pajamo.run(raw(folder, tiny_screen), runs=folder / "runs", progress=lambda _: None)


def test_each_model_that_takes_an_embedding_is_fitted_with_each(run):
    models = set(run.summary["model"])
    for model in ("shift-vae", "linear", "salt-ls"):
        assert {f"{model} [{name}]" for name in NAMES} <= models
        assert model not in models
    assert "mean-perturbation" in models
    counted = run.scores[run.scores["metric"] == "mse"].groupby("model").size()
    assert counted[[f"linear [{name}]" for name in NAMES]].nunique() == 1


def test_the_tables_say_what_each_embedding_covers_and_is_worth(run):
    covered = run.table("embeddings").set_index("embedding")
    assert list(covered.index) == list(NAMES)
    n = covered.loc["one-hot", "perturbed"]
    assert list(covered["covered"])[:3] == [n, n - 1, n]
    assert covered.loc["protein", "dimensions"] == 6
    worth = run.table("ablation")
    gains = worth[(worth["metric"] == "mse") & (worth["model"] == "linear")].set_index("embedding")
    assert gains.loc["one-hot", "outcome"] == "reference"
    mean = run.summary.set_index(["metric", "model"])["mean"]
    expected = mean["mse", "linear [one-hot]"] - mean["mse", "linear [protein]"]
    assert gains.loc["protein", "gain"] == pytest.approx(expected)


def test_the_report_shows_the_ablation(run):
    content = read_content(run.path)
    section = compared(content)
    assert section is not None
    table = section.blocks[0]
    assert isinstance(table, Table)
    assert [column.title for column in table.columns] == ["model", *NAMES]
    assert "What embeddings of genes are worth" in (run.path / "report.html").read_text(encoding="utf-8")
    assert len({card.name for card in content.cards}) == len(content.cards)


def test_variants_are_predicted_saved_and_explained_by_name(run):
    made = run.predictions("shift-vae [protein]")
    assert made.n_obs > 0
    best = run.verdict["model"]
    assert run.model().card.name == Variant.named(best).model
    assert explain_target(run, best, None).model == Variant.named(best).model
    base = run.verdict["baseline"]
    assert explain_target(run, base, None).parts
    run.verify()
    assert read_study(run.path / "study.toml").priors.names == NAMES


def test_one_table_leaves_names_as_they_are(tmp_path, tiny_screen):
    raw(tmp_path, tiny_screen)
    study = parse_study(raw(tmp_path, tiny_screen, embedding=str(tmp_path / "protein.parquet")))
    assert all(" [" not in name for name in ladder_names(study))
    loaded = load(study)
    assert len(loaded.training_set(loaded.perturbed).embedding) == len(loaded.embeddings[""])


def test_a_variant_is_fitted_by_its_name(tmp_path, tiny_screen):
    study = parse_study(raw(tmp_path, tiny_screen))
    model = fit_one(study, "linear [ontology]", None, None, None)
    assert set(model.vectors.names) == set(load(study).embeddings["ontology"])
    with pytest.raises(ModelError, match=r"name one of: linear \[protein\]"):
        fit_one(study, "linear", None, None, None)
    with pytest.raises(ModelError, match="no model called"):
        fit_one(study, "liner [ontology]", None, None, None)
    assert chosen_variant("salt", study) == Variant("salt")


def test_names_of_variants():
    for variant in (Variant("peper", "esm.8M"), Variant("salt")):
        assert Variant.named(variant.name) == variant
    assert Variant.named("technical-duplicate") == Variant("technical-duplicate")


def test_baselines_stand_once_for_each_embedding(tmp_path, tiny_screen):
    study = parse_study(raw(tmp_path, tiny_screen))
    names = baseline_names(study)
    assert len(names) == len(set(names))
    assert [name for name in names if name.startswith("nearest")] == [
        v.name for v in variants_of("nearest", study)
    ]
    assert "salt" in names


@pytest.mark.parametrize(
    ("priors", "words"),
    [
        ({}, "either `embedding` or a table"),
        ({"embedding": "a.csv", "embeddings": {"b": "b.csv"}}, "either `embedding` or a table"),
        ({"embeddings": {"one-hot": "b.csv"}}, "are not one-hot or expression"),
        ({"embeddings": {"a [b]": "b.csv"}}, "made of letters"),
        ({"embeddings": {"a": "b.csv"}, "compared": ["two-hot"]}, "one-hot"),
    ],
)
def test_what_is_wrong_with_priors_is_said(priors, words):
    study = {"name": "x", "data": {"path": "a"}, "split": {"kind": "doubles"}, "priors": priors}
    with pytest.raises(StudyError, match=words):
        parse_study(study)


def test_another_table_is_another_run(tmp_path, tiny_screen):
    study = parse_study(raw(tmp_path, tiny_screen))
    first = run_id(study, resolve(study.data))
    assert run_id(study, resolve(study.data)) == first
    with (tmp_path / "ontology.csv").open("a") as table:
        table.write("more,t1\n")
    assert run_id(study, resolve(study.data)) != first


def test_tables_are_found_beside_the_study(tmp_path):
    text = '[data]\npath = "a.h5ad"\n[split]\nkind = "doubles"\n[priors.embeddings]\nprotein = "p.parquet"\n'
    (tmp_path / "study.toml").write_text('name = "x"\n' + text)
    priors = read_study(tmp_path / "study.toml").priors
    assert priors.embeddings == {"protein": (tmp_path / "p.parquet").resolve()}
    assert create("linear").takes_embedding
