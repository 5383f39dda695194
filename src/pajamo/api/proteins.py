"""The verbs on protein sequences: train, plan, embed, score variants, fine-tune, predict a property."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pajamo.api.studies import Progress, path_or_none, silent
from pajamo.config.proteins import ProteinStudy, load_protein_study
from pajamo.config.proteins.fine_tuning import FineTuningStudy, load_fine_tuning_study
from pajamo.config.strict import parse
from pajamo.errors import StudyError

if TYPE_CHECKING:
    import pandas as pd

    from pajamo.pipeline.proteins.fine_tuning.record import FineTunedRun
    from pajamo.pipeline.proteins.run_record import ProteinRun
    from pajamo.training.planning.plan import Plan
    from pajamo.training.trainer.report import TrainingResult

AnyProteinStudy = str | Path | dict[str, Any] | ProteinStudy
AnyFineTuningStudy = str | Path | dict[str, Any] | FineTuningStudy


def train(
    study: AnyProteinStudy, *, runs: str | Path = "runs", progress: Progress | None = None
) -> ProteinRun | TrainingResult:
    """Train a masked language model of proteins and judge it on families that it never saw.

    On one processor or, where torchrun starts this in several processes, on many: the same batches in the same order,
    so that a run that was begun on one goes on on four. Ctrl-C, a signal or the time limit stop it between two steps;
    the same call goes on from the last checkpoint.

    Parameters
    ----------
    study: a study file, or the same as a dictionary, with [data], [model] and [training].
    runs: folder in which runs are kept.
    progress: called with a line of text now and then.

    Returns
    -------
    The complete run; or, if training stopped before its end, how far it came.

    Raises
    ------
    StudyError, DataError, SplitError: whatever is wrong with the study, the sequences or the table of variants.
    ModelError: no GPU where one is asked for; checkpoints of another model or other data; losses that stay wrong.
    StorageError: the disk is full; the last checkpoint stays.
    """
    from pajamo.pipeline.proteins.run import train_study
    from pajamo.pipeline.proteins.run_record import ProteinRun

    done = train_study(protein_study(study), Path(runs), progress or silent)
    return ProteinRun(done) if isinstance(done, Path) else done


def plan_training(
    study: AnyProteinStudy, *, gpus: str | None = None, price: float | None = None, runs: str | Path = "runs"
) -> Plan:
    """Tell memory, seconds a step, days and cost of a training before it starts, and what is short.

    Parameters
    ----------
    study: as `train` takes it; its sequences are looked at if they are there.
    gpus: "64xH100"; the machine at hand if not given, whose speed is measured.
    price: dollars for an hour of one GPU.
    runs: folder with the corpora of runs.

    Raises
    ------
    StudyError: the study cannot be, or the GPUs are not known.
    """
    from pajamo.pipeline.proteins.planning import plan_study

    return plan_study(protein_study(study), gpus, price, Path(runs))


def embed_proteins(
    proteins: str | Path,
    model: str | Path,
    output: str | Path,
    *,
    per: Literal["protein", "residue", "gene"] = "protein",
    layers: int | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    progress: Progress | None = None,
) -> Path:
    """Describe each protein of a FASTA file by the numbers that a language model makes of it.

    A broken call goes on where it stood when it is given again.

    Parameters
    ----------
    proteins: FASTA, or a corpus.
    model: the folder of a run of `train`, or of a Hugging Face ESM-2.
    output: a table (.csv, .parquet), or else a folder of mapped arrays.
    per: a row a protein; a row a residue (a folder alone); or a row a gene, the mean over its proteins: a table that
        `[priors] embedding` of a study takes.
    layers: blocks after which descriptions are taken; all if not given.

    Raises
    ------
    DataError: no FASTA, no genes in its headers, or `output` exists.
    ModelError, IntegrityError: no model, or a damaged one.
    """
    from pajamo.pipeline.proteins.embedding import embed_file

    return embed_file(
        Path(proteins), Path(model), Path(output), per=per, layers=layers, device=device,
        progress=progress or silent,
    )  # fmt: skip


def score_variants(
    variants: str | Path,
    model: str | Path,
    *,
    wild_type: str | Path | None = None,
    sequence: str | None = None,
    mutations: str = "mutant",
    offset: int = 0,
    how: Literal["masked", "wild-type"] = "masked",
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> pd.DataFrame:
    """Predict what substitutions do to a protein, without any measurement: log odds against the wild type.

    Source: Meier et al. 2021 (10.1101/2021.07.09.450648).

    Parameters
    ----------
    variants: a table with one row a variant.
    model: the folder of a run of `train`, or of a Hugging Face ESM-2.
    wild_type, sequence: FASTA, or the residues themselves.
    mutations: column with substitutions as M182T, several joined by a colon.
    offset: number of the wild type's first residue, less one, in the numbering of the mutations.
    how: "masked" hides each place in turn; "wild-type" reads all places in one pass.

    Returns
    -------
    The table with a column `log_odds`, nats; higher is fitter.

    Raises
    ------
    DataError: a mutation that does not fit the wild type; the row is named.
    StudyError: no wild type, or two.
    ModelError, IntegrityError: no model, or a damaged one.
    """
    from pajamo.pipeline.proteins.variants import score_table

    return score_table(
        Path(variants), Path(model), path_or_none(wild_type), sequence, mutations, offset, how, device
    )


def fine_tune(
    study: AnyFineTuningStudy, *, runs: str | Path = "runs", progress: Progress | None = None
) -> FineTunedRun | TrainingResult:
    """Teach a trained model a property of proteins or of their residues, and judge it on proteins that it never saw.

    Beside it stand no model at all, what residues a protein has, and a linear map on what the model made of proteins
    before. A stopped call goes on from the last checkpoint when it is given again.

    Parameters
    ----------
    study: a study file, or the same as a dictionary, with `model`, [data] and [training].
    runs: folder in which runs are kept.
    progress: called with a line of text now and then.

    Returns
    -------
    The complete run; or, if training stopped before its end, how far it came.

    Raises
    ------
    StudyError, DataError, SplitError: whatever is wrong with the study, the labels or the sets.
    ModelError, IntegrityError: no model to begin with, or a damaged one; no GPU where one is asked for.
    StorageError: the disk is full; the last checkpoint stays.
    """
    from pajamo.pipeline.proteins.fine_tuning.record import FineTunedRun
    from pajamo.pipeline.proteins.fine_tuning.run import fine_tune_study

    done = fine_tune_study(fine_tuning_study(study), Path(runs), progress or silent)
    return FineTunedRun(done) if isinstance(done, Path) else done


def predict_property(
    proteins: str | Path, model: str | Path, *, device: Literal["auto", "cpu", "cuda"] = "auto"
) -> pd.DataFrame:
    """Predict the property that a model was fine-tuned for.

    Parameters
    ----------
    proteins: FASTA.
    model: the folder of a run of `fine_tune`.

    Returns
    -------
    One row a protein: its name, and its number, or its class and the probability of each class. For a property of
    residues one row a residue: protein, place (from 1), residue, class and probabilities.

    Raises
    ------
    DataError: no FASTA.
    ModelError, IntegrityError: no fine-tuned model, or a damaged one.
    """
    from pajamo.pipeline.proteins.fine_tuning.predicting import predict_file

    return predict_file(Path(proteins), Path(model), device)


def protein_study(study: AnyProteinStudy) -> ProteinStudy:
    """A study of proteins: a file, a dictionary, or settings that are checked already.

    Raises
    ------
    StudyError: the file is missing, or what it says is no such study.
    """
    if isinstance(study, ProteinStudy):
        return study
    if isinstance(study, dict):
        if "model" not in study:
            raise StudyError("the study says nothing of a model", where="study", fix="add a table [model]")
        return parse(ProteinStudy, study, "study")
    return load_protein_study(study)


def fine_tuning_study(study: AnyFineTuningStudy) -> FineTuningStudy:
    """A study of fine-tuning: a file, a dictionary, or settings that are checked already.

    Raises
    ------
    StudyError: the file is missing, or what it says is no such study.
    """
    if isinstance(study, FineTuningStudy):
        return study
    return (
        parse(FineTuningStudy, study, "study") if isinstance(study, dict) else load_fine_tuning_study(study)
    )
