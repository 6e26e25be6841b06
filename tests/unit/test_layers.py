"""Imports go one way, and what must be quick imports nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A room imports from itself and from those before it; what stands nowhere here is a command and may import all.
ROOMS = (
    "errors trial records data tokens checkpoints frameworks backends analysis report tracking driver config".split()
)
COMMANDS = {"predictions", "run", "pretrain", "status", "watch", "cancel", "sync", "export", "convert", "parameters"}
# fairseq composes its configuration by Hydra.
HYDRA_EDGE = ("sweeper.config", "sweeper.run", "sweeper.pretrain", "sweeper.frameworks.fairseq.mends", "hydra_plugins")
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


def room(module: str) -> str:
    """Return the room of a module's name; empty for a command's and a launcher's."""
    top, _, inner = module.partition(".")
    name = inner.partition(".")[0]
    return name if top == "sweeper" and name in ROOMS else ""


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "launchers" else parts).removesuffix(".__init__")


def files() -> list[Path]:
    return sorted([*(ROOT / "sweeper").rglob("*.py"), *(ROOT / "launchers").rglob("*.py")])


MODULES = {name_of(file): file for file in files()}


def statements(tree: ast.AST, *, at_import: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports of a module; `at_import`: only those that run when it is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if not (at_import and (typing or isinstance(node, ast.FunctionDef))):
            yield from statements(node, at_import=at_import)


def imported(module: str, *, at_import: bool = False) -> set[str]:
    names: set[str] = set()
    for node in statements(ast.parse(MODULES[module].read_text(encoding="utf-8")), at_import=at_import):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names |= {name if name in MODULES else str(node.module) for name in inner}
    return names


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_is_below_it(module: str) -> None:
    own = room(module)
    for name in imported(module):
        if name.startswith("sweeper.") and own:
            assert room(name), f"{module} imports the command {name}"
            assert ROOMS.index(room(name)) <= ROOMS.index(own), f"{module} imports {name}"
        if name.startswith("hydra_plugins"):
            assert module.startswith("hydra_plugins"), "launchers import sweeper, never the other way"
        if name.split(".")[0] in ("hydra", "omegaconf"):
            assert module.startswith(HYDRA_EDGE), f"{module} imports {name}"


def test_no_modules_import_each_other() -> None:
    graph = {module: imported(module, at_import=True) & MODULES.keys() - {module} for module in MODULES}
    while graph:  # take away what imports nothing that is left
        free = {module for module, needed in graph.items() if not needed & graph.keys()}
        assert free, f"imports go round in circles among {sorted(graph)}"
        graph = {module: needed for module, needed in graph.items() if module not in free}


def test_the_root_holds_what_can_be_typed_and_the_errors() -> None:
    assert {file.stem for file in (ROOT / "sweeper").glob("*.py")} - {"__init__"} == COMMANDS | {"errors"}
    assert {path.name for path in (ROOT / "sweeper").iterdir() if (path / "__init__.py").exists()} == {*ROOMS[1:]}


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("sweeper.run", ["--help"]),
        ("sweeper.pretrain", ["--help"]),
        ("sweeper.parameters", ["--help"]),
        ("sweeper.run", ["seed=one"]),
        ("sweeper.convert", ["x", "y"]),
        ("sweeper.status", ["x"]),
        ("sweeper.predictions", ["x"]),
        ("sweeper.predictions", ["--help"]),
        ("sweeper.watch", ["x"]),
        ("sweeper.cancel", ["x"]),
        ("sweeper.run", ["-m", "hydra/launcher=slurm", "plan=true", "model=rd", "seed=1,2"]),
        ("sweeper.report", ["x"]),
        ("sweeper.export", ["x", "y"]),
    ],
)
def test_what_must_be_quick_imports_nothing_heavy(module: str, arguments: list[str], tmp_path: Path) -> None:
    assert loaded("-m", module, *arguments, directory=tmp_path).isdisjoint(HEAVY)


def loaded(*arguments: str, directory: Path) -> set[str]:
    """The packages that python with these arguments imports."""
    command = [sys.executable, "-X", "importtime", *arguments]
    run = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    found = {line.rpartition("|")[2].strip().split(".")[0] for line in run.stderr.splitlines() if "|" in line}
    assert "sweeper" in found and "Traceback" not in run.stderr
    return found


@pytest.mark.parametrize(
    "modules",
    [
        "sweeper.status, sweeper.report.__main__, sweeper.report.terminal, sweeper.driver.live_table",
        "sweeper.data.cls_books, sweeper.tokens.tokenizer",
    ],
)
def test_modules_that_import_nothing_heavy_nor_hydra(modules: str, tmp_path: Path) -> None:
    assert loaded("-c", f"import {modules}", directory=tmp_path).isdisjoint((*HEAVY, "hydra", "omegaconf"))
