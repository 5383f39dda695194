"""Verbs about guide-target pairs: predict what would be recorded of them, and score them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pajamo.api.studies import path_or_none

if TYPE_CHECKING:
    import pandas as pd

    from pajamo.models.assays.model import AssayModel
    from pajamo.models.transfer.model import TransferModel
    from pajamo.pipeline.assays.run_record import AssayRun
    from pajamo.pipeline.transfer.record import TransferRun


def predict_pairs(
    model: str | Path | AssayModel,
    pairs: str | Path | pd.DataFrame,
    *,
    experiment: str | None = None,
    guide: str = "guide",
    target: str = "target",
    output: str | Path | None = None,
) -> pd.DataFrame:
    """Predict what an experiment would record of guide-target pairs that it has not seen.

    Parameters
    ----------
    model: a model that was fitted to pairs, or its file.
    pairs: a table of guides and targets, written 5' to 3' with the PAM, or its file; concentrations are read from
        columns of their names.
    experiment: which of the model's experiments is imitated; the only one if not given.
    guide, target: the table's columns.
    output: also write the prediction there, as CSV.

    Returns
    -------
    One row a pair: `guide`, `target`; `activity`, on the mechanism's own scale (a rate in 1/s where a scheme makes
    the output); `expected`, the mean of what is recorded: log10 of the rate in 1/s, or the probability of being cut.

    Raises
    ------
    DataError: a pair that the model cannot read; its row is shown.
    ModelError: the model was not fitted to pairs, or which experiment, or a concentration, is not said.
    """
    from pajamo.pipeline.assays.pair_scoring import predict_pair_table

    return predict_pair_table(
        model, pairs, experiment=experiment, guide=guide, target=target, output=path_or_none(output)
    )


def design_targets(
    guides: str | Path | Sequence[str],
    *,
    enzyme: str = "Cas9",
    mismatches: bool = True,
    pam: bool = False,
    deletions: bool = True,
    insertions: bool = True,
    doubles: int | None = 0,
    seed: int = 0,
    output: str | Path | None = None,
) -> pd.DataFrame:
    """Targets to order for a guide: what a library must hold to show what each difference from the guide costs.

    `score` tells what a fitted mechanism expects of them.

    Parameters
    ----------
    guides: sequences written 5' to 3' with the PAM of their targets, every base said; or a file with one a line.
    enzyme: by name.
    mismatches: every other base at every position of the protospacer.
    pam: every other base at the positions of the PAM that ask for one.
    deletions, insertions: every single base missing from the protospacer, or inserted into it.
    doubles: targets with two mismatches of each guide, drawn at random; all of them if None.
    seed: the same seed draws the same doubles.
    output: also write the table there, as CSV.

    Returns
    -------
    One row a pair, none twice: `guide`, `target`, `kind`, `changes` ("G>A at 3", counted from the PAM) and
    `differences`; the matched target of each guide first.

    Raises
    ------
    DataError: no guide, one without its PAM, or with a letter that is no base.
    StudyError: there is no enzyme of this name, or a number is below zero.
    """
    from pajamo.config.strict import parse
    from pajamo.data.assays.pairs.enzymes import enzyme_of
    from pajamo.explanations.designs.targets import TargetChanges, target_designs
    from pajamo.pipeline.record import write_table
    from pajamo.pipeline.transfer.pair_lists import sequences_listed

    asked = {
        "mismatches": mismatches, "pam": pam, "deletions": deletions, "insertions": insertions, "doubles": doubles,
    }  # fmt: skip
    changes = parse(TargetChanges, asked, where="targets")
    made = target_designs(sequences_listed(guides, "guides"), enzyme_of(enzyme), changes, seed)
    if (path := path_or_none(output)) is not None:
        write_table(path, made)
    return made


def score(
    target: str | Path | AssayModel | AssayRun | TransferModel | TransferRun,
    pairs: str | Path | pd.DataFrame | None = None,
    *,
    guides: str | Path | Sequence[str] | None = None,
    sites: str | Path | Sequence[str] | None = None,
    model: str | None = None,
    experiment: str | None = None,
    guide: str = "guide",
    targets: str = "target",
    steps: bool | None = None,
    output: str | Path | None = None,
) -> pd.DataFrame:
    """Score guide-target pairs: what is expected of each, how sure that is, and which kinetic step is hit.

    Parameters
    ----------
    target: a run (or its folder), a model fitted to pairs, or its file. Intervals need the data, which a run names;
        a transfer has them from its members.
    pairs: a table of guides and targets, or its file, as for `predict_pairs`.
    guides, sites: instead of `pairs`: two lists of sequences with their PAM, or files with one a line. Every guide is
        scored against every site, and where a transfer says so, the sites of a guide compete for it.
    model: of a run: which of its models; that of the verdict if not given.
    experiment: which of the model's experiments is imitated; the only one if not given. Of a transfer: the table to
        which the probability refers; the first if not given.
    guide, targets: the table's columns.
    steps: whether to tell the step that is hit, which takes longest; for up to 50,000 pairs if not given.
    output: also write the table there, as CSV.

    Returns
    -------
    One row a pair: `guide`, `target`, `activity` and `expected` as of `predict_pairs`; `low` and `high`, the 90 %
    interval of what is expected, without the noise of a single reading. Of a run on a linear model also
    `guide_fitted`, whether the guide is one of those that were fitted: for the others intervals are wider by what
    refits missed on guides (or, of one guide, places) that they were not shown; table `new_guides` of the run says
    by how much. Of kinetic mechanisms also `differences`
    (positions at which guide and target differ), `effect` (log10 of the output over that of the matched target),
    `step`, the transition that contributes most to it, and its `share`. Of a transfer: `probability` that the site is
    found cut, `low` and `high` (90 %), `log10_activity` and `step`.

    Raises
    ------
    DataError: neither pairs nor both lists, or a pair that the model cannot read; its row is shown.
    ModelError: the model was not fitted to pairs, or which experiment, or a concentration, is not said.
    IntegrityError: the run or the file is damaged.
    """
    from pajamo.pipeline.transfer.pair_lists import score_any

    return score_any(
        target,
        pairs,
        guides=guides,
        sites=sites,
        model=model,
        experiment=experiment,
        guide=guide,
        targets=targets,
        steps=steps,
        output=path_or_none(output),
    )
