"""Published numbers to set beside a study's own, read from a YAML file; conf/reference/ has an example.

source: where the numbers stand          # text
metric: accuracy                         # the metric that they are of
unit: per cent                           # or share, of 1; of metrics that are shares
data: {data: cls_books, data.limit: null} # settings that tell its data; on other data, or where this is missing,
                                         # numbers stand beside, and nothing is subtracted
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
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, ValidationError, convert

from sweeper.analysis.factors import Value
from sweeper.analysis.rows import SETS
from sweeper.analysis.statistics import Summary, summarize
from sweeper.errors import WrongInput

SCALES = {"per cent": 0.01, "share": 1.0}
# What may stand at a place in the file; a refusal tells the nearest.
ALLOWED = {
    "": "keys source, metric, groups, and if need be data, unit, sd",
    "data": "settings that tell the data, as in {data: cls_books, data.limit: null}",
    "unit": "per cent, share",
    "sd": "sample, population, not stated",
    "groups": "a list, as in [{group: {model: pt}, test: [79.3, 78.5, 80.1]}]",
    "groups[]": "keys group, test, validation, steps, epochs",
    "groups[].group": "values of factors, as in {model: pt, framework: fairseq}",
    **dict.fromkeys(
        ("groups[].test", "groups[].validation"),
        "one number a seed, as in [79.3, 78.5, 80.1], or {mean: 79.3, sd: 0.8, n: 3} with n from 1, sd from 0 on",
    ),
    "groups[].steps": "one number a seed, as in [675, 675, 900]",
    "groups[].epochs": "keys test, validation, each as {mean: [70.4, 75.4], sd: [1.92, 1.92]}; sd from 0 on",
}

_Deviation = Annotated[float, Meta(ge=0)]


def _check_finite(*numbers: float | None) -> None:
    for number in numbers:
        if number is not None and not math.isfinite(number):
            raise ValueError(f"{number} is no finite number")


class _FileSummary(Struct, frozen=True, forbid_unknown_fields=True):
    mean: float
    sd: _Deviation | None = None
    n: Annotated[int, Meta(ge=1)] = 0

    def __post_init__(self) -> None:
        _check_finite(self.mean, self.sd)


class _FileEpochs(Struct, frozen=True, forbid_unknown_fields=True):
    mean: tuple[float, ...] = ()
    sd: tuple[_Deviation, ...] | None = None

    def __post_init__(self) -> None:
        _check_finite(*self.mean, *(self.sd or ()))
        if self.sd is not None and len(self.sd) != len(self.mean):
            raise ValueError(f"{len(self.mean)} means and {len(self.sd)} sds")


class _FileSets(Struct, frozen=True, forbid_unknown_fields=True):
    validation: _FileEpochs = _FileEpochs()
    test: _FileEpochs = _FileEpochs()


class _FileGroup(Struct, frozen=True, forbid_unknown_fields=True):
    group: Annotated[dict[str, str | int | float | bool | None], Meta(min_length=1)]
    validation: tuple[float, ...] | _FileSummary | None = None
    test: tuple[float, ...] | _FileSummary | None = None
    steps: tuple[float, ...] = ()
    epochs: _FileSets | UnsetType = UNSET

    def __post_init__(self) -> None:
        values = [own for own in (self.validation, self.test) if isinstance(own, tuple)]
        _check_finite(*self.steps, *chain(*values))
        if self.validation is None and self.test is None and self.epochs is UNSET:
            raise ValueError("no numbers; needed: test, validation or epochs")
        if self.steps and any(len(own) != len(self.steps) for own in values):
            raise ValueError(f"steps has {len(self.steps)} numbers, not as many as there are values")


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    source: Any
    metric: str
    groups: Annotated[tuple[_FileGroup, ...], Meta(min_length=1)]
    unit: Literal["per cent", "share"] = "share"
    sd: Literal["sample", "population", "not stated"] = "not stated"
    data: dict[str, str | int | float | bool | None] = {}  # msgspec copies it

    def __post_init__(self) -> None:
        for number, item in enumerate(self.groups):
            if item.group in [other.group for other in self.groups[:number]]:
                raise ValueError(f"groups[{number}].group is there twice")


@dataclass(frozen=True)
class PublishedGroup:
    """One group's published numbers, shares as shares of 1, by set.

    `values` are those of single seeds, empty where only a summary is published; `epochs` begin with the first.
    """

    group: Mapping[str, Value]
    sets: Mapping[str, Summary]
    values: Mapping[str, tuple[float, ...]]
    steps: tuple[int, ...]
    epochs: Mapping[str, tuple[Summary, ...]]


@dataclass(frozen=True)
class Reference:
    """A publication's numbers. `sd` says what kind its standard deviations are of; of values ours is the sample's.

    `data` are the settings that tell what data they were made on; empty where nothing says so.
    """

    file: str
    source: str
    metric: str
    sd: str
    groups: tuple[PublishedGroup, ...]
    data: Mapping[str, Value]


def read_reference(file: Path) -> Reference:
    """Read a reference file; raises WrongInput for one that is missing or malformed, naming the place in it."""
    import yaml  # PyYAML

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        found = convert(content, _File)
    except OSError as error:
        raise WrongInput(f"reference={file} cannot be read: {error.strerror}\ngive a YAML file") from error
    except UnicodeDecodeError as error:
        raise WrongInput(f"reference={file} is not UTF-8\ngive a YAML file") from error
    except yaml.YAMLError as error:
        line = getattr(error, "problem_mark", None)
        where = f", line {line.line + 1}" if line else ""
        raise WrongInput(f"reference={file}{where} is not YAML: {getattr(error, 'problem', error)}") from error
    except ValidationError as error:
        raise WrongInput(f"reference={file}: {_explained(str(error), content)}") from error
    both = zip(found.groups, content["groups"], strict=True)
    groups = tuple(_published(item, raw.get("epochs", ()), SCALES[found.unit]) for item, raw in both)
    return Reference(str(file), str(found.source), found.metric, found.sd, groups, found.data)


def _explained(said: str, content: Any) -> str:
    """Say in YAML's terms what msgspec says, with the value that stands at the place, and what may stand there."""
    problem, _, path = said.partition(" - at ")
    place = path.strip("`").rpartition("$")[2].removeprefix(".").removesuffix("[...]")
    for name, number in re.findall(r"(\w+)|\[(\d+)\]", place):
        content = content[name or int(number)]
    value = "" if isinstance(content, dict | list | None) else f"={content!s:.60}"
    problem = re.sub("[Oo]bject", "mapping", problem.replace("`", "").replace("array", "list"))
    known = re.sub(r"\[\d+\]", "[]", place)
    while known not in ALLOWED:
        known = re.sub(r"(\.\w+|\[\])$", "", known)
    return f"{place or 'the file'}{value}: {problem[0].lower()}{problem[1:]}\nallowed there: {ALLOWED[known]}"


def _published(item: _FileGroup, by_epoch: Iterable[str], scale: float) -> PublishedGroup:
    def summary(n: int, mean: float, sd: float | None) -> Summary:
        return Summary(n, mean * scale, None if sd is None else sd * scale)

    known = {split: own for split in SETS if (own := getattr(item, split)) is not None}
    values = {split: tuple(x * scale for x in own) for split, own in known.items() if isinstance(own, tuple)}
    given = {split: summary(own.n, own.mean, own.sd) for split, own in known.items() if isinstance(own, _FileSummary)}
    epochs = {
        split: tuple(summary(0, *both) for both in zip(own.mean, own.sd or repeat(None), strict=False))
        for split in by_epoch  # in the file's order
        if (own := getattr(item.epochs, split))
    }
    sets = given | {split: summarize(own) for split, own in values.items()}
    return PublishedGroup(item.group, sets, values, tuple(map(int, item.steps)), epochs)
