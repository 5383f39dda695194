"""Nothing but the engine knows of other processes."""

from __future__ import annotations

import ast
from pathlib import Path

import pajamo

SOURCE = Path(pajamo.__file__).parent


def imported(path: Path) -> set[str]:
    """Names of the modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def test_only_the_engine_imports_torch_distributed() -> None:
    users = {
        path.relative_to(SOURCE).parent.as_posix()
        for path in SOURCE.rglob("*.py")
        if any(name.startswith("torch.distributed") for name in imported(path))
    }
    assert users == {"training/engine"}


def test_nothing_of_the_engine_is_pickled() -> None:
    for path in (SOURCE / "training").rglob("*.py"):
        used = imported(path)
        assert not any(name.split(".")[0] == "pickle" for name in used), path
        assert "torch.save" not in path.read_text(encoding="utf-8"), path
        assert "torch.load" not in path.read_text(encoding="utf-8"), path
