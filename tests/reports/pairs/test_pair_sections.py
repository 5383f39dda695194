"""Sections from a run's tables: words, numbers, and nothing where there is no table."""

from __future__ import annotations

import pytest

from pajamo.reports.blocks import Figure, Table
from pajamo.reports.pairs import sections

ALL = ("rates", "landscape", "control", "mutagenesis", "identifiability")


@pytest.mark.parametrize("name", ALL)
def test_each_table_has_a_section_with_a_download(run, name):
    section = getattr(sections, name)(run)
    assert section.anchor == name
    assert section.reading
    shown = [block for block in section.blocks if isinstance(block, Figure | Table) and block.downloads]
    assert shown
    for block in shown:
        if isinstance(block, Figure):
            assert block.svg.startswith("<svg")


@pytest.mark.parametrize("name", [*ALL, "windows"])
def test_without_a_table_there_is_no_section(run, name):
    (run.path / f"{name}.csv").unlink(missing_ok=True)
    assert getattr(sections, name)(run) is None


def test_only_the_leading_model_is_shown(run, nuclease):
    table = sections.own_table(run, "rates")
    assert len(table) == len(nuclease[1]["rates"])
    assert "model" not in table


def test_a_table_of_another_model_alone_is_no_section(run):
    path = run.path / "control.csv"
    path.write_text(path.read_text().replace("cas9", "other"))
    assert sections.control(run) is None


def test_the_sum_of_control_is_told(run):
    assert "They sum to 1.00 at the matched target and to 1.00 on average" in sections.control(run).reading


def test_mirrored_rates_are_warned_of_first(run):
    path = run.path / "identifiability.csv"
    words = "only the ratio of the two rates is measured"
    path.write_text(
        path.read_text() + f"after the fit,mirrored rates,a -> b / b -> a,-1.0,correlation,{words},cas9\n"
    )
    first = sections.identifiability(run).blocks[0]
    assert first.text == f"a -> b / b -> a are mirror images: {words}."


def test_a_guide_has_a_map_that_names_its_strongest_change(run, nuclease):
    section = sections.mutagenesis(run)
    table = nuclease[1]["mutagenesis"]
    assert len(section.blocks) == table["guide"].nunique()
    own = table[table["guide"] == table["guide"].iloc[0]]
    strongest = own.loc[own["effect"].abs().idxmax()]
    assert f"{strongest['change']} at {strongest['from_pam']}" in section.blocks[0].caption


def test_without_a_model_file_rates_are_a_table(run):
    run.__dict__["model"] = None
    blocks = sections.rates(run).blocks
    assert [type(block) for block in blocks] == [Table]


def test_windows_of_a_search_are_drawn(run):
    (run.path / "windows.csv").write_text("transition,from_pam,inclusion\na -> b,1,0.5\na -> b,2,1.0\n")
    section = sections.windows(run)
    assert isinstance(section.blocks[0], Figure)
