"""A class that a record names, found without running anything that lies with the record.

Whoever can write into a study could otherwise have any code run by whoever looks at it. So a name is looked up where
this interpreter imports from anyway (installed packages, the working directory), its file is looked at before it is
imported, and the class before it is called.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from itertools import product
from pathlib import Path

from sweeper.errors import WrongInput
from sweeper.records.importing import is_installed, loading


@dataclass(frozen=True)
class Allowed:
    """What a record may name: data sets whose settings derive from `data`; frameworks that have all of `methods`."""

    data: type
    methods: tuple[str, ...]

    def is_data(self, kind: type) -> bool:
        """Whether a class is a data set's settings."""
        return issubclass(kind, self.data)

    def is_framework(self, kind: type) -> bool:
        """Whether a class has what a framework must have."""
        return all(callable(getattr(kind, method, None)) for method in self.methods)


def recorded_class(target: str, study: Path, setting: str, fits: Callable[[type], bool]) -> type:
    """Return the class that a record of a study names under a setting, as module.Class.

    Raises WrongInput, before anything is imported, for a module that lies in the directory that holds the study or has
    no such class; and, before anything is called, for a class that does not fit.
    """
    module, _, name = target.rpartition(".")
    file = check_module(module, study, f"{setting}={target}")
    if file is None or file.suffix != ".py":  # built-in and compiled modules name no class here
        raise WrongInput(f"{setting}={target}: the module {module} has no source\n{_remedy(study)}")
    if name not in _defined_or_imported(file):
        raise WrongInput(f"{setting}={target}: {file} has no class {name}\n{_remedy(study)}")
    with loading(f"{setting}={target}"):
        kind = getattr(import_module(module), name, None)
    if not isinstance(kind, type) or not fits(kind):
        raise WrongInput(f"{setting}={target} is no class for {setting.partition('.')[0]}\n{_remedy(study)}")
    return kind


def check_module(module: str, study: Path, culprit: str) -> Path | None:
    """Return a module's file, with source or not; None of a built-in one. Imports nothing.

    Raises WrongInput for a module that cannot be found, or that lies with a study, or in a package that does.
    """
    specs = module_specs(module)
    if not specs:
        raise WrongInput(f"{culprit}: there is no module {module}\n{_remedy(study)}")
    files = [Path(path) for spec in specs for path in _locations(spec)]
    # A study may be a link: neither where it is named nor where it lies is trusted.
    holders = (study.absolute().parent.resolve(), study.resolve().parent)
    for file, holder in product(files, holders):
        if file.resolve().is_relative_to(holder) and not is_installed(file):
            raise WrongInput(
                f"{culprit}: {file} lies with the study, and nothing that lies there is run\n"
                f"keep modules outside of {holder}, in the working directory or installed"
            )
    return files[-1] if files else None


def _remedy(study: Path) -> str:
    return f"go where its command ran, with the modules that it used; or leave {study} to whoever made it"


def module_specs(module: str) -> list[ModuleSpec]:
    """Return what the import system knows of a module and of the packages that it lies in; imports none of them.

    `importlib.util.find_spec` alone would import the packages. Empty where there is no such module.
    """
    top, *inner = module.split(".")
    specs: list[ModuleSpec | None] = []
    try:
        specs.append(find_spec(top) if top.isidentifier() else None)
    except (ImportError, ValueError):  # __main__ has none
        return []
    for name in inner:
        package = specs[-1]
        within = package.submodule_search_locations if package else None
        # By its last name alone: with the whole one the import system asks for the packages, which are not imported.
        specs.append(PathFinder.find_spec(name, [*map(str, within)]) if within is not None else None)
    return [spec for spec in specs if spec is not None] if specs[-1] is not None else []


def _locations(spec: ModuleSpec) -> list[str]:
    """Return a module's file; of a package without one the directories that it is made of."""
    if spec.origin is not None and spec.has_location:
        return [spec.origin]
    return list(spec.submodule_search_locations or ())


def _defined_or_imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names
