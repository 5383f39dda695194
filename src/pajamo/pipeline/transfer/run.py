"""A transfer as a run: mechanisms start in vitro, learn of cells, and are judged on guides that none has seen."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from pajamo.config.assays import AssayStudy
from pajamo.data.atomic import write_text
from pajamo.data.run_folder import RunFolder, replace_in_run, verify_run
from pajamo.models.assays.model import AssayModel
from pajamo.models.transfer.model import TransferModel
from pajamo.pipeline.assays.resolving import resolved_study, without_places
from pajamo.pipeline.identity import digest, named_by_hash
from pajamo.pipeline.once import Progress, once
from pajamo.pipeline.record import write_tables
from pajamo.pipeline.transfer.compared import NETWORK, QUICK, fit_compared, pooled
from pajamo.pipeline.transfer.loading import LoadedTransfer, load_transfer, transfer_settings
from pajamo.pipeline.transfer.record import FILE, RUN_KIND, made_of, write_about
from pajamo.pipeline.transfer.scoring import transfer_tables
from pajamo.pipeline.transfer.starting import starting_models
from pajamo.reports.transfer.page import render_transfer
from pajamo.training.transfer.fit import fit_transfer
from pajamo.training.transfer.saved import load_transfer as load_network
from pajamo.training.transfer.saved import save_transfer

REPORT: Final = "report.html"


def transfer_study(study: AssayStudy, runs: Path, progress: Progress = lambda _: None) -> Path:
    """Train and judge what a study's [transfer] says, and return the complete folder.

    The same study goes on in the same unfinished folder, member by member; a complete one is verified and returned.

    Raises
    ------
    StudyError: the study has no [transfer], or it cannot be.
    UserError: whatever is wrong with tables and split.
    StorageError: the disk is full; run again to go on.
    """
    transfer_settings(study)
    folder = RunFolder(runs / transfer_id(resolved_study(study)))
    return once(folder, lambda: _work(study, folder, progress), progress)


def transfer_id(study: AssayStudy) -> str:
    """Name of the study and a hash of what it says and of the bytes that it names."""
    settings = transfer_settings(study)
    content = without_places(study)
    content["transfer"]["start"] = {name: digest(path) for name, path in settings.start.items()}
    tables = [digest(own.path) for own in study.experiments.values()]
    return named_by_hash(f"{study.name}-transfer", content, tables)


def _work(study: AssayStudy, folder: RunFolder, progress: Progress) -> None:
    began = time.perf_counter()
    loaded = load_transfer(study)
    for note in loaded.notes:
        progress(note)
    starts = starting_models(loaded, folder, progress)
    model = _trained(loaded, starts, folder, progress)
    compared = fit_compared(
        pooled(loaded.training, loaded.settings), _names(loaded), loaded.study.seed, progress
    )
    progress("scoring")
    tables = transfer_tables(loaded, model, starts, compared)
    write_tables(folder.work, tables)
    made = made_of(loaded, time.perf_counter() - began)
    write_about(loaded, model, tables, made, study, folder.work)
    write_text(folder.work / REPORT, render_transfer(folder.work))
    folder.finish({"kind": RUN_KIND, "study": loaded.study.name, **made})


def _trained(
    loaded: LoadedTransfer, starts: dict[str, AssayModel], folder: RunFolder, progress: Progress
) -> TransferModel:
    """The calibrated ensemble; members that an earlier call has trained are read."""
    file = folder.work / FILE
    if not file.is_file():
        model = train(loaded, starts, progress, folder.step("members"))
        file.parent.mkdir(exist_ok=True)
        save_transfer(model, file)
    return load_network(file)


def train(
    loaded: LoadedTransfer,
    starts: dict[str, AssayModel],
    progress: Progress = lambda _: None,
    checkpoint: Path | None = None,
) -> TransferModel:
    """Train on the tables from which something is learned, and calibrate on guides kept aside where there are any."""
    return fit_transfer(
        learned_study(loaded),
        loaded.training,
        starts,
        seed=loaded.study.seed,
        progress=progress,
        checkpoint=checkpoint,
    )


def learned_study(loaded: LoadedTransfer) -> AssayStudy:
    """The study with the tables of which something is learned, and the guides that are kept aside."""
    names = [e.name for e in loaded.training.experiments]
    # Settings name files but not folders: a saved ensemble is the same wherever it was trained.
    experiments = {
        name: own.model_copy(update={"path": Path(own.path.name) if own.path else None, "dataset": None})
        for name, own in loaded.study.experiments.items()
        if name in names
    }
    weights = {name: own for name, own in loaded.settings.weights.items() if name in names}
    aside = loaded.divided.of_set("validation")
    # Guides are drawn once: what is kept aside here is what the training keeps aside.
    share = loaded.settings.validation_share if aside else 0.0
    settings = loaded.settings.model_copy(update={"weights": weights, "validation_share": share})
    changed = {"experiments": experiments, "transfer": settings, "validation_guides": aside}
    return loaded.study.model_copy(update=changed)


def _names(loaded: LoadedTransfer) -> tuple[str, ...]:
    """Comparisons: the black box only where the study asks for one, as it takes minutes."""
    asked = set(loaded.study.models.ladder) & {"network", "convolution"}
    return (*QUICK, NETWORK) if asked else QUICK


def render_transfer_again(folder: Path) -> Path:
    """Render the report of a complete transfer from its tables.

    Raises
    ------
    IntegrityError: the folder is not a complete run, or it was altered.
    """
    verify_run(folder)
    replace_in_run(folder, REPORT, render_transfer(folder))
    return folder / REPORT
