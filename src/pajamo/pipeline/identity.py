"""What makes two runs the same run: the study, the data's bytes, and the version of pajamo."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

from pajamo._version import __version__
from pajamo.config import DataSettings, Study
from pajamo.data.store import content_hash, is_store
from pajamo.errors import StudyError

LIBRARIES = ("torch", "numpy", "scipy", "pandas", "anndata", "scikit-learn")


def run_id(study: Study, data: DataSettings) -> str:
    """Name of the study and a hash; the same study on the same data goes on in, or finds, the same folder.

    `data` is the study's, resolved to a file: its bytes count, not its place.

    Raises
    ------
    StudyError: a file that the study names does not exist.
    """
    tables = study.priors.tables.values() if study.priors else (None,)
    named = (data.path, study.evaluation.categories, *tables)
    content = study.model_dump(mode="json") | {
        "data": data.model_dump(mode="json", exclude={"path", "dataset"})
    }
    return named_by_hash(study.name, content, [digest(path) for path in named])


def named_by_hash(name: str, *content: object) -> str:
    """A name and the first digits of a hash of the content and of pajamo's version."""
    identity = json.dumps([*content, __version__], sort_keys=True)
    return f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:10]}"


def versions() -> dict[str, str]:
    """Versions of pajamo, Python and the libraries that numbers depend on."""
    return {
        "pajamo": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def digest(path: Path | None) -> str:
    """Hash of a file's bytes, or of a store's manifest; "" for no file.

    Raises
    ------
    StudyError: the file does not exist.
    """
    if path is None:
        return ""
    if not (path.is_file() or (is_store(path) and path.is_dir())):
        raise StudyError("a file that the study names does not exist", where=str(path), fix="check its path")
    return content_hash(path)
