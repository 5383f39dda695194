from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from pajamo.data.atomic import sha256
from pajamo.data.run_folder import RunFolder, verify_run
from pajamo.errors import IntegrityError
from pajamo.reports.assays import assay_report, render_assay_report

OPTIONAL = (
    "parameters", "profiles", "states", "sloppy_directions", "comparison", "footprints", "shifts", "split_counts",
    "intrinsic",
)  # fmt: skip
HOSTILE = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Headings and words of a page, and whether its tags close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.anchors: list[str] = []
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "section":
            self.anchors.append(str(dict(attrs)["id"]))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def change(folder: Path, name: str, **facts: object) -> None:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


@pytest.mark.usefixtures("undrawn")
def test_the_page_says_verdict_convergence_and_parameters_before_anything_else(folder: Path) -> None:
    read = Reader(render_assay_report(folder))
    assert read.open == []
    assert "script" not in read.tags
    assert read.anchors == [
        "models", "intrinsic", "convergence", "parameters", "mechanism", "states", "matrices", "prediction",
        "instrument", "comparison", "profiles", "sloppy", "footprints", "shifts", "data", "cards", "refused",
        "provenance", "notes",
    ]  # fmt: skip
    for said in (
        "promoter beats the best baseline", "+0.070", "95% interval 0.050 to 0.090", "promoter converged",
        "below −1.60", "−18.0 to 2.90", "exp(-dG[CRP]/kT)", "do not determine RNAP", "most frequent letter",
        "too few rows", "Nothing else.", "One of 2 frames.",
    ):  # fmt: skip
        assert said in read.text, said


@pytest.mark.usefixtures("undrawn")
def test_a_fit_that_did_not_converge_is_not_to_be_interpreted(folder: Path) -> None:
    fits = pd.read_csv(folder / "fits.csv")
    fits.loc[fits["model"] == "promoter", ["converged", "gap"]] = ["", 3.0]
    fits.to_csv(folder / "fits.csv", index=False)
    text = Reader(render_assay_report(folder)).text
    assert "The fit of promoter did not converge" in text
    assert "for diagnosis only" in text
    assert "not to be interpreted" in text
    assert "promoter converged" not in text


@pytest.mark.usefixtures("undrawn")
def test_a_fit_without_second_order_steps_is_neither_converged_nor_failed(folder: Path) -> None:
    fits = pd.read_csv(folder / "fits.csv")
    fits[["converged", "gap"]] = ["", float("nan")]
    fits.to_csv(folder / "fits.csv", index=False)
    text = Reader(render_assay_report(folder)).text
    assert "stopped early" in text
    assert "The fit of promoter did not converge" not in text
    assert "promoter converged" not in text


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("ties", "cannot be told from additive"),
        ("loses", "tells more than promoter"),
        ("no interval", "too few sequences for an interval"),
    ],
)
def test_a_mechanism_that_wins_nothing_is_said_so_first(folder: Path, outcome: str, said: str) -> None:
    change(folder, "verdict", outcome=outcome, low=None, high=None)
    text = Reader(render_assay_report(folder)).text
    assert "No mechanism beats the best baseline" in text
    assert said in text


@pytest.mark.usefixtures("undrawn")
def test_maps_alone_have_no_energies(folder: Path) -> None:
    about = json.loads((folder / "about.json").read_text())
    change(folder, "about", models=[m for m in about["models"] if m["kind"] == "baseline"])
    change(
        folder, "verdict", outcome="baselines only", model="additive", improvement=None, low=None, high=None
    )
    read = Reader(render_assay_report(folder))
    assert "No mechanism was fitted" in read.text
    assert "they are no energies" in read.text
    assert not {"parameters", "mechanism"} & set(read.anchors)


@pytest.mark.usefixtures("undrawn")
def test_figures_on_the_training_set_are_no_proof(folder: Path) -> None:
    change(folder, "verdict", set_name="training")
    for name in ("summary",):
        table = pd.read_csv(folder / f"{name}.csv").assign(set="training")
        table.to_csv(folder / f"{name}.csv", index=False)
    assert "Nothing was held out" in Reader(render_assay_report(folder)).text


@pytest.mark.usefixtures("undrawn")
def test_a_profile_that_met_a_better_optimum_is_told(folder: Path) -> None:
    assert "NO OPTIMUM" not in Reader(render_assay_report(folder)).text
    table = pd.read_csv(folder / "profiles.csv").assign(gained=1.5)
    table.to_csv(folder / "profiles.csv", index=False)
    assert (
        "THE FIT WAS NO OPTIMUM, profiles met a better one (CRP+RNAP by 1.50 nats)"
        in Reader(render_assay_report(folder)).text
    )


@pytest.mark.usefixtures("undrawn")
def test_bounds_stand_beside_what_the_model_reaches_or_say_why_not(folder: Path) -> None:
    text = Reader(render_assay_report(folder)).text
    assert "sorted: promoter tells 0.620 bits (I_pred) of at least 0.700." in text
    assert "not computed: what a sorter adds" in text
    table = pd.read_csv(folder / "intrinsic.csv")
    table.loc[1, ["value", "low", "high"]] = [0.6, 0.55, 0.65]
    table.to_csv(folder / "intrinsic.csv", index=False)
    text = Reader(render_assay_report(folder)).text
    assert "of at least 0.700 and at most 0.600: more than there is" in text


@pytest.mark.usefixtures("undrawn")
def test_whatever_a_run_did_not_write_is_left_out(folder: Path) -> None:
    for name in OPTIONAL:
        (folder / f"{name}.csv").unlink()
    for path in folder.glob("predictions/*"):
        path.unlink()
    read = Reader(render_assay_report(folder))
    assert read.anchors[:3] == ["models", "convergence", "mechanism"]
    assert not {"parameters", "states", "profiles", "footprints", "prediction"} & set(read.anchors)


@pytest.mark.usefixtures("undrawn")
def test_without_model_files_the_tables_still_speak(folder: Path) -> None:
    for path in folder.glob("models/*"):
        path.unlink()
    anchors = Reader(render_assay_report(folder)).anchors
    assert {"models", "parameters", "states", "profiles", "footprints"} <= set(anchors)
    assert not {"mechanism", "matrices", "prediction"} & set(anchors)


def test_a_page_with_hostile_names_is_small_and_runs_nothing(folder: Path) -> None:
    change(folder, "about", title=HOSTILE, notes=[HOSTILE])
    table = pd.read_csv(folder / "states.csv")
    for name in ("footprints", "shifts", "profiles"):
        (folder / f"{name}.csv").unlink()
    table.loc[0, "state"] = HOSTILE + "$x_{"
    table.to_csv(folder / "states.csv", index=False)
    page = render_assay_report(folder)
    assert len(page.encode()) < 2_000_000
    assert "<script" not in page
    assert HOSTILE in Reader(page).text
    inner = re.findall(r' id="([^"]*)"', page)
    assert len(inner) == len(set(inner))


@pytest.mark.usefixtures("undrawn")
def test_a_complete_run_is_rendered_again_and_stays_whole(folder: Path) -> None:
    run = RunFolder(folder.parent / "complete")
    with run.writing():
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                target = run.work / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
        (run.work / "report.html").write_text("an older page")
        run.finish({"kind": "assay"})
    made = assay_report(run.path)
    assert made.read_text(encoding="utf-8") == render_assay_report(folder)
    verify_run(run.path)


@pytest.mark.usefixtures("undrawn")
def test_equal_files_give_equal_bytes(folder: Path) -> None:
    assert render_assay_report(folder) == render_assay_report(folder)


@pytest.mark.usefixtures("undrawn")
def test_an_unfinished_folder_gets_its_page(folder: Path) -> None:
    before = {path.name: sha256(path) for path in folder.glob("*.csv")}
    assert assay_report(folder).is_file()
    assert before == {path.name: sha256(path) for path in folder.glob("*.csv")}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("name", ["verdict.json", "about.json", "summary.csv", "fits.csv"])
def test_a_folder_that_lacks_what_every_run_has_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(IntegrityError, match=name.split(".")[0]):
        render_assay_report(folder)


@pytest.mark.usefixtures("undrawn")
def test_a_table_of_another_version_is_refused(folder: Path) -> None:
    pd.read_csv(folder / "fits.csv").drop(columns="gap").to_csv(folder / "fits.csv", index=False)
    with pytest.raises(IntegrityError, match="gap"):
        render_assay_report(folder)
