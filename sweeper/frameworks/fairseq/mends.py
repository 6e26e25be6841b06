"""What stock fairseq 0.12.2 needs to run here without a trace: each mend is a function named for what it is for.

Nothing of fairseq is copied or edited. Its own commands, mended, such as fairseq-train:

    python -m sweeper.frameworks.fairseq.mends train ARGUMENTS
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import importlib.metadata
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sweeper.errors import WrongInput

VERSION = "0.12.2"
# Entries of Hydra's store that composition needs; plug-ins add to them, so they are shared.
OF_HYDRA = ("hydra", "_dummy_empty_config_.yaml")


def check_version() -> None:
    """Raise WrongInput unless the fairseq that the mends are for is installed; imports nothing of it."""
    try:
        found = importlib.metadata.version("fairseq")
    except importlib.metadata.PackageNotFoundError:
        found = "none"
    if found != VERSION:
        raise WrongInput(
            f"framework=fairseq needs fairseq {VERSION}, which its mends are for; installed is {found}\n"
            "make install gets it"
        )


@functools.cache
def load_fairseq() -> None:
    """Import fairseq, mended, once a process. Raises WrongInput when it is not there or of another version."""
    check_version()
    if "fairseq" in sys.modules:
        raise RuntimeError("fairseq was imported before its mends")
    with own_hydra(), hashable_defaults(), _gpus_not_counted(), root_logger_kept(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what has become deprecated since
        importlib.import_module("fairseq")
    compose_with_this_hydra()
    _load_namespaces_but_no_code()
    train_bf16_without_tpu()


@contextmanager
def own_hydra() -> Iterator[None]:
    """Give fairseq a store of its own: it registers `config`, `model`, `task` … in Hydra's and clears GlobalHydra.

    An application's config.yaml would be merged with fairseq's from the second job of a multirun on.
    """
    from hydra import version
    from hydra.core.config_store import ConfigStore
    from hydra.core.global_hydra import GlobalHydra

    store, state, base = ConfigStore.instance(), GlobalHydra.instance(), version.VersionBase.instance()
    kept = store.repo, state.hydra, base.version_base
    store.repo = own_store()
    try:
        yield
    finally:
        store.repo, state.hydra, base.version_base = kept
        GlobalHydra.set_instance(state)  # composing leaves a copy behind


@functools.cache
def own_store() -> dict[str, Any]:
    """Return fairseq's store, at first with nothing but Hydra's own entries."""
    from hydra.core.config_store import ConfigStore

    importlib.import_module("hydra.conf")  # registers them
    repo = ConfigStore.instance().repo
    return {name: repo[name] for name in OF_HYDRA if name in repo}


def hashable_defaults() -> AbstractContextManager[None]:
    """Let fairseq's dataclasses be defaults of one another's fields, which Python 3.11 demands to be hashable."""
    original = dataclasses.dataclass

    def dataclass(cls: type | None = None, /, **options: Any) -> Any:
        def decorate(plain: type) -> Any:
            made: Any = original(plain, **options)
            if made.__module__.partition(".")[0] == "fairseq" and made.__hash__ is None:
                made.__hash__ = object.__hash__
            return made

        return decorate if cls is None else decorate(cls)

    return _replaced(dataclasses, "dataclass", dataclass)


def _gpus_not_counted() -> AbstractContextManager[None]:
    # Fairseq is imported by a server that forks: a count of GPUs, one of its defaults, may close CUDA to children. Its
    # command counts them again, when it parses its arguments.
    import torch

    return _replaced(torch.cuda, "device_count", lambda: 1)


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextmanager
def root_logger_kept() -> Iterator[None]:
    """Keep the root logger as it is while modules are imported that call logging.basicConfig."""
    handler = logging.NullHandler()  # it does nothing where there is a handler already
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def no_arguments() -> AbstractContextManager[None]:
    """Hide this process's command line, which fairseq's parser searches for --user-dir whatever it is to parse."""
    return _replaced(sys, "argv", sys.argv[:1])


def compose_with_this_hydra() -> None:
    """Replace what Hydra had as experimental when fairseq was written, and compose in fairseq's own store."""
    import fairseq
    import hydra
    from fairseq import checkpoint_utils, trainer
    from fairseq.dataclass import utils

    configs = str(Path(fairseq.__file__).parent / "config")
    convert = utils.convert_namespace_to_omegaconf

    @functools.wraps(convert)
    def convert_namespace_to_omegaconf(args: argparse.Namespace) -> Any:
        with own_hydra(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # spellings of Hydra 1.0 in fairseq's YAML
            return convert(args)

    def initialize(config_path: str) -> Any:  # noqa: ARG001  fairseq's, relative to its own file
        return hydra.initialize_config_dir(config_dir=configs, version_base="1.1")

    def compose(name: str, overrides: list[str], strict: bool | None = None) -> Any:  # noqa: ARG001  gone since
        return hydra.compose(name, overrides=overrides)

    utils.initialize, utils.compose = initialize, compose
    for module in (utils, checkpoint_utils, trainer):
        module.convert_namespace_to_omegaconf = convert_namespace_to_omegaconf


def _load_namespaces_but_no_code() -> None:
    # torch loads no other classes by default; its error names the one that a file asks for.
    import torch
    from fairseq import checkpoint_utils

    load = checkpoint_utils.load_checkpoint_to_cpu

    @functools.wraps(load)
    def load_checkpoint_to_cpu(*args: Any, **options: Any) -> Any:
        with torch.serialization.safe_globals([argparse.Namespace]):
            return load(*args, **options)

    checkpoint_utils.load_checkpoint_to_cpu = load_checkpoint_to_cpu


def train_bf16_without_tpu() -> None:
    """Let --bf16 be for CPUs and GPUs: fairseq's parser takes it for the wish to use a TPU."""
    from fairseq import options

    parse: Callable[..., Any] = options.parse_args_and_arch

    @functools.wraps(parse)
    def parse_args_and_arch(*args: Any, **choices: Any) -> Any:
        parsed = parse(*args, **choices)
        (parsed[0] if isinstance(parsed, tuple) else parsed).tpu = False
        return parsed

    options.parse_args_and_arch = parse_args_and_arch


def main() -> None:
    """Run one of fairseq's commands (train, preprocess, validate …) with the arguments after its name."""
    load_fairseq()
    command = sys.argv.pop(1)
    importlib.import_module(f"fairseq_cli.{command}").cli_main()


if __name__ == "__main__":
    main()
