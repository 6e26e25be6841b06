"""Published numbers to set beside a study's own, read from a YAML file; conf/reference/ has an example.

source: where the numbers stand          # text
metric: accuracy                         # the metric that they are of
unit: per cent                           # or share, of 1; of metrics that are shares
sd: not stated                           # kind of the sds that are given: sample (n − 1), population (n), not stated
groups:
  - group: {model: pt, framework: fairseq}                    # values of the study's factors
    test: [79.3, 78.5, 80.1]                                  # one a seed, at the best epoch
    validation: {mean: 81.5, sd: 1.8, n: 3}                   # or this; sd and n may be missing
    steps: [675, 675, 900]                                    # of the best epochs; may be missing
    epochs: {test: {mean: [70.4, 75.4], sd: [1.92, 1.92]}}    # from the first epoch on; may be missing
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from sweeper.analysis.factors import Value
from sweeper.analysis.statistics import Summary, summarize
from sweeper.errors import WrongInput

SPLITS = ("validation", "test")
UNITS = {"per cent": 0.01, "share": 1.0}
KINDS_OF_SD = ("sample", "population", "not stated")
KEYS = ("source", "metric", "unit", "sd", "groups")
GROUP_KEYS = ("group", *SPLITS, "steps", "epochs")


@dataclass(frozen=True)
class PublishedEpoch:
    """Mean and standard deviation over seeds after an epoch; None: not published."""

    epoch: int
    mean: float
    sd: float | None


@dataclass(frozen=True)
class PublishedGroup:
    """One group's published numbers, shares as shares of 1, by set.

    `values` are those of single seeds, empty where only a summary is published.
    """

    group: Mapping[str, Value]
    sets: Mapping[str, Summary]
    values: Mapping[str, tuple[float, ...]]
    steps: tuple[int, ...]
    epochs: Mapping[str, tuple[PublishedEpoch, ...]]


@dataclass(frozen=True)
class Reference:
    """A publication's numbers. `sd` says what kind its standard deviations are of; of values ours is the sample's."""

    file: str
    source: str
    metric: str
    sd: str
    groups: tuple[PublishedGroup, ...]


def read_reference(file: Path) -> Reference:
    """Read a reference file. Raises WrongInput for one that is missing or malformed, naming the place in it."""
    import yaml  # PyYAML

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongInput(f"reference={file} cannot be read: {error.strerror}\ngive a YAML file") from error
    except UnicodeDecodeError as error:
        raise WrongInput(f"reference={file} is not UTF-8\ngive a YAML file") from error
    except yaml.YAMLError as error:
        line = getattr(error, "problem_mark", None)
        place = f", line {line.line + 1}" if line else ""
        raise WrongInput(f"reference={file}{place} is not YAML: {getattr(error, 'problem', error)}") from error
    return Reading(file).reference(content)


@dataclass(frozen=True)
class Reading:
    """Checks a reference file's content on the way; refuses with the file's name."""

    file: Path

    def reference(self, content: Any) -> Reference:
        """Return the whole file's content."""
        whole = self.mapping(content, "the file", KEYS, ("source", "metric", "groups"))
        unit, sd = whole.get("unit", "share"), whole.get("sd", "not stated")
        self.one_of("unit", unit, UNITS)
        self.one_of("sd", sd, KINDS_OF_SD)
        groups = whole["groups"]
        if not isinstance(groups, list) or not groups:
            self.refuse("groups is no list of groups", "as in groups: [{group: {model: pt}, test: [79.3, 78.5, 80.1]}]")
        made = tuple(self.group(item, f"groups[{number}]", UNITS[unit]) for number, item in enumerate(groups))
        for number, item in enumerate(made):
            if item.group in [other.group for other in made[:number]]:
                self.refuse(f"groups[{number}].group is there twice", "needed: one entry a group")
        return Reference(str(self.file), str(whole["source"]), str(whole["metric"]), sd, made)

    def group(self, content: Any, place: str, unit: float) -> PublishedGroup:
        """Return one group's numbers."""
        own = self.mapping(content, place, GROUP_KEYS, ("group",))
        names = own["group"]
        if not isinstance(names, dict) or not names:
            self.refuse(f"{place}.group is no mapping", "as in group: {model: pt, framework: fairseq}")
        values = {
            split: self.numbers(own[split], f"{place}.{split}", unit)
            for split in SPLITS
            if isinstance(own.get(split), list)
        }
        sets = {split: summarize(found) for split, found in values.items()}
        sets |= {
            split: self.summary(own[split], f"{place}.{split}", unit)
            for split in SPLITS
            if split in own and split not in values
        }
        if not sets and "epochs" not in own:
            self.refuse(f"{place} has no numbers", "needed: test, validation or epochs")
        epochs = self.mapping(own.get("epochs", {}), f"{place}.epochs", SPLITS)
        steps = self.numbers(own.get("steps", []), f"{place}.steps", 1.0)
        if steps and any(len(found) != len(steps) for found in values.values()):
            self.refuse(f"{place}.steps has {len(steps)} numbers", "needed: one a seed, as many as values")
        return PublishedGroup(
            group={str(name): value for name, value in names.items()},
            sets=sets,
            values=values,
            steps=tuple(map(int, steps)),
            epochs={split: self.epochs(epochs[split], f"{place}.epochs.{split}", unit) for split in epochs},
        )

    def summary(self, content: Any, place: str, unit: float) -> Summary:
        """Return what {mean, sd, n} says."""
        own = self.mapping(content, place, ("mean", "sd", "n"), ("mean",))
        mean, *sd = self.numbers([own[name] for name in ("mean", "sd") if own.get(name) is not None], place, unit)
        self.not_negative(sd, f"{place}.sd")
        n = own.get("n", 0)
        if not isinstance(n, int) or ("n" in own and n < 1):
            self.refuse(f"{place}.n={n} is no number of seeds", "allowed: 1 or more")
        return Summary(n, mean, sd[0] if sd else None)

    def epochs(self, content: Any, place: str, unit: float) -> tuple[PublishedEpoch, ...]:
        """Return what {mean: […], sd: […]} says."""
        own = self.mapping(content, place, ("mean", "sd"), ("mean",))
        means = self.numbers(own["mean"], f"{place}.mean", unit)
        sds = self.numbers(own["sd"], f"{place}.sd", unit) if "sd" in own else (None,) * len(means)
        self.not_negative([sd for sd in sds if sd is not None], f"{place}.sd")
        if len(sds) != len(means):
            self.refuse(f"{place} has {len(means)} means and {len(sds)} sds", "needed: one sd a mean")
        both = enumerate(zip(means, sds, strict=True), start=1)
        return tuple(PublishedEpoch(epoch, mean, sd) for epoch, (mean, sd) in both)

    def not_negative(self, sds: Sequence[float], place: str) -> None:
        """Refuse a standard deviation below 0."""
        if min(sds, default=0.0) < 0:
            self.refuse(f"{place} is below 0", "allowed: 0 or more")

    def numbers(self, content: Any, place: str, unit: float) -> tuple[float, ...]:
        """Return finite numbers, times their unit."""
        if not isinstance(content, list):
            self.refuse(f"{place}={content} is no list of numbers", "as in [79.3, 78.5, 80.1]")
        for number in content:
            if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
                self.refuse(f"{place}: {number!r} is no number", "as in [79.3, 78.5, 80.1]")
        return tuple(number * unit for number in content)

    def mapping(
        self, content: Any, place: str, allowed: Iterable[str], needed: Iterable[str] = ()
    ) -> Mapping[str, Any]:
        """Return a mapping with no other keys than those allowed, and all that are needed."""
        if not isinstance(content, dict):
            self.refuse(f"{place} is no mapping", f"keys there: {', '.join(allowed)}")
        for key in content:
            self.one_of(f"{place}, key", key, allowed)
        for key in needed:
            if key not in content:
                self.refuse(f"{place} lacks {key}", f"keys there: {', '.join(allowed)}")
        found: Mapping[str, Any] = content
        return found

    def one_of(self, place: str, value: Any, allowed: Iterable[str]) -> None:
        """Refuse a value that is not allowed."""
        if value not in tuple(allowed):
            self.refuse(f"{place} {value!r} is not known", f"allowed: {', '.join(allowed)}")

    def refuse(self, problem: str, remedy: str) -> NoReturn:
        """Say what is wrong with the file."""
        raise WrongInput(f"reference={self.file}: {problem}\n{remedy}")
