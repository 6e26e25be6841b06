"""What a trial costs beside its training: python -m tests.benchmarks.overhead.

Sweeps over a framework that does nothing, with 2 jobs, against Hydra's own sweep (basic launcher, empty task) over
the same configurations. Wanted: 0.3 s a trial at most beyond Hydra's.
"""

from __future__ import annotations

import sys
import tempfile

from tests.benchmarks.measure import print_table, seconds

TRIALS = 50
NOOP = ("framework.name=noop", "framework._target_=tests.noop.Noop", "model=rd", "data.limit=20", "train.epochs=3")


def main() -> None:
    """Time both sweeps, without and with MLflow, and print what is left a trial."""
    seeds = "seed=" + ",".join(map(str, range(1, TRIALS + 1)))
    with tempfile.TemporaryDirectory() as directory:
        settings = ["-m", *NOOP, f"outputs={directory}"]
        sweep = ["-m", "sweeper.run", *settings, "hydra.launcher.jobs=2"]
        seconds(*sweep, "seed=1", "study=warm", "tracking=sqlite")  # fills the cache, makes MLflow's schema
        one = seconds(*sweep, "seed=1", "study=one", "tracking=none")
        composing = seconds(__file__, *settings, seeds, "hydra/launcher=basic")
        plain = seconds(*sweep, seeds, "study=plain", "tracking=none")
        again = seconds(*sweep, seeds, "study=plain", "tracking=none")
        tracked = seconds(*sweep, seeds, "study=tracked", "tracking=sqlite")
    rows = [
        [f"Hydra's own sweep over {TRIALS}", f"{composing:.1f}", "", ""],
        ["one trial, imports included", f"{one:.1f}", "", ""],
        *(
            [name, f"{took:.1f}", f"{(took - composing) / TRIALS:.3f}", f"{took / composing:.2f}"]
            for name, took in {
                f"{TRIALS} trials, imports included": plain,
                "the same with MLflow": tracked,
                "the same again, all done": again,
            }.items()
        ),
    ]
    print_table(["", "total (s)", "beyond Hydra (s a trial)", "total / Hydra"], rows)


def compose_only() -> None:
    """Let Hydra compose the command line's configurations, and do nothing with them."""
    import hydra
    from omegaconf import DictConfig

    from sweeper.config.schema import register
    from sweeper.config.sources import CONFIG_DIRECTORY

    def nothing(config: DictConfig) -> None:
        """The empty task."""

    register()
    hydra.main(version_base="1.3", config_path=str(CONFIG_DIRECTORY), config_name="config")(nothing)()


if __name__ == "__main__":
    compose_only() if len(sys.argv) > 1 else main()
