"""The command line as a new user meets it: verbs, messages, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pytest

import pajamo
from pajamo import api

COMMANDS = [
    "check",
    "design",
    "run",
    "fit",
    "predict",
    "evaluate",
    "explain",
    "report",
    "verify",
    "models",
    "demo",
    "protocol",
    "data",
]


@pytest.fixture
def study(tmp_path: Path, tiny_screen: Path) -> Path:
    (tmp_path / "screen.h5ad").write_bytes(tiny_screen.read_bytes())
    path = tmp_path / "study.toml"
    path.write_text(
        'name = "tiny"\n[data]\npath = "screen.h5ad"\n[split]\nkind = "doubles"\nfolds = 2\n'
        "[evaluation]\nbootstrap = 100\ndistributions = false\n",
        encoding="utf-8",
    )
    return path


def test_help_names_every_verb_and_help_of_each_explains_its_options(command: Callable[..., Any]) -> None:
    outcome = command("--help")
    assert outcome.code == 0
    for name in COMMANDS:
        assert name in outcome.out
        assert command(name, "--help").code == 0
    assert "--debug" in outcome.out
    assert command("--version").out.strip() == f"pajamo {pajamo.__version__}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nonsense"], ["No such option", "--nonsense"]),
        (["rum"], ["No such command", "rum"]),
        (["run"], ["Missing argument"]),
        (["evaluate", "a", "b", "--fold", "first"], ["--fold", "valid integer"]),
        (["predict", "model.safetensors"], ["Missing argument"]),
    ],
)
def test_misused_commands_are_user_errors(
    command: Callable[..., Any], arguments: list[str], words: list[str]
) -> None:
    outcome = command(*arguments)
    assert outcome.code == 2
    assert "internal error" not in outcome.err
    for word in words:
        assert word in outcome.err


def test_fit_predict_evaluate(
    study: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study.parent)
    assert "wrote model.safetensors (Salt by least squares)" in command("fit", study, "--fold", 0).out
    outcome = command("predict", "model.safetensors", "SIM00002+SIM00001", "-o", "made.h5ad")
    assert outcome.out.strip() == "wrote made.h5ad (1 condition x 40 genes)"
    assert outcome.err == ""
    made = anndata.read_h5ad(study.parent / "made.h5ad")
    assert made.obs["perturbation"].tolist() == ["SIM00001+SIM00002"]
    assert set(made.layers) == {"delta", "sd", "control"}
    outcome = command("evaluate", "model.safetensors", study, "-o", "table.csv")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert "salt-ls on 3 held-out conditions of screen" in lines[0]
    assert "wrote table.csv" in lines[-1]
    for name in ("no-change", "salt-ls", "mean-perturbation", "best baseline", "ceiling"):
        assert name in outcome.out


def test_model_that_saw_everything_is_not_scored(
    study: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study.parent)
    assert command("fit", study, "--model", "salt").code == 0
    outcome = command("evaluate", "model.safetensors", study)
    assert outcome.code == 2
    assert "the model saw every condition" in outcome.err
    assert "next: fit it with --fold" in outcome.err


def test_misspelt_perturbation_gives_a_note(
    study: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study.parent)
    command("fit", study)
    outcome = command("predict", "model.safetensors", "SIM0001")
    assert outcome.code == 0
    assert outcome.err.startswith(
        "note: no training condition perturbed SIM0001; if that is not a misspelling"
    )


def test_check_says_whether_a_screen_is_ready(study: Path, command: Callable[..., Any]) -> None:
    outcome = command("check", study.parent / "screen.h5ad", "--batch", "batch")
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1].startswith("ready to use: 0 errors")
    report = json.loads(command("check", study.parent / "screen.h5ad", "--json").out)
    assert report["passed"] is True
    missing = command("check", study.parent / "screen.h5ad", "--perturbation", "gene")
    assert missing.code == 2
    assert "obs has no column 'gene'" in " ".join(missing.out.split())
    assert command("check", study.parent / "none.h5ad").code == 2


def test_check_fix_mends_a_copy(study: Path, command: Callable[..., Any]) -> None:
    broken = study.parent / "broken.h5ad"
    screen = anndata.read_h5ad(study.parent / "screen.h5ad")
    screen.layers["counts"] = screen.X.copy()
    screen.X = screen.X.astype(np.float32) * 0.5
    screen.obs["perturbation"] = screen.obs["perturbation"].astype(str).str.replace("+", "_x_", regex=False)
    screen.write_h5ad(broken)
    before = broken.read_bytes()
    assert command("check", broken).code == 2
    listed = command("check", broken, "--fix", "list")
    assert "use-layer=<name>" in listed.out
    outcome = command("check", broken, "--fix", "use-layer=counts", "--fix", "rename-separator=_x_")
    assert outcome.code == 0, outcome.err
    mended = study.parent / "broken.fixed.h5ad"
    assert outcome.out.strip() == f"wrote {mended}"
    assert broken.read_bytes() == before
    assert command("check", mended).code == 0
    again = command("check", broken, "--fix", "use-layer=counts")
    assert again.code == 2
    assert "exists already" in again.err
    assert "there is no fix called 'use-raws'" in command("check", broken, "--fix", "use-raws").err


def test_models_are_listed_with_their_limits(command: Callable[..., Any]) -> None:
    outcome = command("models")
    text = " ".join(outcome.out.split())
    for card in pajamo.models.list():
        assert f"{card.name}{' (baseline)' if card.baseline else ''}: {card.title}" in text
        assert f"limits: {card.limits}" in text


def test_data_sets_are_listed_whole(command: Callable[..., Any]) -> None:
    outcome = command("data", "list")
    for entry in pajamo.data.list():
        assert entry.name in outcome.out
    assert "14,945" in outcome.out
    outcome = command("data", "get", "norman")
    assert outcome.code == 2
    assert "did you mean 'norman2019'" in outcome.err


def test_verify_names_what_is_not_a_run(tmp_path: Path, command: Callable[..., Any]) -> None:
    outcome = command("verify", tmp_path / "none")
    assert outcome.code == 2
    assert "there is no such run" in outcome.err
    assert "not a run" in command("report", tmp_path).err


def test_debug_adds_the_traceback(tmp_path: Path, command: Callable[..., Any]) -> None:
    plain, debugged = (command(*flags, "run", tmp_path / "none.toml") for flags in ([], ["--debug"]))
    assert plain.code == debugged.code == 2
    assert "Traceback" not in plain.err
    assert "Traceback" in debugged.err
    assert debugged.err.endswith(plain.err)


def test_a_defect_says_how_to_report_it(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any, **named: Any) -> None:
        raise ZeroDivisionError("by [zero]")

    monkeypatch.setattr(api, "verify", broken)
    outcome = command("verify", tmp_path)
    assert outcome.code == 1
    assert "internal error: ZeroDivisionError: by [zero]" in outcome.err
    assert "run again with --debug and report what it prints" in outcome.err
    assert "Traceback" not in outcome.err
    monkeypatch.setattr(sys, "argv", ["pajamo", "verify", str(tmp_path), "--debug"])
    with pytest.raises(ZeroDivisionError):
        __import__("pajamo.cli").cli.main()


def test_interrupt_leaves_with_130(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "run", interrupted)
    outcome = command("run", tmp_path)
    assert outcome.code == 130
    assert "the same command goes on where it stopped" in outcome.err


HEAVY = "print(sorted({'torch', 'pandas', 'anndata', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)))"


EAGER = "import sys, pajamo; dir(pajamo); pajamo.PajamoError; pajamo.run; pajamo.data; pajamo.models"
LISTS = """
import sys, pajamo.cli
for arguments in (["--help"], ["--version"], ["data", "list"]):
    sys.argv = ["pajamo", *arguments]
    try:
        pajamo.cli.main()
    except SystemExit as left:
        assert not left.code
"""


@pytest.mark.parametrize("code", [EAGER, LISTS])
def test_nothing_heavy_is_imported_before_it_is_used(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{HEAVY}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_public_names_are_exactly_those_listed() -> None:
    assert pajamo.__all__ == sorted(pajamo.__all__)
    for name in pajamo.__all__:
        assert getattr(pajamo, name) is not None
    assert dir(pajamo) == pajamo.__all__
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        pajamo.fitt  # noqa: B018


def test_every_public_function_says_what_it_does_and_raises() -> None:
    for name in pajamo.__all__:
        function = getattr(pajamo, name)
        if callable(function) and not isinstance(function, type):
            assert function.__doc__, name
            assert "Raises\n" in function.__doc__, name


def test_the_package_runs_as_a_module():
    ran = subprocess.run(
        [sys.executable, "-m", "pajamo", "--version"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == f"pajamo {pajamo.__version__}"
