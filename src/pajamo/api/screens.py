"""Verbs about a screen, and about what was done to its cells; `check` also takes the study of an assay."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pajamo.api.studies import AnyStudy, any_study, screen_study
from pajamo.config import DataSettings, Study, parse
from pajamo.config.assays import AssayStudy

if TYPE_CHECKING:
    import anndata

    from pajamo.data.checks import CheckReport
    from pajamo.protocols.planning.plan import Plan
    from pajamo.protocols.protocol import Protocol
    from pajamo.protocols.report import ProtocolReport


def check(screen: str | Path | anndata.AnnData | AssayStudy, **columns: Any) -> CheckReport:
    """Is this screen what a perturbation model needs? Or: do the tables and mechanisms of an assay fit together?

    Parameters
    ----------
    screen: an h5ad file, or an AnnData in memory; or the study (file) of an assay.
    columns: of a screen: keys of [data] in a study: perturbation, control, layer, scale, batch, context, time, ...

    Returns
    -------
    A report of every rule, with the rows that offend; `report.passed` is False if a rule is broken. With a
    batch column it also audits the design: `report.design`.

    Raises
    ------
    StudyError: an unknown key among the columns.
    """
    from pajamo.data.checks import check_screen
    from pajamo.protocols.planning.audit import with_audit

    if isinstance(screen, AssayStudy) or (isinstance(screen, str | Path) and Path(screen).suffix == ".toml"):
        return _check_study(screen)
    given = {key: value for key, value in columns.items() if value is not None}
    with tempfile.TemporaryDirectory() as folder:
        path = as_file(screen, Path(folder))
        settings = parse(DataSettings, {**given, "path": path}, where="the columns given")
        report = check_screen(settings)
        return with_audit(report, settings) if settings.batch is not None else report


def design(asked: str | Path | dict[str, Any] | None = None, **changes: Any) -> Plan:
    """Plan a screen: how many cells, guides and controls, in which batches, and what can be seen with them.

    Parameters
    ----------
    asked: a TOML file, or the same as a dictionary: perturbations, effect (natural log fold change),
        batches, budget (cells or money), cost, testing, like (a screen of such cells) or stated, present.
    changes: single keys, which override the file: `design(perturbations=100, batches=8,
        budget={"cells": 40_000}, like="screen.h5ad")`.

    Returns
    -------
    The plan: its allocation of cells over batches, the variance of other layouts and of the present one,
    power, detectable effect and cells needed of each gene.

    Raises
    ------
    StudyError: unknown or impossible settings; a budget that does not carry its perturbations.
    DataError: the screen named in `like` cannot be used.
    """
    from pajamo.protocols.planning.design import design as plan

    return plan(asked, **changes)


def fix(
    screen: str | Path, choices: Sequence[str], *, output: str | Path | None = None, **columns: Any
) -> Path:
    """Write a mended copy of a screen; the file itself is never changed.

    Parameters
    ----------
    screen: an h5ad file.
    choices: names from `fix_choices()`, applied in order.
    output: the new file; by default the old name with `.fixed.h5ad`.
    columns: keys of [data] in a study.

    Raises
    ------
    DataError: a choice does not apply, or the new file exists already.
    """
    from pajamo.data.checks.fixes import fix_screen

    path = Path(screen)
    target = Path(output) if output else path.with_name(f"{path.stem}.fixed.h5ad")
    settings = parse(DataSettings, {**columns, "path": path}, where="the columns given")
    return fix_screen(path, settings, choices, target)


def fix_choices() -> dict[str, str]:
    """Names of the choices of `fix`, and what each does."""
    from pajamo.data.checks.fixes import fix_choices as known

    return known()


def protocol_check(
    target: AnyStudy | anndata.AnnData,
    *,
    protocol: Protocol | None = None,
    test: bool = True,
    seed: int = 0,
    output: str | Path | None = None,
    **columns: Any,
) -> ProtocolReport:
    """What was done to the cells of a screen, what models assume of it, and what the data say of that.

    Parameters
    ----------
    target: a study (file or dictionary), or a screen: an h5ad file or an AnnData, with keys of [data] as `columns`.
    protocol: for a screen: what was done; that of `uns["pajamo_protocol"]` if not given.
    test: also test on the cells what they can tell.
    seed: of the resampling in these tests.
    output: also draw the timeline there, as SVG.

    Raises
    ------
    StudyError: the protocol contradicts itself or the screen; the step, key or arm is named.
    DataError, IntegrityError: the screen cannot be read.
    """
    from pajamo.pipeline.protocol_check import check_protocol

    with tempfile.TemporaryDirectory() as folder:
        if isinstance(target, dict | Study) or Path(str(target)).suffix == ".toml":
            study = screen_study(target)
            given = protocol or study.protocol
            report = check_protocol(study.data, given, study.name, seed=study.seed or seed, test=test)
        else:
            path = as_file(target, Path(folder))
            known = {key: value for key, value in columns.items() if value is not None}
            data = parse(DataSettings, {**known, "path": path}, where="the columns given")
            report = check_protocol(data, protocol, path.name, seed=seed, test=test)
    if output is not None:
        report.draw(output)
    return report


def protocol_write(study: AnyStudy, output: str | Path) -> Path:
    """Write a copy of a study's screen that also says what was done to its cells, in `uns["pajamo_protocol"]`.

    Raises
    ------
    StudyError: the study has no protocol, or one that contradicts itself, the screen or what its file says.
    DataError: `output` exists already.
    StorageError: the disk refuses; nothing is left behind.
    """
    from pajamo.pipeline.protocol_check import store_protocol

    return store_protocol(screen_study(study), Path(output))


def _check_study(study: str | Path | AssayStudy) -> CheckReport:
    asked = any_study(study)
    if isinstance(asked, AssayStudy):
        from pajamo.pipeline.assays.checking import check_assay_study

        return check_assay_study(asked, asked.name if isinstance(study, AssayStudy) else str(study))
    from pajamo.data.checks import check_screen
    from pajamo.data.public.datasets import resolve

    return check_screen(resolve(asked.data))


def as_file(screen: str | Path | anndata.AnnData, folder: Path) -> Path:
    """The path of a screen; one in memory is written into the folder first."""
    if isinstance(screen, str | Path):
        return Path(screen)
    path = folder / "screen.h5ad"
    screen.write_h5ad(path)
    return path
