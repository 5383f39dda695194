"""Data sets by name: the catalogue is whole, files are verified, studies get the right columns."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pajamo.config import DataSettings
from pajamo.config.assays import ExperimentSettings
from pajamo.data.public import catalogue as catalogue_module
from pajamo.data.public import convert as convert_module
from pajamo.data.public import datasets
from pajamo.data.public.catalogue import Entry, LabelRules, cache_folder, catalogue, find
from pajamo.data.public.convert import canonical_label
from pajamo.data.public.datasets import get, list_datasets, resolve
from pajamo.data.public.download import checksums
from pajamo.errors import DataError, DownloadError, IntegrityError, StudyError

LABELS = ["control", "AHR_FEV", "FEV", None, "AHR", "FEV_AHR", "control", "*"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAJAMO_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_published(path: Path, layout: str = "csc", labels: list[str | None] = LABELS) -> np.ndarray:
    """Write eight cells by three genes as the public files are laid out; returns the counts."""
    counts = np.arange(len(labels) * 3, dtype=np.float32).reshape(-1, 3) % 5
    matrix = {"csc": sp.csc_matrix, "csr": sp.csr_matrix, "dense": np.asarray}[layout](counts)
    cells = pd.Index([f"cell{k}" for k in range(len(labels))], name="cell_barcode")
    obs = pd.DataFrame(
        {"perturbation": pd.Categorical(labels), "gemgroup": np.arange(len(labels))}, index=cells
    )
    anndata.AnnData(X=matrix, obs=obs, var=pd.DataFrame(index=["AHR", "FEV", "ACTB"])).write_h5ad(path)
    return counts


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch, cache: Path, tmp_path: Path) -> Entry:
    """A catalogue of one public set, `toy`, whose file lies in tmp_path/published.h5ad."""
    write_published(tmp_path / "published.h5ad")
    entry = Entry(
        name="toy", title="Toy", reference="nobody", url="http://127.0.0.1:9/Toy.h5ad", file="Toy.h5ad",
        licence="none", modality="CRISPRa", loader="convert", labels=LabelRules(separator="_", drop=(r"\*",)),
        settings={"batch": "gemgroup"},
    )  # fmt: skip
    use(monkeypatch, entry)
    return entry


def use(monkeypatch: pytest.MonkeyPatch, entry: Entry) -> None:
    monkeypatch.setattr(catalogue_module, "catalogue", lambda: {entry.name: entry})


# The catalogue


def test_catalogue_holds_the_field() -> None:
    wanted = """renge simulated-combinations norman2019 replogle2022-k562-essential replogle2022-k562-gwps
        replogle2022-rpe1 papalexi2021 wessels2023 mcfaline2023 frangieh2021 tian2019-ipsc tian2019-neuron
        tian2021-crispri tian2021-crispra"""
    names = {entry.name for entry in list_datasets()}
    assert set(wanted.split()) <= names
    assert any(name.startswith("adamson2016") for name in names)
    assert any(name.startswith("dixit2016") for name in names)


@pytest.mark.parametrize("entry", list_datasets(), ids=lambda entry: entry.name)
def test_entry_is_well_formed(entry: Entry) -> None:
    assert entry.sha256 == "unknown" or re.fullmatch("[0-9a-f]{64}", entry.sha256)
    assert entry.md5 == "unknown" or re.fullmatch("[0-9a-f]{32}", entry.md5)
    assert entry.url == "" or entry.url.startswith("https://")
    assert entry.url or entry.note
    kind = ExperimentSettings if entry.is_table else DataSettings
    assert set(entry.settings) <= set(kind.model_fields)
    assert bool(entry.sequences) == entry.is_table
    patterns = [entry.labels.clean_label, entry.labels.clean_part, *entry.labels.controls, *entry.labels.drop]
    assert all(re.compile(pattern) for pattern in patterns)
    assert not (set(entry.settings) & {"perturbation", "control"} and entry.loader == "convert")


def test_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(DataError, match="no data set 'norman'") as caught:
        find("norman")
    assert "norman2019" in caught.value.fix


def test_catalogue_names_a_wrong_key() -> None:
    table = {**find("renge").model_dump(), "licens": "MIT"}
    with pytest.raises(StudyError, match="unknown key 'licens'") as caught:
        catalogue_module.parse_catalogue({"dataset": [table]})
    assert "did you mean 'licence'" in caught.value.fix


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PAJAMO_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder() == tmp_path / "pajamo"
    monkeypatch.setenv("PAJAMO_DATA", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"


# The shipped set


def test_shipped_set_is_as_recorded() -> None:
    entry, path = find("renge"), get("renge")
    assert entry.here
    found = checksums(path)
    assert (found.sha256, found.size) == (entry.sha256, entry.bytes)
    assert entry.sha256 in path.with_name("SOURCE.md").read_text(encoding="utf-8")
    assert "MIT License" in path.with_name("LICENSE.txt").read_text(encoding="utf-8")


def test_shipped_set_has_the_published_design() -> None:
    screen = anndata.read_h5ad(get("renge"))
    entry = find("renge")
    assert screen.shape == (14945, 103) == (entry.cells, 103)
    assert screen.obs["perturbation"].nunique() == entry.perturbations + 1
    assert (screen.obs["perturbation"] == "control").sum() == 1182
    assert sorted(screen.obs["day"].unique()) == [2, 3, 4, 5]
    counts = np.expm1(screen.X.data.astype(float))
    assert np.abs(counts - np.rint(counts)).max() < 1e-3
    assert counts.max() == pytest.approx(138)
    assert set(screen.obs["perturbation"]) - {"control"} <= set(screen.var_names)


def test_shipped_set_agrees_with_the_development_copy(dev_data: Path) -> None:
    copy = np.load(dev_data / "perturbation" / "renge_hipsc_timecourse_14945x103.npz")
    screen = anndata.read_h5ad(get("renge"))
    order = [list(copy["genes"]).index(gene) for gene in screen.var_names]
    np.testing.assert_allclose(screen.X.toarray(), copy["lognorm"][:, order], atol=0.003)
    assert (copy["ko"] == screen.obs["perturbation"].to_numpy()).all()


# Fetching


def test_file_by_hand_is_converted_and_recorded(public: Entry, cache: Path, tmp_path: Path) -> None:
    assert not public.here
    path = get("toy", source=tmp_path / "published.h5ad")
    assert path == cache / "toy.h5ad"
    assert public.here
    lock = (cache / "Toy.h5ad.lock.json").read_text(encoding="utf-8")
    assert hashlib.sha256((tmp_path / "published.h5ad").read_bytes()).hexdigest() in lock
    assert get("toy") == path


def test_wrong_file_by_hand_is_refused(
    public: Entry, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, public.model_copy(update={"md5": "0" * 32}))
    with pytest.raises(DownloadError, match="not the expected file") as caught:
        get("toy", source=tmp_path / "published.h5ad")
    assert "md5 expected 000" in caught.value.why
    assert not cache.exists()
    with pytest.raises(DownloadError, match="no such file"):
        get("toy", source=tmp_path / "elsewhere.h5ad")


def test_first_download_is_the_reference_for_the_next(public: Entry, cache: Path, tmp_path: Path) -> None:
    get("toy", source=tmp_path / "published.h5ad")
    (cache / "Toy.h5ad").unlink()
    write_published(tmp_path / "published.h5ad", labels=LABELS[::-1])
    with pytest.raises(DownloadError, match="not the expected file"):
        get("toy", source=tmp_path / "published.h5ad")


def test_cached_file_that_changed_is_noticed(public: Entry, cache: Path, tmp_path: Path) -> None:
    get("toy", source=tmp_path / "published.h5ad")
    (cache / "toy.h5ad").unlink()
    content = bytearray((cache / "Toy.h5ad").read_bytes())
    content[len(content) // 2] ^= 1
    (cache / "Toy.h5ad").write_bytes(content)
    with pytest.raises(IntegrityError, match="not the one that was fetched"):
        get("toy")


def test_conversion_that_was_killed_is_done_again(public: Entry, cache: Path, tmp_path: Path) -> None:
    before = get("toy", source=tmp_path / "published.h5ad").read_bytes()
    (cache / "toy.h5ad").unlink()
    assert get("toy").read_bytes() == before


def test_damaged_record_is_an_error_of_ours(public: Entry, cache: Path, tmp_path: Path) -> None:
    get("toy", source=tmp_path / "published.h5ad")
    (cache / "toy.h5ad").unlink()
    (cache / "Toy.h5ad.lock.json").write_text("{")
    with pytest.raises(IntegrityError, match="record of a download"):
        get("toy")


def test_download_gets_the_mirror_and_the_checksums(
    public: Entry, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def fake(url, target, expected, **more):
        asked.update(url=url, size=expected.size, **more)
        target.parent.mkdir(parents=True)
        target.write_bytes((tmp_path / "published.h5ad").read_bytes())
        return checksums(target)

    monkeypatch.setattr(datasets, "download", fake)
    use(monkeypatch, public.model_copy(update={"bytes": 77}))
    assert get("toy", url="http://mirror/Toy.h5ad").is_file()
    assert (asked["url"], asked["size"]) == ("http://mirror/Toy.h5ad", 77)
    assert "pajamo data get toy --from FILE" in asked["by_hand"]


def test_set_without_an_address_says_how_to_get_it(cache: Path) -> None:
    with pytest.raises(DownloadError, match="cannot be fetched") as caught:
        get("mcfaline2023")
    assert "GSE225775" in caught.value.why
    assert "--from FILE" in caught.value.fix


# Conversion


@pytest.mark.parametrize("layout", ["csc", "csr", "dense"])
@pytest.mark.parametrize("at_once", [1, 4, 1000])
def test_conversion_keeps_counts_and_rewrites_labels(
    public: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str, at_once: int
) -> None:
    monkeypatch.setattr(convert_module, "ENTRIES_AT_ONCE", at_once)
    counts = write_published(tmp_path / "published.h5ad", layout)
    screen = anndata.read_h5ad(get("toy", source=tmp_path / "published.h5ad"))
    kept = [0, 1, 2, 4, 5, 6]
    assert isinstance(screen.X, sp.csr_matrix)
    np.testing.assert_array_equal(screen.X.toarray(), counts[kept])
    assert list(screen.obs["perturbation"]) == ["control", "AHR+FEV", "FEV", "AHR", "AHR+FEV", "control"]
    assert list(screen.obs["published_label"]) == [LABELS[k] for k in kept]
    assert list(screen.obs["gemgroup"]) == kept
    assert list(screen.obs_names) == [f"cell{k}" for k in kept]
    assert screen.uns["licence"] == "none"


@pytest.mark.parametrize(
    ("name", "label", "expected"),
    [
        ("norman2019", "AHR_FEV", "AHR+FEV"),
        ("norman2019", "control", "control"),
        ("adamson2016-upr", "ATF6_pBA586", "ATF6"),
        ("adamson2016-upr", "63(mod)_pBA580", "control"),
        ("adamson2016-upr", "Gal4-4(mod)_pBA582", "control"),
        ("adamson2016-upr", "*", None),
        ("adamson2016-upr-epistasis", "ATF6_PERK_IRE1_pMJ158", "ATF6+EIF2AK3+ERN1"),
        ("adamson2016-upr-epistasis", "PERK_only_pMJ146", "EIF2AK3"),
        ("adamson2016-upr-epistasis", "3x_neg_ctrl_pMJ144-1", "control"),
        ("dixit2016-7-days", "p_sgELK1_2 + p_sgYY1_3", "ELK1+YY1"),
        ("dixit2016-7-days", "p_sgELK1_2 + p_sgELK1_5", "ELK1"),
        ("dixit2016-7-days", "p_INTERGENIC393453 + p_sgYY1_3", "YY1"),
        ("dixit2016-7-days", "p_INTERGENIC393453", "control"),
        ("dixit2016-7-days", "nan", None),
        ("papalexi2021", "ATF2g1", "ATF2"),
        ("wessels2023", "HDAC3_CD46", "CD46+HDAC3"),
        ("tian2021-crispri", " MAPT ", "MAPT"),
    ],
)
def test_published_labels_become_ours(name: str, label: str, expected: str | None) -> None:
    assert canonical_label(label, find(name).labels) == expected


def test_file_without_controls_is_refused(public: Entry, cache: Path, tmp_path: Path) -> None:
    write_published(tmp_path / "published.h5ad", labels=["AHR", "FEV"])
    with pytest.raises(DataError, match="no cell of the file is a control"):
        get("toy", source=tmp_path / "published.h5ad")
    assert not (cache / "toy.h5ad").exists()


def test_file_without_the_column_is_refused(
    public: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = public.labels.model_copy(update={"column": "perturbations"})
    use(monkeypatch, public.model_copy(update={"labels": rules}))
    with pytest.raises(DataError, match="no column 'perturbations'") as caught:
        get("toy", source=tmp_path / "published.h5ad")
    assert "did you mean 'perturbation'" in caught.value.fix


@pytest.mark.parametrize("content", [b"", b"<html>sign in</html>"])
def test_what_is_not_an_h5ad_is_refused(public: Entry, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "published.h5ad").write_bytes(content)
    with pytest.raises(IntegrityError, match="not an h5ad"):
        get("toy", source=tmp_path / "published.h5ad")


def test_file_that_reaches_into_another_is_refused(public: Entry, cache: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "published.h5ad", "r+") as file:
        file["layers/other"] = h5py.ExternalLink("secret.h5", "/X")
    with pytest.raises(IntegrityError, match="will not be read"):
        get("toy", source=tmp_path / "published.h5ad")
    assert not (cache / "toy.h5ad").exists()


def test_damaged_matrix_is_not_blamed_on_the_disk(public: Entry, cache: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "published.h5ad", "r+") as file:
        values = file["X/indices"][:]
        del file["X/indices"]
        file["X/indices"] = values[:5]
    with pytest.raises(IntegrityError, match="damaged"):
        get("toy", source=tmp_path / "published.h5ad")
    assert sorted(path.name for path in cache.iterdir()) == ["Toy.h5ad", "Toy.h5ad.lock.json"]


# Studies


def test_resolve_fills_in_the_columns() -> None:
    settings = resolve(DataSettings(dataset="renge"))
    assert settings.dataset is None
    assert settings.path == find("renge").place()
    assert (settings.scale, settings.time, settings.perturbation) == ("log1p", "day", "perturbation")


def test_what_the_study_says_wins() -> None:
    settings = resolve(DataSettings(dataset="renge", time=None, batch="day", top_genes=50))
    assert (settings.time, settings.batch, settings.top_genes, settings.scale) == (None, "day", 50, "log1p")


def test_resolve_leaves_a_path_alone(tmp_path: Path) -> None:
    settings = DataSettings(path=tmp_path / "mine.h5ad")
    assert resolve(settings) is settings


def test_resolve_of_a_set_that_is_not_here_names_the_command(cache: Path) -> None:
    with pytest.raises(DataError, match="not on this machine") as caught:
        resolve(DataSettings(dataset="norman2019"))
    assert caught.value.fix == "pajamo data get norman2019"


def test_resolve_of_a_fetched_set(public: Entry, cache: Path, tmp_path: Path) -> None:
    get("toy", source=tmp_path / "published.h5ad")
    settings = resolve(DataSettings(dataset="toy"))
    assert (settings.path, settings.batch) == (cache / "toy.h5ad", "gemgroup")


def test_simulated_set_is_generated_once_and_labelled(cache: Path) -> None:
    settings = resolve(DataSettings(dataset="simulated-combinations"))
    assert settings.path is not None
    screen = anndata.read_h5ad(settings.path)
    entry = catalogue()["simulated-combinations"]
    assert bool(screen.uns["simulated"])
    assert "SIMULATED" in entry.title
    assert (screen.n_obs, screen.obs["perturbation"].nunique() - 1) == (entry.cells, entry.perturbations)
    stamp = settings.path.stat().st_mtime_ns
    assert get("simulated-combinations").stat().st_mtime_ns == stamp
