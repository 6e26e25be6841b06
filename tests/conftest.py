"""What every test may rely on."""

from __future__ import annotations

import copy
import signal
from collections.abc import Iterator

import pytest
from hydra.core.singleton import Singleton

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
