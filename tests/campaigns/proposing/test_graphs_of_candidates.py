"""A graph of perturbations in a study file: what is covered, what measured ones cover, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import pajamo
from pajamo.campaigns.proposing.graphs import stands_for
from pajamo.cli import app
from pajamo.config.campaigns.graph import GraphSettings
from pajamo.errors import DataError, StudyError

GENES = [f"g{n}" for n in range(8)]
STAR = "source,target\n" + "".join(f"g0,g{n}\n" for n in range(1, 5)) + "g5,g6\n"


@pytest.fixture
def study(tmp_path: Path) -> dict[str, Any]:
    """Eight genes: a star of five, a pair, and one alone; nothing is measured."""
    pd.DataFrame({"candidate": GENES, "a": np.arange(8.0)}).to_csv(tmp_path / "genes.csv", index=False)
    (tmp_path / "edges.csv").write_text(STAR, encoding="utf-8")
    return {
        "name": "cover",
        "goal": "model",
        "outputs": ["growth"],
        "candidates": {"kind": "table", "path": str(tmp_path / "genes.csv")},
        "acquisition": {"kind": "graph-coverage", "graph": {"path": str(tmp_path / "edges.csv")}},
        "batch": {"size": 3},
        "runners_up": 2,
    }


def graph(tmp_path: Path, text: str, **settings: Any) -> GraphSettings:
    (tmp_path / "edges.csv").write_text(text, encoding="utf-8")
    return GraphSettings(path=tmp_path / "edges.csv", **settings)


def singles(names: list[str] = GENES) -> list[tuple[str, ...]]:
    return [(name,) for name in names]


def test_the_batch_covers_the_graph(study: dict[str, Any]) -> None:
    made = pajamo.propose(study)
    assert set(made.candidates) & {"g5", "g6"}
    assert made.candidates[0] == "g0"
    assert made.candidates[2] == "g7"
    assert made.acquisition == "graph-coverage"
    assert made.choices[0].score == pytest.approx(1.0 + 4 * 0.5)
    assert "stands for 3 more nodes" in made.choices[0].why


def test_what_is_measured_and_awaited_stands_for_its_neighbours(
    study: dict[str, Any], tmp_path: Path
) -> None:
    pd.DataFrame({"candidate": ["g0"], "growth": [1.0]}).to_csv(tmp_path / "known.csv", index=False)
    asked = {**study, "results": {"path": str(tmp_path / "known.csv")}, "batch": {"size": 1}}
    campaign = pajamo.new_campaign(asked, tmp_path / "c.sqlite")
    first = pajamo.propose_round(campaign).proposal
    assert first.candidates[0] in ("g5", "g6")
    second = pajamo.propose_round(campaign).proposal
    assert second.candidates == ("g7",)
    assert pajamo.replay_round(campaign, 1) == []


def test_a_campaign_keeps_its_graph(study: dict[str, Any], tmp_path: Path) -> None:
    campaign = pajamo.new_campaign(study, tmp_path / "c.sqlite")
    (tmp_path / "edges.csv").write_text(STAR + "g6,g7\n", encoding="utf-8")
    with pytest.raises(DataError, match="have changed since"):
        pajamo.propose_round(campaign)


def test_a_study_file_names_its_graph_beside_itself(study: dict[str, Any], tmp_path: Path) -> None:
    del study
    (tmp_path / "study.toml").write_text(
        'name = "cover"\ngoal = "model"\noutputs = ["growth"]\n[candidates]\nkind = "table"\n'
        'path = "genes.csv"\n[acquisition]\nkind = "graph-coverage"\n[acquisition.graph]\n'
        'path = "edges.csv"\nhops = 2\ndecay = 1.0\n[batch]\nsize = 2\n',
        encoding="utf-8",
    )
    shown = CliRunner().invoke(
        app, ["propose", str(tmp_path / "study.toml"), "-o", str(tmp_path / "next.csv")]
    )
    assert shown.exit_code == 0, shown.output
    chosen = pd.read_csv(tmp_path / "next.csv")["candidate"].tolist()
    assert set(chosen) <= set(GENES)
    assert {GENES.index(name) < 5 for name in chosen} == {True, False}


def test_a_combination_stands_for_what_its_members_stand_for(tmp_path: Path) -> None:
    settings = graph(tmp_path, "source,target,weight\ng0,g1,0.9\ng1,g2,0.5\ng0,g3,0.2\n", hops=2)
    targets = [("g0",), ("g1",), ("g2",), ("g3",), ("g0", "g2"), ("g3", "g2")]
    found = stands_for(settings, targets).toarray()
    expected = np.array([[1, 0.9, 0.45, 0.2], [0.9, 1, 0.5, 0.18], [0.45, 0.5, 1, 0], [0.2, 0.18, 0, 1]])
    np.testing.assert_allclose(found[:4], expected)
    np.testing.assert_allclose(found[4], np.maximum(expected[0], expected[2]))
    np.testing.assert_allclose(found[5], np.maximum(expected[3], expected[2]))


def test_direction_counts_where_it_is_asked_for(tmp_path: Path) -> None:
    text = "source,target\ng0,g1\n"
    both = stands_for(graph(tmp_path, text), singles(GENES[:2])).toarray()
    np.testing.assert_allclose(both, [[1, 0.5], [0.5, 1]])
    one = stands_for(graph(tmp_path, text, directed=True), singles(GENES[:2])).toarray()
    np.testing.assert_allclose(one, [[1, 0.5], [0, 1]])
    again = stands_for(graph(tmp_path, text + "g1,g0\n"), singles(GENES[:2])).toarray()
    np.testing.assert_allclose(again, both)


def test_nodes_that_no_candidate_perturbs_are_covered_where_that_is_asked_for(tmp_path: Path) -> None:
    text = "source,target\ng0,x\ng1,x\ng1,y\n"
    found = stands_for(graph(tmp_path, text, others=True), singles(GENES[:2])).toarray()
    np.testing.assert_allclose(found, [[1, 0, 0.5, 0], [0, 1, 0.5, 0.5]])
    with pytest.raises(DataError, match="no candidate perturbs 'x'"):
        stands_for(graph(tmp_path, text), singles(GENES[:2]))


@pytest.mark.parametrize(
    ("text", "said", "where"),
    [
        ("source,target\n", "no rows", "edges.csv"),
        ("source,goal\ng0,g1\n", "no column 'target'", "edges.csv"),
        ("source,target\ng0,g1\ng2,g2\n", "from a node to itself", "row 3"),
        ("source,target\ng0,g1\ng0,gl\n", "no candidate perturbs 'gl'", "row 3"),
        ("source,target\ng0,\n", "an edge has no target", "row 2"),
        ("source,target,weight\ng0,g1,1.5\n", "above 0 and up to 1", "row 2"),
        ("source,target,weight\ng0,g1,0\n", "above 0 and up to 1", "row 2"),
        ("source,target,weight\ng0,g1,\n", "above 0 and up to 1", "row 2"),
        ("source,target,weight\ng0,g1,much\n", "above 0 and up to 1", "row 2"),
        ("source,target,weight\ng0,g1,0.5\ng1,g0,0.6\n", "two weights", "row 2"),
    ],
)
def test_what_is_no_graph_of_these_candidates_is_refused(
    tmp_path: Path, text: str, said: str, where: str
) -> None:
    with pytest.raises(DataError, match=said) as error:
        stands_for(graph(tmp_path, text), singles())
    assert where in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"acquisition": {"kind": "graph-coverage"}}, "acquisition.graph.path"),
        ({"acquisition": {"kind": "margin", "graph": {"path": "x.csv"}}}, "not to `margin`"),
        (
            {"acquisition": {"kind": "graph-coverage", "graph": {"path": "x.csv"}, "settings": {"hops": 2}}},
            "settings in acquisition.graph",
        ),
        ({"batch": {"budget": 10.0}}, "batch.size"),
    ],
)
def test_a_graph_that_would_not_count_is_refused(
    study: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    with pytest.raises(StudyError, match=said):
        pajamo.propose({**study, **change})
