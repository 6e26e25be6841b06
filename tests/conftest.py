"""What every test may rely on."""

from __future__ import annotations

import copy
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.singleton import Singleton

from sweeper.backends import Backend
from tests.slurm.clusters import BARE, DEFAULT, Cluster, missing


def pytest_configure() -> None:
    """Let commands be stopped by Ctrl-C although a script started the tests in the background, with it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def hydra_as_it_was() -> Iterator[None]:
    """Give Hydra's global state back: composing in one module must not change what another one sees."""
    state = copy.deepcopy(Singleton.get_state())
    yield
    Singleton.set_state(state)


@pytest.fixture(scope="module")
def composing(hydra_as_it_was: None) -> Iterator[None]:
    """Let `tests.composed` compose trials as the command line would."""
    from sweeper.config.schema import register
    from sweeper.config.sources import CONFIG_DIRECTORY

    register()
    with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
        yield


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A directory of reviews as the published ones are, without a tokenizer."""
    directory = tmp_path / "reviews"
    directory.mkdir()
    for split in ("train", "valid", "test"):
        (directory / f"{split}.review").write_text("".join(f"bien {split} {n}\nmal {split} {n}\n" for n in range(200)))
        (directory / f"{split}.label").write_text("1\n0\n" * 200)
    return directory


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory for commands: they share its outputs/cache, each has a study of its own."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture
def started(tmp_path: Path) -> Path:
    """Where jobs of a test leave their process ids."""
    directory = tmp_path / "started"
    directory.mkdir()
    return directory


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the trials of a module's tests share a cache."""
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    """Processes for trials, two at a time."""
    from sweeper.backends.local.backend import LocalBackend
    from sweeper.backends.machine import TRAINING

    with closing(LocalBackend(jobs=2, preload=TRAINING)) as backend:
        yield backend


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Train in this process as in a trial's."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def default_cluster() -> Iterator[Cluster]:
    """A SLURM cluster of four nodes with accounting."""
    yield from brought_up(DEFAULT)


@pytest.fixture(scope="session")
def bare_cluster() -> Iterator[Cluster]:
    """A SLURM cluster of two nodes without accounting, where memory limits hold."""
    yield from brought_up(BARE)


def brought_up(cluster: Cluster) -> Iterator[Cluster]:
    if why := missing():
        pytest.skip(why)
    cluster.run("up")
    yield cluster
    cluster.run("purge")


@pytest.fixture(autouse=True)
def in_cluster(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let tests with the marker `slurm` speak to a cluster: slurm, or slurm("bare_cluster")."""
    marker = request.node.get_closest_marker("slurm")
    if marker is None:
        yield
        return
    cluster: Cluster = request.getfixturevalue(marker.args[0] if marker.args else "default_cluster")
    with cluster.used():
        yield
