"""The parts of an explanation that speak of guide-target pairs."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from pajamo.config.assays import KineticSettings
from pajamo.data.assays.assay import Assay
from pajamo.explanations.assays.information import Information
from pajamo.explanations.explanation import Part
from pajamo.explanations.pairs.costs import cost_table
from pajamo.explanations.pairs.tables import pair_tables
from pajamo.models.assays.model import AssayModel

PAIR_PARTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "rates": (
        "rates at the matched target",
        "log10 of each rate, and of ratios that the data determine.",
        ("quantity", "of", "log10", "low", "high", "unit", "verdict"),
    ),
    "control": (
        "which step controls",
        "Percent by which the output rises with one percent of a rate.",
        ("transition", "matched", "mean", "low", "high"),
    ),
    "costs": (
        "what differences cost",
        "What a mismatch or bulge adds at each position (1 beside the PAM), the largest first.",
        ("reader", "from_pam", "change", "value", "low", "high", "unit", "pairs"),
    ),
    "mutagenesis": (
        "which step a change hits",
        "Single changes of the target, the strongest first.",
        ("guide", "from_pam", "change", "effect", "unit", "step", "share"),
    ),
    "landscape": (
        "free-energy landscape",
        "States and barriers on the way to the product, in kT.",
        ("name", "kind", "of", "energy", "low", "high", "unit"),
    ),
    "identifiability": (
        "what the pairs can tell",
        "Before the fit: what the outputs depend on at all. After it: what the data determine.",
        ("finding", "of", "value", "words"),
    ),
    "kinetics": ("what drives it", "Affinities of cycles, and the entropy that is produced.", ()),
}
"""Tables by the name of their file: heading, how to read them, and the columns that the text shows."""
STRONGEST = {"costs": "value", "mutagenesis": "effect"}
"""Tables of which the text shows the rows of the largest numbers."""


def pair_tables_of(
    model: AssayModel, assay: Assay, found: Information | None, *, level: float = 0.9, seed: int = 0
) -> dict[str, pd.DataFrame]:
    """Costs of mismatches; of a kinetic scheme also rates, landscape, control, mutagenesis, and what can be known.

    Parameters
    ----------
    model: fitted to guide-target pairs, at its optimum.
    assay: that it was fitted to.
    found: information of the model; None for one with a reader that is no linear map.
    level: coverage of intervals.
    seed: of draws.

    Returns
    -------
    Tables by the names of PAIR_PARTS.
    """
    tables = {"costs": cost_table(model, assay, found, level=level)}
    if isinstance(model.mechanism, KineticSettings):
        tables |= pair_tables(model, assay, found, level=level, seed=seed)
        # What drives a scheme is told under the name that it has for sequences too.
        if "driving" in tables:
            tables["kinetics"] = tables.pop("driving")
    return tables


def pair_parts(
    model: AssayModel, assay: Assay, found: Information | None, *, level: float = 0.9
) -> Iterator[Part]:
    """The same tables as parts of an explanation; arguments as of `pair_tables_of`."""
    tables = pair_tables_of(model, assay, found, level=level)
    for name, (heading, text, columns) in PAIR_PARTS.items():
        if name in tables and len(tables[name]):
            yield Part(heading, text, strongest_first(name, tables[name]), name, columns)


def strongest_first(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A table of single changes with the largest numbers first; other tables as they are."""
    if name not in STRONGEST:
        return table
    return table.sort_values(STRONGEST[name], key=abs, ascending=False, kind="stable", ignore_index=True)
