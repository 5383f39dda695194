"""Public, shipped and simulated data sets by name: list them, have them, read them in a study."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pajamo.config import Config, DataSettings, parse
from pajamo.config.assays import ExperimentSettings
from pajamo.data.atomic import replace_file, write_json
from pajamo.data.public.catalogue import Entry, cache_folder, catalogue, find
from pajamo.data.public.download import Checksums, Progress, checksums, download
from pajamo.errors import DataError, DownloadError, IntegrityError


def list_datasets() -> list[Entry]:
    """Every data set that pajamo knows; `here` says whether it can be used at once."""
    return list(catalogue().values())


def get(
    name: str,
    *,
    cache: Path | None = None,
    url: str | None = None,
    source: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Have a data set on this machine and return the h5ad (or the table of sequences) that pajamo reads.

    A public one is fetched, verified, and where necessary rewritten once in pajamo's convention
    (combinations A+B, control, counts by rows). Its checksums are recorded beside it.

    Arguments
    ---------
    cache: folder to keep it in; by default the one named by PAJAMO_DATA, or the platform's cache.
    url: fetch from there instead of the catalogue's address (a mirror); verified all the same.
    source: a file that was fetched by hand, taken instead of a download.
    progress: called with a line of text now and then.

    Raises
    ------
    DataError: there is no such data set, or the file is not laid out as the catalogue says.
    DownloadError: it could not be fetched, or what arrived is not the expected file.
    IntegrityError: the file in the cache has changed since it was fetched.
    StorageError: the disk is full; a download goes on where it stopped when run again.
    """
    entry = find(name)
    folder = Path(cache) if cache else cache_folder()
    place = entry.place(folder)
    published_is_read = entry.loader in ("as-is", "table")
    if entry.ships or (place.is_file() and source is None and not published_is_read):
        return place
    if entry.loader == "simulated":
        _generate(place)
        return place
    published = folder / entry.file
    _have(entry, published, url or entry.url, source, progress)
    if entry.loader == "convert":
        # anndata takes over a second to import, which listing and fetching do not need.
        from pajamo.data.public.convert import convert

        if progress:
            progress("bringing it into pajamo's convention")
        convert(entry, published, place)
    return place


def resolve(settings: DataSettings, cache: Path | None = None) -> DataSettings:
    """Turn `dataset = "name"` into the path and the columns of that data set.

    What the study says itself wins over the catalogue. A simulated set is generated if it is not there;
    nothing is downloaded.

    Raises
    ------
    DataError: there is no such data set, or it has not been fetched yet.
    """
    if settings.dataset is None:
        return settings
    entry = find(settings.dataset)
    _require_kind(entry, table=False)
    folder = Path(cache) if cache else cache_folder()
    if entry.loader == "simulated":
        get(entry.name, cache=folder)
    return parse(DataSettings, _filled(entry, settings, folder), f"data set {entry.name}")


def resolve_experiment(settings: ExperimentSettings, cache: Path | None = None) -> ExperimentSettings:
    """Turn `dataset = "name"` of an experiment into the path and the columns of that table of sequences.

    What the study says itself wins over the catalogue. Nothing is downloaded.

    Raises
    ------
    DataError: there is no such data set, it is a screen, or it has not been fetched yet.
    """
    if settings.dataset is None:
        return settings
    entry = find(settings.dataset)
    _require_kind(entry, table=True)
    filled = _filled(entry, settings, Path(cache) if cache else cache_folder())
    return parse(ExperimentSettings, filled, f"data set {entry.name}")


def _require_kind(entry: Entry, table: bool) -> None:
    if entry.is_table != table:
        kind = "table of sequences" if entry.is_table else "screen"
        raise DataError(
            f"the data set {entry.name!r} is a {kind}",
            where="dataset",
            why=entry.title,
            fix=f"name it under {'[experiments.NAME]' if entry.is_table else '[data]'} in the study",
        )


def _filled(entry: Entry, settings: Config, folder: Path) -> dict[str, object]:
    """The catalogue's settings, what the study says itself, and the file."""
    place = entry.place(folder)
    if not place.is_file():
        raise DataError(
            f"the data set {entry.name!r} is not on this machine",
            where=str(place),
            fix=f"pajamo data get {entry.name}",
        )
    said = {key: getattr(settings, key) for key in settings.model_fields_set - {"path", "dataset"}}
    return {**entry.settings, **said, "path": place}


def _generate(place: Path) -> None:
    from pajamo.data.simulate import simulate_combinations

    screen = simulate_combinations()
    replace_file(place, lambda temporary: screen.write_h5ad(temporary, compression="gzip"))


def _have(entry: Entry, published: Path, url: str, source: Path | None, progress: Progress | None) -> None:
    """Have the public file as it was published, verified."""
    lock = published.with_name(published.name + ".lock.json")
    expected = _expected(entry, lock)
    if source is not None:
        found = _adopt(Path(source), published, expected)
    elif published.is_file():
        _check_cached(published, lock, expected)
        return
    else:
        found = download(
            _address(entry, url), published, expected, progress=progress, by_hand=_by_hand(entry)
        )
    stamp = published.stat().st_mtime_ns
    record = {"url": url, "sha256": found.sha256, "md5": found.md5, "bytes": found.size, "modified_ns": stamp}
    write_json(lock, record)


def _expected(entry: Entry, lock: Path) -> Checksums:
    """Checksums of the catalogue, else those that the first download recorded."""
    if entry.expected_sha256 or not lock.is_file():
        return Checksums(entry.expected_sha256, entry.expected_md5, entry.bytes)
    recorded = _read_lock(lock)
    return Checksums(str(recorded["sha256"]), str(recorded["md5"]), int(recorded["bytes"]))


def _read_lock(lock: Path) -> dict[str, str | int]:
    try:
        record = json.loads(lock.read_text(encoding="utf-8"))
        return {key: record[key] for key in ("url", "sha256", "md5", "bytes", "modified_ns")}
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            "the record of a download is damaged", where=str(lock), why=repr(error),
            fix="delete it and the file beside it, and fetch again",
        ) from error  # fmt: skip


def _address(entry: Entry, url: str) -> str:
    if not url:
        raise DownloadError(
            f"{entry.name!r} cannot be fetched by pajamo",
            where=entry.doi,
            why=entry.note,
            fix=_by_hand(entry),
        )
    return url


def _by_hand(entry: Entry) -> str:
    where = entry.url or "its source"
    return f"without a network here: fetch {where} by hand and run `pajamo data get {entry.name} --from FILE`"


def _adopt(source: Path, published: Path, expected: Checksums) -> Checksums:
    """Copy a file that was fetched by hand into the cache if it is the right one."""
    if not source.is_file():
        raise DownloadError("there is no such file", where=str(source), fix="check the path after --from")
    found = checksums(source)
    differences = expected.differences(found)
    if differences:
        raise DownloadError(
            "this is not the expected file", where=str(source), why="; ".join(differences),
            fix="fetch it again, in full",
        )  # fmt: skip
    if source.resolve() != published.resolve():
        replace_file(published, lambda temporary: shutil.copyfile(source, temporary))
    return found


def _check_cached(published: Path, lock: Path, expected: Checksums) -> None:
    """Hash a file of the cache unless its size and time are those recorded when it was verified."""
    stat = published.stat()
    if lock.is_file():
        record = _read_lock(lock)
        if (record["bytes"], record["modified_ns"]) == (stat.st_size, stat.st_mtime_ns):
            return
    differences = expected.differences(checksums(published))
    if differences:
        raise IntegrityError(
            "the file in the cache is not the one that was fetched",
            where=str(published),
            why="; ".join(differences),
            fix="delete it and fetch it again",
        )
