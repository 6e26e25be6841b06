"""Which files of a directory are train, validation and test: named so, in shards, in directories, or a class each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sweeper.data import EVALUATED
from sweeper.data.class_directories import class_directories
from sweeper.data.splits import SPLIT_NAMES
from sweeper.data.tables import EXTENSIONS, READERS, format_of, kind
from sweeper.errors import WrongInput

NO_EXAMPLES = (  # what stands beside tokenizers, models and data sets
    "tokenizer.json tokenizer_config.json special_tokens_map.json added_tokens.json vocab.json config.json"
    " generation_config.json dataset_info.json dataset_infos.json dataset_dict.json state.json study.json"
).split()
# train-00000-of-00002.parquet, as the datasets library writes them
SHARD = re.compile(r"-(?P<number>[0-9]{5})-of-(?P<total>[0-9]{5})")


def split_files(directory: Path) -> dict[str, list[Path]]:
    """Return each split's files in their order, or its one directory of classes. Raises WrongInput."""
    if _of_split(directory, "train"):
        return _splits(directory)
    parts = [path for path in sorted(directory.iterdir()) if path.is_dir() and _of_split(path, "train")]
    if len(parts) == 1:
        return _splits(parts[0])
    if parts:
        named = ", ".join(path.name for path in parts)
        raise WrongInput(
            f"data.path={directory} holds several data sets: {named}\nset data.path={parts[0]}, or another of them"
        )
    if class_directories(directory):
        return {"train": [directory]}
    if file := only_file(directory):
        return {"train": [file]}
    others = "; ".join(" or ".join(SPLIT_NAMES[split]) for split in EVALUATED)
    raise WrongInput(
        f"data.path={directory} has no file of training examples\n"
        f"looked for: train; where there are, {others}; each with {', '.join(EXTENSIONS)}, or a directory of classes\n"
        "for one file that is split in three: data.path=FILE"
    )


def only_file(directory: Path) -> Path | None:
    """Return a directory's file of examples where there is one, whatever its name, and none that is called a split."""
    there = [file for file in sorted(directory.iterdir()) if file.is_file() and kind(file.name) in READERS]
    found = [file for file in there if file.name not in NO_EXAMPLES and not file.name.startswith(".")]
    return found[0] if len(found) == 1 and not _splits(directory) else None


def _splits(directory: Path) -> dict[str, list[Path]]:
    found = {split: _of_split(directory, split) for split in SPLIT_NAMES}
    return {split: files for split, files in found.items() if files}


def _of_split(directory: Path, split: str) -> list[Path]:
    """Return the files of a split, whose names may begin with a capital where none is written small."""
    return _named(directory, SPLIT_NAMES[split]) or _named(directory, [name.title() for name in SPLIT_NAMES[split]])


def _named(directory: Path, names: Sequence[str]) -> list[Path]:
    there = sorted(directory.iterdir())
    files = [file for file in there if file.is_file() and kind(file.name) in READERS]
    wanted = [(name, extension) for name in names for extension in EXTENSIONS]
    found = [
        [file]
        for name, extension in wanted
        for file in files
        if file.name.startswith(name) and file.name.removeprefix(name).lower() == extension
    ]
    for name in names:
        found += _shards(name, files)
        found += [_inside(path) for path in there if path.is_dir() and path.name == name]
    found = [parts for parts in found if parts]
    if len(found) > 1:
        listed = ", ".join(parts[0].relative_to(directory).as_posix() for parts in found)
        raise WrongInput(f"data.path={directory} has several files for one split: {listed}\nneeded: one of them")
    return found[0] if found else []


def _shards(name: str, files: Iterable[Path]) -> list[list[Path]]:
    """Return the shards of each whole file of that name in their order. Raises WrongInput where one is missing."""
    found: dict[tuple[int, str], dict[int, Path]] = {}
    for file in files:
        shard = SHARD.match(file.name.removeprefix(name)) if file.name.startswith(name) else None
        if shard:
            found.setdefault((int(shard["total"]), kind(file.name)), {})[int(shard["number"])] = file
    for (total, _), shards in found.items():
        if missing := sorted(set(range(total)) - shards.keys()):
            first = next(iter(shards.values()))
            raise WrongInput(
                f"{first}: of its {total} parts number {missing[0]:05d} is missing, {len(missing)} in all\n"
                "needed: all of them"
            )
    return [[shards[number] for number in sorted(shards)] for shards in found.values()]


def _inside(directory: Path) -> list[Path]:
    """Return what a split's own directory holds: itself where it has a directory for each class."""
    if class_directories(directory):
        return [directory]
    return sorted(file for file in directory.iterdir() if file.is_file() and kind(file.name) in READERS)


def only_formats(files: Mapping[str, list[Path]]) -> set[str]:
    """Return the extensions of all splits' files; "" is a directory of classes."""
    return {format_of(file) if file.is_file() else "" for parts in files.values() for file in parts}
