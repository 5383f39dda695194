"""Names as people write them: Greek, slashes, quotes, brackets. They work everywhere, from the file to the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

import pajamo
from pajamo.data.splits import Split

PERTURBED = {
    "SIM00001": "HLA-A/β",
    "SIM00002": 'p53 Δ\'"q"',
    "SIM00003": "[red]NF-κB[/red]",
    "SIM00004": "NA",
}
GENES = ["IL2/15", "β-actin", "<b>x</b>", "nan", "naïve, 日本", "100%"]


@pytest.fixture(scope="module")
def odd(tiny_screen: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny screen under odd names, in two contexts, in a folder with a blank and an accent."""
    screen = anndata.read_h5ad(tiny_screen)
    labels = screen.obs["perturbation"].astype(str)
    for old, new in PERTURBED.items():
        labels = labels.str.replace(old, new, regex=False)
    screen.obs["perturbation"] = labels
    screen.var_names = [*GENES, *screen.var_names[len(GENES) :]]
    halves = np.arange(screen.n_obs) % 2
    screen.obs["line"] = pd.Categorical(np.array(["K562/β", "ρ-zero line"])[halves])
    folder = tmp_path_factory.mktemp("études") / "two words"
    folder.mkdir()
    screen.write_h5ad(folder / "screen µ.h5ad")
    (folder / "study.toml").write_text(
        'name = "odd"\n[data]\npath = "screen µ.h5ad"\ncontext = "line"\n[split]\nkind = "doubles"\nfolds = 1\n'
        '[models]\nladder = ["mixed-effects"]\n[evaluation]\nbootstrap = 100\n',
        encoding="utf-8",
    )
    return folder


def test_the_whole_way_from_study_to_page(odd: Path, command: Callable[..., Any]) -> None:
    outcome = command("run", odd / "study.toml", "--runs", odd / "runs")
    assert outcome.code == 0, outcome.err
    (folder,) = (odd / "runs").iterdir()
    run = pajamo.run(odd / "study.toml", runs=odd / "runs")
    assert run.path == folder
    assert run.verify() == pajamo.verify(folder)
    made = run.predictions("salt-ls")
    assert list(made.var_names[: len(GENES)]) == GENES
    held = Split.load(folder / "split.json").folds[0].test
    assert sorted(zip(made.obs["perturbation"], made.obs["context"], strict=True)) == sorted(
        ("+".join(c.genes), c.context) for c in held
    )
    assert set(run.scores["condition"]) == set(map(str, held))
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<b>x</b>" not in page
    assert "HLA-A/β" in page
    weights = pd.read_csv(folder / "weights" / "salt-ls.csv.gz", keep_default_na=False)
    assert "NA" in " ".join(weights["of"])


def test_fit_predict_and_score_under_odd_names(
    odd: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(odd)
    assert command("fit", "study.toml", "--fold", 0).code == 0
    outcome = command(
        "predict", "model.safetensors", "HLA-A/β+[red]NF-κB[/red]", "NA", "--context", "K562/β",
        "-o", "vorher/sage 1.h5ad",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    made = anndata.read_h5ad(odd / "vorher" / "sage 1.h5ad")
    assert made.obs["perturbation"].tolist() == ["HLA-A/β+[red]NF-κB[/red]", "NA"]
    assert np.isfinite(made.X).all()
    assert command("evaluate", "model.safetensors", "study.toml").code == 0


def test_brackets_in_messages_are_printed_as_they_are(odd: Path, command: Callable[..., Any]) -> None:
    outcome = command("check", odd / "[bold]none[/bold].h5ad")
    assert "[bold]none[/bold].h5ad" in outcome.out
    outcome = command("run", odd / "[bold]none[/bold].toml")
    assert "[bold]none[/bold].toml" in outcome.err


def test_predictions_are_named_by_perturbation_and_context(odd: Path) -> None:
    model = pajamo.fit(odd / "study.toml", model="salt-ls")
    made = pajamo.predict(model, ["NA"], context="ρ-zero line")
    assert made.obs_names.tolist() == ["NA in ρ-zero line"]
