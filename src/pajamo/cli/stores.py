"""Commands about cell stores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from pajamo import api
from pajamo.cli.printing import progress, say, say_json
from pajamo.errors import DataError

if TYPE_CHECKING:
    from pajamo.data.store import CellStore

app = typer.Typer(
    help="Cells by genes as a folder that is streamed from in random order.", no_args_is_help=True
)

Store = Annotated[Path, Argument(help="A store (a folder, NAME.pstore).")]
NewStore = Annotated[Path, Argument(help="The new store, NAME.pstore.")]
Layer = Annotated[str | None, Option(help="Layer with the counts; X if not given.")]

GENE_CHOICES = ("same", "union", "intersection")


@app.command("build")
def store_build(
    paths: Annotated[
        list[Path], Argument(help="h5ad files, zarr folders or stores; last the new store, NAME.pstore.")
    ],
    genes: Annotated[
        str, Option(help="Where files list different genes: same (refuse), union or intersection.")
    ] = "same",
    layer: Layer = None,
    value_type: Annotated[
        str | None,
        Option(help="uint8, uint16, uint32, float32, float64; the smallest that fits if not given."),
    ] = None,
) -> None:
    """Turn AnnData files into a store; what was counted is not changed by a single molecule."""
    *sources, out = paths
    if out.suffix != ".pstore" or not sources:
        raise DataError(
            "the last path must be the new store, NAME.pstore",
            where=" ".join(map(str, paths)),
            fix="pajamo store build A.h5ad [B.h5ad ...] OUT.pstore",
        )
    choices: Any = {
        "genes": _one_of(genes, "--genes", *GENE_CHOICES),
        "value_type": value_type,
    }
    _describe(api.build_store(list(sources), out, layer=layer, progress=progress, **choices))


@app.command("append")
def store_append(
    store: Store,
    sources: Annotated[list[Path], Argument(help="h5ad files, zarr folders or stores with further cells.")],
    genes: Annotated[
        str, Option(help="same (refuse other genes than the store's), or store (go by the store's list).")
    ] = "same",
    layer: Layer = None,
) -> None:
    """Write further cells behind those of a store."""
    choice: Any = _one_of(genes, "--genes", "same", "store")
    _describe(api.append_cells(store, list(sources), genes=choice, layer=layer, progress=progress))


@app.command("verify")
def store_verify(store: Store) -> None:
    """Check that every byte of a store is exactly as it was written."""
    opened = api.verify_store(store)
    say(f"{opened.path}: all {opened.n_cells:,} cells are as they were written")


@app.command("info")
def store_info(
    store: Store, as_json: Annotated[bool, Option("--json", help="Print as JSON.")] = False
) -> None:
    """What a store holds and what it was made of."""
    opened = api.open_store(store)
    if as_json:
        say_json(opened.facts)
        return
    _describe(opened)
    for source in opened.facts["sources"]:
        say(f"  {source['cells']:,} cells of {source['file']}")
    say(f"  columns of cells: {', '.join(map(str, opened.obs.columns)) or '(none)'}")


@app.command("export")
def store_export(store: Store, out: Annotated[Path, Argument(help="NAME.h5ad or NAME.zarr.")]) -> None:
    """Write a store as AnnData, for other tools."""
    say(f"wrote {api.export_store(store, out)}")


@app.command("import-scdl")
def store_import_scdl(
    archive: Annotated[Path, Argument(help="Folder of a BioNeMo SCDL archive.")],
    out: NewStore,
    gene_names: Annotated[
        str | None, Option(help="Column of its gene features with their names, if it does not say.")
    ] = None,
    genes: Annotated[
        str, Option(help="Where its parts list different genes: same (refuse), union or intersection.")
    ] = "same",
) -> None:
    """Turn a BioNeMo SCDL archive into a store."""
    choice: Any = _one_of(genes, "--genes", *GENE_CHOICES)
    _describe(api.import_scdl(archive, out, gene_names=gene_names, genes=choice, progress=progress))


@app.command("compress")
def store_compress(
    store: Store, out: Annotated[Path, Argument(help="The compressed copy, a new folder.")]
) -> None:
    """Write a block-compressed copy of a store, for cold or remote storage."""
    api.compress_store(store, out)
    say(f"wrote {out}")


@app.command("unpack")
def store_unpack(packed: Annotated[Path, Argument(help="A compressed store.")], out: NewStore) -> None:
    """Write a compressed store as an uncompressed one, for training in random order."""
    _describe(api.unpack_store(packed, out))


def _describe(store: CellStore) -> None:
    bytes_held = sum(file.stat().st_size for file in store.path.iterdir())
    say(
        f"{store.path}: {store.n_cells:,} cells x {store.shape[1]:,} genes, {store.facts['values']:,} values as "
        f"{store.facts['value_type']} up to {store.facts['largest']:g}, {bytes_held / 1e6:,.1f} MB"
    )


def _one_of(given: str, option: str, *known: str) -> str:
    if given not in known:
        raise DataError(f"{given!r} is no choice", where=option, fix=f"use one of: {', '.join(known)}")
    return given
