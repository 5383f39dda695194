"""Did the fits reach their optimum, and may their parameters be read?"""

from __future__ import annotations

from pajamo.reports.assays.fits import YES, convergence
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.blocks import Cell, Column, Section, Table, Text
from pajamo.reports.downloads import csv_link
from pajamo.reports.rows import records
from pajamo.reports.wording import blank, count, number, printable, seconds


def fits(run: AssayRun) -> Section:
    """One row a fit with its verdict, and what follows for the reader."""
    table = run.needed("fits")
    rows = tuple(
        (
            Cell.name(row["fit"], str(row.get("kind", ""))),
            _state(row),
            Cell(number(row["gap"], 2)),
            Cell("" if blank(row.get("parameters")) else count(int(row["parameters"]))),
            Cell(_starts(row)),
            Cell(seconds(float(row["cpu_seconds"]))),
        )
        for row in records(table)
    )
    head = (
        Column("fit"),
        Column("verdict"),
        Column("gap, nats", True, "what one more Newton step promises; below 0.01 the optimum is reached"),
        Column("numbers", True, "that the fit sets, those of the instrument included"),
        Column(
            "starts",
            True,
            "random starts; the spread of their objectives before the best one went on, nats an observation",
        ),
        Column("CPU time", True),
    )
    return Section(
        "convergence",
        "Did the fits converge, and how to read the parameters",
        "The likelihood of a mechanism is a long curved valley: a fit that stops half-way looks as good on held-out "
        "data and has other energies. The gap says how many nats one more Newton step would gain.",
        (Text(_advice(run)), *_frames(run), Table(head, rows, downloads=csv_link(table, "fits", "fits.csv"))),
    )


def _state(row: dict[str, object]) -> Cell:
    if blank(row["gap"]):
        return Cell("stopped early", printable(row["verdict"]), tone="quiet")
    if str(row["converged"]) in YES:
        return Cell("✓ converged", tone="good")
    return Cell("! not converged", "do not read its parameters", tone="bad")


def _starts(row: dict[str, object]) -> str:
    if blank(row.get("starts")):
        return ""
    best, worst = (row.get(key) for key in ("best_start", "worst_start"))
    spread = "" if blank(best) or blank(worst) else f", {number(best, 4)} to {number(worst, 4)}"
    return f"{row['starts']}{spread}"


def _frames(run: AssayRun) -> list[Text]:
    """Which of the sets of energies that predict the same was chosen, where there are several."""
    known = {m["name"]: m.get("frame", "") for m in run.about["models"]}
    return [Text(f"{printable(name)}: {printable(known[name])}") for name in run.mechanisms if known[name]]


def _advice(run: AssayRun) -> str:
    name = printable(run.leading)
    if not run.mechanisms:
        return f"No mechanism was fitted. The weights of {name} order sequences; they are no energies."
    found = convergence(run, run.leading)
    if found.failed:
        return (
            f"{name} did not converge. Its parameters, matrices and states below are shown for diagnosis only: they "
            "depend on where the fit stopped and carry no meaning yet."
        )
    if not found.reached:
        return (
            f"{name} was fitted by gradient steps that stopped early, so nothing says that its optimum was reached. "
            "Its predictions may be used; its parameters are one set of many that predict as well."
        )
    return (
        f"{name} converged. Energies below are in {run.energy_unit} at the temperature of the study: negative binds, "
        "or attracts. Two things limit what a number means. An interval that is open, or as wide as its prior, says "
        "that these data do not determine the quantity, however well the model predicts. And energies hold within "
        "this mechanism: if a state is missing, others stand in for it."
    )
