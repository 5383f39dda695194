from __future__ import annotations

import base64
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from pajamo.reports.lead import lead
from pajamo.reports.page import render_report
from pajamo.reports.picture import summary_figure

EMPTY: dict[str, None] = dict.fromkeys(
    (
        "split_counts",
        "checks",
        "categories",
        "interactions",
        "examples",
        "time_course",
        "calibration",
        "timings",
    )
)
NOTHING = EMPTY | {"cards": (), "weights": {}, "refusals": {}, "provenance": {}, "notes": (), "files": {}}
HOSTILE = "<script>alert('x')</script>"
LONG = "L" * 300
ODD = [
    HOSTILE,
    "\x00\x1b",
    "基因-κ-🧬",
    "a/b\\c",
    '"><img src=x onerror=alert(1)>',
    "$\\frac{",
    "{{ 7 * 7 }}",
]
RENAMED = ["peper", "linear", "G001", "G002", "KLF1", "POU5F1", "additive"]
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Reader(HTMLParser):
    """Collects what matters of a page, and whether its tags close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.identifiers: list[str] = []
        self.titles: list[str] = []
        self.headings: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for key, value in attrs:
            assert not key.startswith("on")
            if key in ("href", "src", "xlink:href"):
                self.addresses.append(value or "")
            if key == "id":
                self.identifiers.append(value or "")
            if key == "title":
                self.titles.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


@pytest.fixture(scope="module")
def page(content) -> str:
    return render_report(content)


@pytest.fixture(scope="module")
def read(page: str) -> Reader:
    return Reader(page)


def test_the_page_is_well_formed_and_small(page: str, read: Reader) -> None:
    assert read.open == []
    assert len(page.encode()) < 1_000_000
    assert len(read.identifiers) == len(set(read.identifiers))


def test_the_page_needs_no_network_and_no_script(read: Reader) -> None:
    assert not read.tags & {"script", "link", "iframe", "object"}
    assert all(address.startswith(("#", "data:")) for address in read.addresses)


def test_every_link_within_the_page_leads_somewhere(read: Reader) -> None:
    assert {a[1:] for a in read.addresses if a.startswith("#")} <= set(read.identifiers)


def test_the_verdict_is_the_heading(page: str, content) -> None:
    assert f"<h1>{content.verdict.sentence}</h1>" in page
    assert "No model beats" not in page
    assert "Simulated" not in page


def test_equal_content_gives_equal_bytes(page: str, make) -> None:
    assert render_report(make()) == page


def test_figures_carry_their_tables(page: str, content) -> None:
    start = page.index("data:text/csv")
    carried = base64.b64decode(page[start : page.index('"', start)].split(",")[1]).decode()
    assert (
        carried.splitlines()[0] == "model,best_baseline,improvement,improvement_low,improvement_high,outcome"
    )
    assert carried.splitlines()[1].startswith("peper,salt,")


def test_sections_without_content_are_left_out(make) -> None:
    read = Reader(render_report(make(**NOTHING)))
    assert read.headings == [
        "Difference to the best baseline",
        "Every model, every metric",
        "The ladder of models",
        "Between nothing learned and as good as a repeat",
        "Data and check",
        "Provenance",
    ]


def test_empty_tables_are_like_none(make, content) -> None:
    empty = {name: getattr(content, name).iloc[:0] for name in EMPTY}
    assert render_report(make(**NOTHING | empty)) == render_report(make(**NOTHING))


def test_simulated_data_are_shouted(make, content) -> None:
    page = render_report(make(**NOTHING, data=replace(content.data, simulated=True)))
    assert page.index('class="banner simulated"') < page.index("<h1>")
    assert "(simulated data)</title>" in page


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("ties", "cannot be told from"),
        ("loses", "is better than"),
        ("baselines only", "Only baselines were run"),
    ],
)
def test_no_win_is_said_first(make, content, outcome: str, words: str) -> None:
    (banner,) = lead(make(verdict=replace(content.verdict, outcome=outcome))).banners
    assert banner.title == "No model beats the best baseline"
    assert words in banner.text


def test_the_lead_tells_the_difference_with_its_interval(content) -> None:
    facts = dict(lead(content).facts)
    verdict = content.verdict
    assert facts["difference"].text == f"+{verdict.improvement:.2g}"
    assert facts["best baseline"].text == "salt"
    assert facts["held out"].text == "24 perturbations"
    assert facts["over all metrics"].text == "beats on 5"


@pytest.fixture(scope="module")
def hostile_page(make) -> str:
    """The full page of a run whose models, genes and perturbations have names that break careless pages."""
    skill = {
        "peper": 0.05,
        "salt": 0.07,
        "linear": 0.1,
        "mean-perturbation": 0.4,
        "technical-duplicate": 0.02,
    }
    names = dict(zip(RENAMED, ODD, strict=True))
    base = make(skill)
    tables = {name: getattr(base, name).replace(names) for name in (*EMPTY, "summary", "scores")}
    for name in ("scores", "categories", "summary"):
        tables[name] = tables[name].replace("salt", LONG)
    verdict = replace(base.verdict, model=names["peper"], sentence=f"{names['peper']} beats it")
    return render_report(
        make(skill, **tables, verdict=verdict, title=ODD[0], notes=tuple(ODD), study="\n".join(ODD))
    )


def test_names_from_the_data_do_no_harm(hostile_page: str) -> None:
    read = Reader(hostile_page)
    assert read.open == []
    assert not read.tags & {"script", "img"}
    assert "&lt;script&gt;" in hostile_page
    assert "{{ 7 * 7 }}" in hostile_page
    assert "基因-κ-🧬" in hostile_page
    assert not set("\x00\x1b") & set(hostile_page)


def test_long_names_are_cut_with_the_whole_in_the_tooltip(hostile_page: str) -> None:
    read = Reader(hostile_page)
    assert LONG in read.titles
    assert hostile_page.count(LONG) < 20


def test_a_large_run_stays_below_two_megabytes(make, content) -> None:
    rng = np.random.default_rng(0)
    conditions = [f"GENE{i}+OTHER{i}" for i in range(80)]
    genes = [f"ENSG{i:011d}" for i in range(600)]
    grid = pd.MultiIndex.from_product(
        [conditions, genes, ["peper", "salt"]], names=["condition", "gene", "model"]
    )
    values = {name: rng.normal(size=len(grid)) for name in ("truth", "delta")}
    examples = grid.to_frame(index=False).assign(**values, truth_se=0.1, sd=0.1)
    pairs = pd.DataFrame(
        [
            (f"GENE{i}", f"GENE{j}", 2 ** rng.normal(), rng.random(), "additive")
            for i in range(70)
            for j in range(i)
        ],
        columns=["gene_1", "gene_2", "strength", "explained", "class"],
    )
    weights = {"salt": pd.concat([content.weights["scaled-salt"]] * 500)}
    page = render_report(make(examples=examples, interactions=pairs, weights=weights))
    assert len(page.encode()) < 2_000_000


def test_without_a_baseline_there_is_no_difference(make, content) -> None:
    columns = ["improvement", "improvement_low", "improvement_high"]
    blank = content.summary.assign(**dict.fromkeys(columns, np.nan), best_baseline=np.nan, outcome=np.nan)
    nothing = replace(
        content.verdict, baseline="", improvement=np.nan, low=np.nan, high=np.nan, outcome="no baseline"
    )
    page = render_report(make(**NOTHING, summary=blank, verdict=nothing))
    assert "Difference to the best baseline" not in page
    assert "nothing to compare with" in page


def test_one_condition_has_no_interval(make, content) -> None:
    ends = [name for name in content.summary if name.endswith(("low", "high"))]
    page = render_report(make(**NOTHING, summary=content.summary.assign(**dict.fromkeys(ends, np.nan))))
    assert "nan" not in Reader(page).titles
    assert "nan to nan" not in page


def test_the_picture_is_a_png_and_repeats(make, content) -> None:
    picture = summary_figure(content)
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 300_000
    assert summary_figure(make()) == picture
