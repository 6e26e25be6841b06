"""Which code of the user's own a trial runs, known by its content: found and read as files, never imported.

What counts is every file that is neither Python's, nor Sweeper's, nor of an installed distribution; of the latter name
and version. Comments and docstrings do not count. Sources are compared as `ast.unparse` of Python 3.11 writes them.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import resolve_name
from pathlib import Path
from pkgutil import iter_modules

from sweeper.errors import WrongInput
from sweeper.records.classes import module_specs
from sweeper.records.importing import is_installed, is_of_a_distribution
from sweeper.records.provenance import PACKAGES
from sweeper.trial.trial import Trial, digest

# Of a trial's digests: of all own code, and of the data set's alone, which what is made of its texts depends on.
CODES = CODE, DATA_CODE = "code", "data_code"
SWEEPER = ("sweeper", "hydra_plugins.sweeper_launchers")
IMPORTING = {"import_module", "__import__"}  # functions that import what a text names


@dataclass(frozen=True)
class Source:
    """A file's content by its digest, and what it imports, as it names it: relative names begin with dots."""

    digest: str
    imports: tuple[str, ...]


def code_digests(framework: str, data: type) -> dict[str, str]:
    """Name the content of the user's own code in a framework, as module.Class, a data set, and all that they import.

    Empty where both are Sweeper's.
    """
    of_data = _parts(data.__module__)
    parts = of_data | _parts(_module_of(framework))
    return ({CODE: digest(parts)} if parts else {}) | ({DATA_CODE: digest(of_data)} if of_data else {})


def own_code_of(trial: Trial) -> dict[str, str]:
    """Name the content of the user's own code that a trial would run now."""
    return code_digests(trial.framework._target_, type(trial.data))


def check_code(trial: Trial) -> None:
    """Raise WrongInput where a trial would run other code of the user's than that which it is known by.

    A job may start long after it was submitted. Trials of versions that did not look at the code are not refused.
    """
    if CODE not in trial.digests:
        return
    found = own_code_of(trial)
    if changed := [name for name in (DATA_CODE, CODE) if found.get(name) != trial.digests.get(name)]:
        module = type(trial.data).__module__ if changed[0] == DATA_CODE else _module_of(trial.framework._target_)
        raise WrongInput(
            f"the code of {module}, or what it imports, has changed since the trial was submitted: submit it again"
            " by the command that did\nits trials are others then, trained anew"
        )


def _module_of(target: str) -> str:
    return target.rpartition(".")[0]


def _parts(module: str) -> dict[str, str]:
    """Return the digest of each own module that a module consists of, and the version of each distribution."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or any(name == own or name.startswith(f"{own}.") for own in SWEEPER):
            continue
        seen.add(name)
        waiting += _star(name) if name.endswith(".*") else _take(name, found)
    return found


def _take(name: str, found: dict[str, str]) -> Iterator[str]:
    """Add a module and the packages that it lies in to what is found; yields the modules that they import.

    One that is not there may be a name of its package's, or be imported where it is there only.
    """
    top = name.partition(".")[0]
    for depth, spec in enumerate(module_specs(name), start=1):
        if spec.origin is None or not spec.has_location:  # a package without a file, or built into Python
            continue
        file, whole = Path(spec.origin).absolute(), ".".join(name.split(".")[:depth])
        if (distributions := _distributions_at(top, file)) is not None:
            found.update(distributions)
            return
        if whole in found:
            continue
        status = file.stat()
        source = _source(file, status.st_size, status.st_mtime_ns)
        found[whole] = source.digest
        yield from _absolute(source.imports, whole, spec)


def _absolute(imports: tuple[str, ...], module: str, spec: ModuleSpec) -> Iterator[str]:
    package = module if spec.submodule_search_locations is not None else module.rpartition(".")[0]
    for name in imports:
        try:
            yield resolve_name(name, package)
        except ImportError:  # beyond the top, as Python says too
            continue


def _star(name: str) -> Iterator[str]:
    """Yield all modules of a package of the user's own of which everything is imported."""
    package = name.removesuffix(".*")
    specs = module_specs(package)
    for place in (specs[-1].submodule_search_locations or ()) if specs else ():
        if _distributions_at(package.partition(".")[0], Path(place).absolute()) is None:
            yield from (f"{package}.{module.name}" for module in iter_modules([place]))


def _distributions_at(top: str, file: Path) -> Mapping[str, str] | None:
    """Return what stands for an installed file: name and version of its distribution; None for the user's own.

    Nothing stands for Python, nor for what Sweeper's own frameworks train by: its versions are in each trial's
    provenance, and make no other trial there either.
    """
    if is_of_a_distribution(file):
        known = _versions(top)
        return {name: value for name, value in known.items() if name not in PACKAGES} if known else None
    if top in PACKAGES and not file.is_relative_to(Path.cwd()):  # installed to be edited
        return {}
    return {} if is_installed(file) else None


@cache
def _versions(top: str) -> dict[str, str]:
    try:
        return {top: version(top)}
    except PackageNotFoundError:  # it has another name than its package
        return {name: version(name) for name in packages_distributions().get(top, ())}


@cache
def _source(file: Path, _size_bytes: int, _modified_ns: int) -> Source:
    """Return what a file is, read once a process while it stays as it is."""
    content = file.read_bytes()
    try:
        tree = ast.parse(content) if file.suffix == ".py" else None
    except (SyntaxError, ValueError):  # where it is needed, importing it says so
        tree = None
    if tree is None:
        return Source(hashlib.sha256(content).hexdigest(), ())
    imports = tuple(dict.fromkeys(name for node in ast.walk(tree) for name in _imports(node)))
    if b"__doc__" not in content:  # else its docstrings are read
        tree = _WithoutDocstrings().visit(tree)
    return Source(hashlib.sha256(ast.unparse(tree).encode()).hexdigest(), imports)


def _imports(node: ast.AST) -> Iterator[str]:
    """Yield the modules that a statement or a call may import: of `from a import b` both a and a.b."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = "." * node.level + (node.module or "")
        yield base
        yield from (f"{base}{'.' if node.module else ''}{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = getattr(node.func, "attr", getattr(node.func, "id", None))
        if called in IMPORTING and isinstance(node.args[0].value, str):
            yield node.args[0].value


class _WithoutDocstrings(ast.NodeTransformer):
    """Takes texts away that nothing is done with."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)
