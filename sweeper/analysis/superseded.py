"""Results that an earlier version measured otherwise, where the study has the same trial as it is measured since.

Counted as seeds of one group, or as a group that others are compared with, they would make a wrong number: they are
listed with those that count in their place, and not counted.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from sweeper.analysis.results import Result
from sweeper.data.recorded import without_digests
from sweeper.trial.mends import MENDED, MENDS, READING, changed_inputs, newly_mended


def with_superseded(results: Sequence[Result]) -> list[Result]:
    """Return the results with what supersedes any of them noted; these take the other's digests, and so its group."""
    if not any({MENDED, READING} & result.config["digests"].keys() for result in results):
        return list(results)
    alike: dict[str, list[Result]] = defaultdict(list)
    keys = [json.dumps([result.study, without_digests(result.config)], sort_keys=True) for result in results]
    for key, result in zip(keys, results, strict=True):
        alike[key].append(result)
    return [_noted(result, alike[key]) for key, result in zip(keys, results, strict=True)]


def _noted(result: Result, others: Sequence[Result]) -> Result:
    found: tuple[str, ...] = ()
    for other in others:
        mends = newly_mended(result.config, other.config)
        if len(mends) > len(found) and not changed_inputs(result.config, other.config):
            found, config = mends, {**result.config, "digests": other.config["digests"]}
    if not found:
        return result
    reason = "; ".join(MENDS[name] for name in found)
    return replace(result, config=config, superseded=f"trained anew since: {reason}")
