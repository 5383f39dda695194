"""Reading a study whose networks learn of guides in cells and in vitro, and hold for guides that they never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pajamo.config.assays import AssayStudy, CutSettings, RateSettings, TransferSettings
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.dividing import TEST, TRAINING, Divided, divided, protospacers
from pajamo.data.assays.pairs.enzymes import Enzyme, enzyme_of
from pajamo.data.assays.pairs.letters import plain
from pajamo.errors import DataError, StudyError, nearest, shorten
from pajamo.pipeline.assays.loading import LoadedAssay, load_assay
from pajamo.pipeline.assays.resolving import resolved_study


@dataclass(frozen=True)
class LoadedTransfer:
    """A study with [transfer] and its tables.

    Attributes
    ----------
    study: with every table found.
    settings: its table [transfer].
    cuts: tables of sites that were found or not, as they were read.
    divided: the same with every guide in one set.
    rates: tables of rates, from which the mechanisms start; rows of test guides are test rows. None without such.
    """

    study: AssayStudy
    settings: TransferSettings
    cuts: LoadedAssay
    divided: Divided
    rates: LoadedAssay | None

    @property
    def assay(self) -> Assay:
        """Sites, with the sets of their guides."""
        return self.divided.assay

    @property
    def training(self) -> Assay:
        """The tables from which something is learned, with their training and validation rows."""
        tests = self.tests
        return replace(
            self.assay, experiments=tuple(e for e in self.assay.experiments if e.name not in tests)
        )

    @property
    def tests(self) -> tuple[str, ...]:
        """Tables of which nothing is learned."""
        return test_tables(self.study, self.settings)

    @property
    def pam(self) -> int:
        """Positions of the PAM."""
        return alphabet_of(self.assay).pam

    @property
    def notes(self) -> tuple[str, ...]:
        """What reading and dividing left to say."""
        return (*self.cuts.notes, *(self.rates.notes if self.rates else ()), *self.divided.notes)

    @property
    def digests(self) -> dict[str, str]:
        """Hash of each experiment's table."""
        return {**self.cuts.digests, **(self.rates.digests if self.rates else {})}

    def judged(self, set_name: str) -> list[tuple[Experiment, tuple[str, ...]]]:
        """Rows of a set of every table of which some were found and some not, and the names of their guides."""
        parts = ((e.part(set_name), self.divided.guides[e.name]) for e in self.assay.experiments)
        return [(part, names) for part, names in parts if 0 < part.recorded["label"].sum() < part.n]


def alphabet_of(assay: Assay) -> PairAlphabet:
    """The alphabet of an assay on guide-target pairs."""
    assert isinstance(assay.alphabet, PairAlphabet)
    return assay.alphabet


def transfer_settings(study: AssayStudy) -> TransferSettings:
    """The table [transfer] of a study.

    Raises
    ------
    StudyError: it has none, or no table of sites that were found or not.
    """
    if study.transfer is None:
        raise StudyError(
            "the study says nothing of a transfer",
            where=study.name,
            fix="add a table [transfer]; `pajamo run` fits the mechanisms as they are",
        )
    if not of_kind(study, CutSettings):
        raise StudyError(
            "there is nothing to carry a mechanism over to",
            where=f"experiments of {study.name}",
            why="cells say which sites were found cut, and no experiment recorded that",
            fix='give an experiment with measurement = { kind = "cut" }',
        )
    return study.transfer


def of_kind(study: AssayStudy, kind: type[CutSettings] | type[RateSettings]) -> tuple[str, ...]:
    """Experiments with measurements of a kind."""
    return tuple(name for name, own in study.experiments.items() if isinstance(own.measurement, kind))


def test_tables(study: AssayStudy, settings: TransferSettings) -> tuple[str, ...]:
    """Tables of sites with weight 0: nothing is learned of them, and their guides are test guides everywhere.

    Raises
    ------
    StudyError: weights of experiments that there are not, or no table is left to learn from.
    """
    known = of_kind(study, CutSettings)
    for name in settings.weights:
        if name not in known:
            raise StudyError(
                f"there is no experiment {name!r} of sites that were found or not",
                where="transfer.weights",
                fix=f"{nearest(name, known)}there are: {', '.join(known)}",
            )
    tests = tuple(name for name in known if settings.weights.get(name) == 0)
    if tests == known:
        raise StudyError(
            "nothing is learned of any table of sites",
            where="transfer.weights",
            why="a table of weight 0 is a test table",
            fix="give one of them a weight, or leave it out of `weights`",
        )
    return tests


def load_transfer(study: AssayStudy) -> LoadedTransfer:
    """Read all tables and put every guide into one set.

    Raises
    ------
    StudyError: as `transfer_settings` and `test_tables`; a guide that no table has.
    SplitError: as `divided`.
    DataError: as `read_assay`; or a training table without a site that was found.
    """
    settings = transfer_settings(study)
    resolved = resolved_study(study)
    tests = test_tables(resolved, settings)
    cuts = load_assay(_only(resolved, of_kind(resolved, CutSettings), (0.0, 0.0)))
    enzymes = _enzymes(resolved)
    pam = alphabet_of(cuts.assay).pam
    rates = _rates(resolved)
    known = _guides([cuts, *([rates] if rates else [])], enzymes, pam)
    held = {key: _named(getattr(study, key), known, key) for key in ("test_guides", "validation_guides")}
    made = divided(
        cuts.assay, enzymes, tests=tests, **held, share=settings.validation_share, seed=study.seed, pam=pam
    )  # fmt: skip
    _require_found(made, tests)
    tested = {*made.of_set("test"), *held["test_guides"]}
    untested = None if rates is None else _untested(rates, enzymes, tested, pam)
    return LoadedTransfer(resolved, settings, cuts, made, untested)


def _only(study: AssayStudy, names: tuple[str, ...], holdout: tuple[float, float]) -> AssayStudy:
    """Some experiments of a study, without its own sets by guide: these are drawn over all tables here."""
    experiments = {name: study.experiments[name] for name in names}
    without = {"test_guides": (), "validation_guides": (), "holdout": holdout}
    return study.model_copy(update={"experiments": experiments, **without})


def _enzymes(study: AssayStudy) -> dict[str, Enzyme]:
    return {
        name: enzyme_of(own.pairs.enzyme) for name, own in study.experiments.items() if own.pairs is not None
    }


def _guides(tables: Sequence[LoadedAssay], enzymes: Mapping[str, Enzyme], pam: int) -> dict[str, Enzyme]:
    """Every guide, and the enzyme that it was used with."""
    return {
        guide: enzymes[e.name]
        for loaded in tables
        for e in loaded.assay.experiments
        for guide in protospacers(e.codes, pam, enzymes[e.name])[0]
    }


def _named(asked: tuple[str, ...], known: Mapping[str, Enzyme], key: str) -> tuple[str, ...]:
    """Protospacers of guides as a study names them, with or without their PAM."""
    found = []
    for text in map(plain, asked):
        bare = [
            guide
            for guide, enzyme in known.items()
            if text == guide or (len(text) == len(guide) + len(enzyme.pam) and guide in text)
        ]
        if not bare:
            raise StudyError(
                f"no table has the guide {text!r}",
                where=key,
                fix=f"{nearest(text, known)}there are {len(known)}: {shorten(list(known), 12)}",
            )
        found.append(bare[0])
    return tuple(found)


def _require_found(made: Divided, tests: tuple[str, ...]) -> None:
    for experiment in made.assay.experiments:
        training = experiment.part("training")
        if experiment.name not in tests and not training.recorded["label"].sum():
            raise DataError(
                "no site of the training guides was found",
                where=f"experiment {experiment.name}, {training.n:,} training rows",
                why="a network learns what sites that were found have in common",
                fix="leave the table out, or hold out other guides",
            )


def _rates(study: AssayStudy) -> LoadedAssay | None:
    names = of_kind(study, RateSettings)
    return load_assay(_only(study, names, (study.holdout[0], 0.0))) if names else None


def _untested(rates: LoadedAssay, enzymes: Mapping[str, Enzyme], tested: set[str], pam: int) -> LoadedAssay:
    """The same tables of rates, the rows of guides that are tested being test rows."""
    own = rates.assay.experiments
    experiments = tuple(_without(e, enzymes[e.name], tested, pam) for e in own)
    if not any((e.set_of == TRAINING).any() for e in experiments):
        raise DataError(
            "all guides whose rates were measured are tested",
            where=shorten([e.name for e in own]),
            why="a mechanism that starts from their rates would have seen them",
            fix="leave these experiments out, or name other test guides",
        )
    return replace(rates, assay=replace(rates.assay, experiments=experiments))


def _without(experiment: Experiment, enzyme: Enzyme, tested: set[str], pam: int) -> Experiment:
    guides, place = protospacers(experiment.codes, pam, enzyme)
    out = np.array([guide in tested for guide in guides])[place]
    return replace(experiment, set_of=np.where(out, TEST, experiment.set_of).astype(np.int8))
