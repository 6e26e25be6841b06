"""What trials of one group differ in besides their seeds, which they should not: settings, and the code they ran."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sweeper.analysis.contents import Value
from sweeper.analysis.factors import varied
from sweeper.analysis.results import Result, commit_text
from sweeper.analysis.rows import Differing


def differing_settings(settings: Sequence[Mapping[str, Value]], nuisance: Sequence[str]) -> Iterator[Differing]:
    """Yield what trials' settings differ in; not what only follows others, or is meant to."""
    kinds = {id(own): own for own in settings}
    if len(kinds) == 1:
        return
    for name in varied(list(kinds.values())):
        if name in nuisance:
            continue
        counts = Counter(json.dumps(own.get(name)).strip('"') for own in settings)
        if len(counts) > 1:
            yield Differing(name, tuple(counts.items()))


def differing_code(results: Sequence[Result]) -> Iterator[Differing]:
    """Yield what the code that results come from differs in: its commit and changes, and versions of packages."""
    launches = [launch for result in results for launch in dict.fromkeys(result.launches)]
    if len(set(launches)) < 2:
        return
    commits = Counter(map(commit_text, launches))
    if len(commits) > 1:
        yield Differing("commit", tuple(commits.items()))
    versions = [dict(launch.versions) for launch in launches]
    for package in dict.fromkeys(package for own in versions for package in own):
        counts = Counter(own.get(package, "none") for own in versions)
        if len(counts) > 1:
            yield Differing(package, tuple(counts.items()))
