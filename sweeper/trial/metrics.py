"""The metrics that trials measure, each declared here and computed in `sweeper.frameworks.metrics`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

SHARES = ("accuracy", "f1", "exact_match", "precision", "recall")  # ends of names that others may give to shares


class Shown(Enum):
    """When tables show a metric that did not select the epochs; files always have it."""

    ALWAYS = "always"
    UNEVEN = "uneven"  # of classes that are many or unbalanced, where each such metric hides what the other shows
    NEVER = "never"


@dataclass(frozen=True)
class DeclaredMetric:
    """What a metric is: the tasks it is measured for, which way is better, and whether it is a share of 1."""

    tasks: tuple[str, ...]
    greater_is_better: bool
    share: bool = False
    shown: Shown = Shown.ALWAYS


# In the order of events and of tables' columns.
METRICS = {
    "loss": DeclaredMetric(("classification", "language_modelling", "qa"), greater_is_better=False, shown=Shown.NEVER),
    "accuracy": DeclaredMetric(("classification",), greater_is_better=True, share=True, shown=Shown.UNEVEN),
    "macro_f1": DeclaredMetric(("classification",), greater_is_better=True, share=True, shown=Shown.UNEVEN),
    "perplexity": DeclaredMetric(("language_modelling", "qa"), greater_is_better=False),
    "exact_match": DeclaredMetric(("qa",), greater_is_better=True, share=True),
    "token_f1": DeclaredMetric(("qa",), greater_is_better=True, share=True),
}


def metrics_of(task: str) -> dict[str, DeclaredMetric]:
    """Return a task's metrics by name; none for a task that is not known here."""
    return {name: metric for name, metric in METRICS.items() if task in metric.tasks}


def is_share(metric: str) -> bool:
    """Whether a metric is a share of 1, which people read as per cent; of one that is not declared its name tells."""
    return METRICS[metric].share if metric in METRICS else metric.endswith(SHARES)
