"""Whether guides have the positions that an R-loop declares: the longest, and those of each experiment."""

from __future__ import annotations

from pajamo.config.assays import PAIRS, RLoopSettings
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.pairs.pairing import LETTERS
from pajamo.errors import StudyError


def require_guides(settings: RLoopSettings, assay: Assay) -> None:
    """Check that sequences are pairs, and guides as long as declared.

    Raises
    ------
    StudyError: they are not, or an experiment has shorter guides than others and the R-loop does not say so.
    """
    if assay.alphabet.letters != LETTERS:
        raise StudyError(
            "an R-loop needs guide-target pairs",
            where="kind",
            why="its steps are the base pairs of a guide with its target",
            fix=f'say alphabet = "{PAIRS}" and give `pairs` in each experiment',
        )
    wanted = settings.pam + settings.steps
    if assay.length != wanted:
        raise StudyError(
            f"guides have {assay.length} positions, and the R-loop {wanted}",
            where="steps",
            why=f"a PAM of {settings.pam} and {settings.steps} base pairs are declared",
            fix=f"give steps = {max(assay.length - settings.pam, 1)}, or another `pam`",
        )
    for experiment in assay.experiments:
        _require_length(settings, assay, experiment)


def _require_length(settings: RLoopSettings, assay: Assay, experiment: Experiment) -> None:
    """Guides of different length within an experiment count as the longest of them."""
    if not experiment.n:
        return
    held = (experiment.codes != assay.alphabet.missing).any(axis=0)
    longest = int(held.nonzero()[0].max(initial=-1)) + 1 - settings.pam
    declared = settings.shorter.get(experiment.name, settings.steps)
    if longest != declared:
        own = f"shorter.{experiment.name} = {longest}"
        raise StudyError(
            f"guides of {experiment.name!r} have {longest} base pairs, and its R-loop {declared}",
            where="shorter",
            why="an R-loop is cut after its last base pair, and there is one for all experiments unless it says so",
            fix=f"give {own}" if longest < settings.steps else f"leave out shorter.{experiment.name}",
        )
