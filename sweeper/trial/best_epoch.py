"""Which epoch counts: one rule for every framework."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sweeper.errors import WrongInput
from sweeper.trial.metrics import metrics_of
from sweeper.trial.outcome import Best, Metric
from sweeper.trial.settings import TaskSettings


def select(metrics: Sequence[Metric], task: TaskSettings, up_to_step: int | None = None) -> Best | None:
    """Return the best epoch by the task's selection metric on validation, ties to the earliest step.

    Steps after `up_to_step` are not looked at; nan is never best. Test metrics are reported, never looked at here.
    Returns None when there is no validation metric yet.
    """
    candidates = [
        metric
        for metric in metrics
        if metric.split == "valid"
        and metric.name == task.selection_metric
        and not math.isnan(metric.value)
        and (up_to_step is None or metric.step <= up_to_step)
    ]
    if not candidates:
        return None
    sign = 1 if task.greater_is_better else -1
    chosen = max(candidates, key=lambda metric: (sign * metric.value, -metric.step))
    return Best(chosen.epoch, chosen.step, {m.key: m.value for m in metrics if m.step == chosen.step})


def check_selection(task: TaskSettings) -> None:
    """Raise WrongInput when the best epoch would be chosen by what is not measured, or the wrong way round."""
    known = metrics_of(task.name)
    if not known:
        return  # the framework knows whether it does such a task
    if task.selection_metric not in known:
        raise WrongInput(
            f"task.selection_metric={task.selection_metric} is not measured for task={task.name}\n"
            f"allowed: {', '.join(known)}"
        )
    better = known[task.selection_metric].greater_is_better
    if task.greater_is_better != better:
        raise WrongInput(
            f"task.greater_is_better={str(task.greater_is_better).lower()} would select the worst epoch\n"
            f"with task.selection_metric={task.selection_metric} set task.greater_is_better={str(better).lower()}"
        )
