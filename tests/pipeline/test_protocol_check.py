"""`pajamo protocol check` end to end, and what a protocol does to a run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import anndata
import numpy as np
import pandas as pd
import pytest

import pajamo
from pajamo.config import Study, parse_study, read_study
from pajamo.data.conditions import Condition
from pajamo.errors import DataError, StudyError
from pajamo.models.no_change import NoChange
from pajamo.pipeline.loading import load
from pajamo.pipeline.toml_text import to_toml
from pajamo.protocols import Protocol, culture, differentiate, measure, perturb
from pajamo.protocols.diagnostics.baseline import stationary_baseline
from pajamo.protocols.diagnostics.cells import Cells
from pajamo.protocols.stored import put_protocol

STEPS = (perturb("knockout", onset=0.5), culture("m", 2.0), differentiate("d"), measure(batch="lane"))
PROTOCOL = Protocol.of(*STEPS, time_unit="day")
COLUMNS = {"time": "day"}
GENES = 12
Change = Callable[[anndata.AnnData], Any]


def screen(cells: int = 40) -> anndata.AnnData:
    """Two knockouts and controls on days 1 and 3 in two lanes; the cells differentiate between the days."""
    rng = np.random.default_rng(0)
    obs = pd.DataFrame(
        [(label, day, lane) for label in ("control", "A", "B") for day in (1, 3) for lane in "xy"] * cells,
        columns=["perturbation", "day", "lane"],
    )
    rate = np.full((len(obs), GENES), 3.0)
    rate[obs["day"] == 3, 2:6] *= 2.5
    rate[obs["perturbation"] == "A", 0] = 0.3
    obs.index = pd.Index([f"cell{i}" for i in range(len(obs))])
    var = pd.DataFrame(index=pd.Index(["A", "B", *(f"g{i}" for i in range(GENES - 2))]))
    return anndata.AnnData(rng.poisson(rate).astype(np.float32) + 0.0, obs=obs, var=var)


def study(path: Path, protocol: Protocol | None = PROTOCOL, **more: Any) -> Study:
    raw = {"name": "staged", "data": {"path": str(path), **COLUMNS}, "split": {"kind": "time"}}
    raw |= {"evaluation": {"bootstrap": 100, "distributions": False}, **more}
    if protocol is not None:
        raw["protocol"] = protocol.settings.model_dump(mode="json")
    return parse_study(raw)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(change: Change = lambda _: None) -> Path:
        adata = screen()
        changed = change(adata)
        path = tmp_path / "screen.h5ad"
        (adata if changed is None else changed).write_h5ad(path)
        return path

    return write


def test_everything_is_in_the_report(written: Callable[..., Path]) -> None:
    report = pajamo.protocol_check(study(written()))
    assert report.passed
    text = report.to_text()
    for words in (
        "├ m ",
        "◆",
        "F(p knockout; d; 1) F(p knockout; m; 1.5) F(-; m; 0.5)",
        "control cells in all of its",
    ):
        assert words in text
    found = report.assumptions.set_index("assumption")
    assert found.loc["stationary-baseline", "data"] == "broken"
    assert found.loc["stationary-baseline", "protocol"].startswith(
        "contradicts it: differentiates cells in 'd'"
    )
    assert "linear-scm" in found.loc["stationary-baseline", "models"]
    assert found.loc["same-cells", "data"] == "holds"
    assert found.loc["instantaneous-edit", "protocol"].startswith("contradicts it")
    data = json.loads(report.to_json())
    assert data["passed"] is True
    assert {test["found"] for test in data["tests"]} <= {"holds", "broken", "unclear", "untested"}
    assert all(test["can"] and test["cannot"] for test in data["tests"])


def test_same_seed_same_numbers_and_the_tests_can_be_left_out(written: Callable[..., Path]) -> None:
    asked = study(written())
    assert pajamo.protocol_check(asked).to_json() == pajamo.protocol_check(asked).to_json()
    quick = pajamo.protocol_check(asked, test=False)
    assert quick.diagnostics == ()
    assert set(quick.assumptions["data"]) == {"untested"}


def test_the_files_own_protocol_is_used_and_must_not_be_contradicted(written: Callable[..., Path]) -> None:
    path = written(lambda adata: put_protocol(adata, PROTOCOL))
    report = pajamo.protocol_check(path, **COLUMNS, test=False)
    assert (report.source, report.protocol) == ("file", PROTOCOL)
    assert load(study(path, None)).protocol == PROTOCOL
    other = Protocol.of(*STEPS[:2], differentiate("e"), measure(batch="lane"), time_unit="day")
    with pytest.raises(StudyError, match="say different things of what was done to the cells: steps"):
        load(study(path, other))
    in_memory = screen()
    put_protocol(in_memory, PROTOCOL)
    assert pajamo.protocol_check(in_memory, **COLUMNS, test=False).source == "file"
    assert pajamo.protocol_check(screen(), protocol=PROTOCOL, **COLUMNS, test=False).source == "study"
    untimed = pajamo.protocol_check(path, test=False)
    assert not untimed.protocol.timed
    assert "rest" in untimed.to_text()
    plain = pajamo.protocol_check(screen(), **COLUMNS, test=False)
    assert plain.source == "none"
    assert set(plain.assumptions["protocol"]) == {"nothing is written of it"}


def test_models_see_what_was_done(written: Callable[..., Path]) -> None:
    loaded = load(study(written()))
    assert "batch" in loaded.screen.cells
    training = loaded.training_set(loaded.perturbed)
    assert training.protocol == PROTOCOL
    assert load(study(loaded.data.path or Path(), None)).training_set(loaded.perturbed).protocol is None


class Steady(NoChange):
    """A model that takes unperturbed cells to be at rest."""

    card: ClassVar = NoChange.card.__class__(
        **{**vars(NoChange.card), "name": "steady", "assumes": frozenset({"stationary-baseline"})}
    )


def test_a_steady_state_model_is_refused_where_cells_differentiate(written: Callable[..., Path]) -> None:
    path = written()
    late, early = Condition(("A",), "", 3.0), Condition(("A",), "", 1.0)

    def objection(protocol: Protocol, conditions: Sequence[Condition]) -> str | None:
        loaded = load(study(path, protocol))
        return Steady().objection(loaded.training_set(conditions), conditions)

    refused = objection(PROTOCOL, [late])
    assert refused is not None
    assert "the protocol differentiates them" in refused
    assert 'accept = ["stationary-baseline"]' in refused
    # On day 1 the cells are still in the medium in which they rest.
    assert objection(PROTOCOL, [early]) is None
    accepting = Protocol.of(*STEPS, time_unit="day", accept=["stationary-baseline"])
    assert objection(accepting, [late]) is None
    loaded = load(study(path))
    assert NoChange().objection(loaded.training_set([late]), [late]) is None


def test_a_resolved_study_with_a_protocol_reads_back(tmp_path: Path, written: Callable[..., Path]) -> None:
    protocol = Protocol.of(*STEPS, arms={"": STEPS[:2]}, time_unit="day")
    asked = study(written(), protocol)
    path = tmp_path / "resolved.toml"
    path.write_text(to_toml(asked.model_dump(mode="json")), encoding="utf-8")
    assert read_study(path) == asked


def toml(path: Path, protocol: Protocol) -> str:
    return to_toml(study(path, protocol).model_dump(mode="json"))


def test_the_command_draws_and_prints(
    command: Callable[..., Any], tmp_path: Path, written: Callable[..., Path]
) -> None:
    (tmp_path / "study.toml").write_text(toml(written(), PROTOCOL), encoding="utf-8")
    done = command("protocol", "check", "study.toml", "--output", "timeline.svg", "--no-test")
    assert done.code == 0, done.err
    assert "wrote timeline.svg" in done.out
    assert (tmp_path / "timeline.svg").read_text(encoding="utf-8").startswith("<svg")
    as_json = command("protocol", "check", "study.toml", "--no-test", "--json")
    assert json.loads(as_json.out)["name"] == "staged"


def test_the_protocol_is_written_into_a_new_file(
    command: Callable[..., Any], tmp_path: Path, written: Callable[..., Path]
) -> None:
    path = written()
    (tmp_path / "study.toml").write_text(toml(path, PROTOCOL), encoding="utf-8")
    assert command("protocol", "write", "study.toml", "--output", "new.h5ad").code == 0
    assert load(study(tmp_path / "new.h5ad", None)).protocol == PROTOCOL
    assert "exists already" in command("protocol", "write", "study.toml", "-o", "new.h5ad").err
    with pytest.raises(StudyError, match="says nothing of what was done"):
        pajamo.protocol_write(study(path, None), tmp_path / "other.h5ad")


def test_a_run_shows_the_timeline(tmp_path: Path, written: Callable[..., Path]) -> None:
    asked = study(written(), split={"kind": "time", "held": [3]}, models={"ladder": ["no-change"]})
    done = pajamo.run(asked, runs=tmp_path / "runs")
    page = (done.path / "report.html").read_text(encoding="utf-8")
    assert "What was done to the cells" in page
    assert (done.path / "timeline.svg").read_text(encoding="utf-8") in page
    pajamo.verify(done.path)


def without_controls_on_day_3(adata: anndata.AnnData) -> anndata.AnnData:
    return adata[(adata.obs["perturbation"] != "control") | (adata.obs["day"] == 1)].copy()


def test_a_time_without_controls_is_shown_and_not_valid(
    command: Callable[..., Any], tmp_path: Path, written: Callable[..., Path]
) -> None:
    path = written(without_controls_on_day_3)
    (tmp_path / "study.toml").write_text(toml(path, PROTOCOL), encoding="utf-8")
    done = command("protocol", "check", "study.toml")
    assert done.code == 2
    assert re.search(
        r"MISSING +2 conditions, 160 cells: no control cells in its context at its time", done.out
    )
    assert "not valid: 2 conditions have no matched control" in done.out
    with pytest.raises(DataError, match="no control cells in 3"):
        load(study(path))


def all_of_b_in_a_lane_of_its_own(adata: anndata.AnnData) -> None:
    adata.obs.loc[adata.obs["perturbation"] == "B", "lane"] = "z"


def test_a_perturbation_alone_in_its_batch_is_named(written: Callable[..., Path]) -> None:
    report = pajamo.protocol_check(study(written(all_of_b_in_a_lane_of_its_own)))
    (balance,) = [d for d in report.diagnostics if d.question.assumption == "same-cells"]
    assert balance.found == "broken"
    assert "B at 1 (all in z)" in balance.sentence
    assert "none of its batches holds control cells" in report.to_text()


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        (Protocol.of(culture(), timed=False), ["no step perturbs A", "cells of A at 1"]),
        (Protocol.of(*STEPS, time_unit="day", clock="start", arms={"x": STEPS}), ["no cell is in arm 'x'"]),
        (
            Protocol.of(perturb("knockout", onset=0, targets=["A", "C"]), culture()),
            ["'C'", "labels of the screen"],
        ),
    ],
)
def test_an_invalid_protocol_leaves_with_code_2(
    command: Callable[..., Any],
    tmp_path: Path,
    written: Callable[..., Path],
    protocol: Protocol,
    words: Sequence[str],
) -> None:
    settings = protocol.settings.model_copy(update={"time_unit": "day"})
    (tmp_path / "study.toml").write_text(toml(written(), Protocol(settings)), encoding="utf-8")
    done = command("protocol", "check", "study.toml")
    assert done.code == 2
    assert [word for word in words if word not in done.err] == []


def test_the_shipped_course_says_that_time_is_batch() -> None:
    path = Path(__file__).resolve().parents[2] / "studies" / "ipsc-time-course.toml"
    cells = Cells.of(load(read_study(path)).screen, seed=0)
    found = stationary_baseline(cells, np.random.default_rng(0))
    assert found.found == "unclear"
    assert "time and batch are one" in found.sentence
    report = pajamo.protocol_check(path, test=False)
    assert report.passed
    assert len(report.references) == 92
    assert report.words["cells"].sum() == 14_945
