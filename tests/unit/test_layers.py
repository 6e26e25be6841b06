"""Imports go one way, and what must be quick imports nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# From the values that everything speaks of to the commands; a module imports from its own layer and those before.
LAYERS = (
    ("wrong_input", "outcome", "places"),
    ("settings",),
    ("trial",),
    ("json_files",),
    ("progress_file",),
    ("record", "backend", "last_words", "cache", "door", "interruption", "progress"),
    tuple("study fingerprints statistics permutations effects variance factors selection metrics answers".split())
    + tuple("provenance checks result restore reference".split()),
    ("comparison",),
    ("data", "compare", "differences", "contrasts", "spread", "cost", "beside"),
    ("trainer",),
    ("checkpoints",),
    ("inputs", "classifier"),
    ("frameworks", "tracking", "report"),
    ("execute",),
    ("watched", "closing", "jobs"),
    ("planning",),
    ("sweep",),
    ("refusal", "schema"),
    ("config",),
    ("run", "pretrain", "convert", "parameters", "status", "sync", "export", "watch", "cancel"),
)
# fairseq composes its configuration by Hydra.
HYDRA_EDGE = {"run.py", "pretrain.py", "config.py", "schema.py", "refusal.py", "frameworks/fairseq_mends.py"}
HEAVY = (
    "torch",
    "transformers",
    "datasets",
    "mlflow",
    "tokenizers",
    "sentencepiece",
    "scipy",
    "pandas",
    "numpy",
    "pyarrow",
    "huggingface_hub",
    "httpx2",
    "matplotlib",
    "jinja2",
)


def layer(module: str) -> int:
    part = module.split(".")[1] if "." in module else module
    return next(number for number, members in enumerate(LAYERS) if part in members)


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def modules() -> list[Path]:
    return sorted((ROOT / "sweeper").rglob("*.py"))


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_imports_only_what_is_below_it(file: Path) -> None:
    parts = file.relative_to(ROOT).with_suffix("").parts
    if parts == ("sweeper", "__init__"):
        return
    own = layer(".".join(parts))
    for name in imported(file):
        if name.startswith("sweeper.") and not name.startswith(f"sweeper.{parts[1]}"):
            assert layer(name) <= own, f"{'.'.join(parts)} imports {name}"
        assert not name.startswith("hydra_plugins"), "launchers import sweeper, never the other way"
        if name.split(".")[0] in ("hydra", "omegaconf"):
            assert "/".join(file.parts[-len(parts) + 1 :]) in HYDRA_EDGE


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("sweeper.run", ["--help"]),
        ("sweeper.pretrain", ["--help"]),
        ("sweeper.parameters", ["--help"]),
        ("sweeper.run", ["seed=one"]),
        ("sweeper.convert", ["x", "y"]),
        ("sweeper.status", ["x"]),
        ("sweeper.watch", ["x"]),
        ("sweeper.cancel", ["x"]),
        ("sweeper.run", ["-m", "hydra/launcher=slurm", "plan=true", "model=rd", "seed=1,2"]),
        ("sweeper.report", ["x"]),
        ("sweeper.export", ["x", "y"]),
    ],
)
def test_what_must_be_quick_imports_nothing_heavy(module: str, arguments: list[str], tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", module, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in run.stderr.splitlines() if "|" in line}
    assert "sweeper" in loaded
    assert loaded.isdisjoint(HEAVY)
