"""What examples belong to, put into predictions that a done trial kept without it: nothing is evaluated anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sweeper.data.tabular import Tabular
from sweeper.errors import WrongInput, first_line
from sweeper.frameworks.examples import known_examples
from sweeper.frameworks.predictions import checked_predictions
from sweeper.records.predictions import write_predictions
from sweeper.records.record import Record
from sweeper.trial import Trial
from sweeper.trial.outcome import Best
from sweeper.trial.trial import CLUSTERS


def add_clusters(trial: Trial, record: Record, best: Best, column: str) -> str:
    """Write into a trial's predictions what each example belongs to by a column of its data.

    Returns why not, empty where it is; nothing is changed then. Other clusters that they had are replaced.
    """
    if not isinstance(trial.data, Tabular):
        return f"data={trial.choices['data']} has no columns to choose"
    try:
        data = replace(trial.data, cluster=column)
        asked = replace(trial, data=data, digests={**trial.digests, CLUSTERS: data.cluster_digest()})
        kept, known = checked_predictions(record.predictions, best), known_examples(asked)
    except WrongInput as error:
        return first_line(error)
    except Exception as error:  # whatever reading the data anew raises
        return f"{type(error).__name__}: {first_line(error)}"
    splits = {}
    for split, predicted in kept.splits.items():
        own = known[split]
        if not np.array_equal(predicted.example, own.example):
            return f"{record.predictions} is of other examples"
        # Of equal texts with one label it is known by the cluster, too, which is meant.
        splits[split] = replace(predicted, occurrence=own.occurrence, cluster=own.cluster)
    write_predictions(record.predictions, replace(kept, splits=splits))
    return ""
