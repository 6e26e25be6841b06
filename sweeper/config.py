"""The door between Hydra and the rest: a composed config made into a Trial and a Study.

Below `to_trial` nobody sees a DictConfig.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sweeper import trial as settings
from sweeper.checkpoints.weights import check_weights, checkpoint_rows, weights_identity
from sweeper.checks import check_name, check_place, check_trial
from sweeper.data import DataSettings, DataSource
from sweeper.data.tokenizer import tokenizer_digest, tokenizer_file
from sweeper.execute import load_framework
from sweeper.record import read_versioned
from sweeper.refusal import explain
from sweeper.schema import Config, thawed
from sweeper.study import FILE, Study
from sweeper.tracking.state import absolute, check_uri
from sweeper.trial import Trial, WrongInput, check_ranges, digest, result_settings

CHOSEN = ("model", "framework", "arch", "task", "data", "tracking")  # groups of which a trial has one choice each
STUDY_WIDE = ("study", "outputs", "fresh", "tracking")


def study_of(configs: Sequence[DictConfig], choices: Sequence[Mapping[str, str | None]], launcher: DictConfig) -> Study:
    """Return the study that a command's configs belong to; named after all that it is of when no name is given."""
    config = configs[0]
    for key in STUDY_WIDE:
        if any(other[key] != config[key] for other in configs):
            raise WrongInput(
                f"{key} is for a whole command, not for a trial\nallowed: one value; or a command for each"
            )
    defaults = [str(choice.get("experiment") or choice["data"]) for choice in choices]
    name = config.study or "+".join(dict.fromkeys(defaults))
    check_name("study", name)
    if name == "cache":
        raise WrongInput("study=cache is where the cache lies\nallowed: any other plain name")
    directory = Path(config.outputs) / name
    check_place(Path(config.outputs), directory)
    read_versioned(directory / FILE)  # refuses another version's
    uri = config.tracking.uri
    if uri is not None:
        check_uri(uri)
        uri = absolute(uri)
    described = OmegaConf.to_container(launcher, resolve=True)
    assert isinstance(described, dict)
    return Study(name, directory, uri, {str(key): described[key] for key in described}, config.fresh)


def to_trial(config: DictConfig, choices: Mapping[str, str | None], device: str) -> Trial:
    """Turn a composed config into a trial, its inputs found, checked and named by their content.

    `choices` are Hydra's runtime choices. Raises WrongInput for what cannot work.
    """
    for group in CHOSEN:
        if group not in choices:
            raise WrongInput(f"{group} must be one choice\nseveral: {group}=A,B with -m runs a trial for each")
    source = data_source(config.data, str(choices["data"]))
    values = to_values(config)
    check_ranges(values)
    check_ranges(source, "data.")
    source.check()
    arch = chosen_arch(values, choices)
    path = own_path(values)
    if path is not None:
        check_weights(path, arch) if values.model.pretrained else None
        arch = replace(arch, vocabulary_size=arch.vocabulary_size or checkpoint_rows(path))
    tokenizer = replace(values.tokenizer, path=tokenizer_path(values.tokenizer, path, source))
    trial = Trial(
        seed=values.seed,
        data_seed=values.data_seed,
        model=replace(values.model, path=path),
        framework=values.framework,
        arch=arch,
        task=values.task,
        data=source,
        tokenizer=tokenizer,
        train=values.train,
        device=device,
        digests=digests(source, tokenizer, values.model, path, arch, values.train.threads),
        choices=shown_choices(values, choices),
        cache=(Path(values.outputs) / "cache").absolute(),
    )
    check_trial(trial)
    load_framework(trial).check(trial)
    return trial


def to_values(config: DictConfig) -> Config:
    """Return a composed config as frozen dataclasses; its `data` stays as it is."""
    check_keys(config, Config)
    values: dict[str, Any] = {}
    for item in fields(Config):
        if item.name not in config:
            raise WrongInput(f"{item.name} is taken away\nwithout ~{item.name} it has its default")
        value = config[item.name]
        values[item.name] = OmegaConf.to_object(value) if OmegaConf.is_config(value) else value
    return Config(**values)


def check_keys(node: DictConfig, kind: type, prefix: str = "") -> None:
    """Raise WrongInput for a key that the schema lacks: Hydra lets `+KEY=VALUE` add any."""
    known = [item.name for item in fields(kind)]
    for key in map(str, node):
        if key == "hydra" and not prefix:
            continue  # Hydra's own, which it checks itself
        if key not in known:
            raise WrongInput(f"{prefix}{key}: unknown key\nallowed there: {', '.join(known)}")
        child, child_kind = node._get_node(key), OmegaConf.get_type(node, key)
        if isinstance(child, DictConfig) and child_kind is not None and is_dataclass(child_kind):
            check_keys(child, child_kind, f"{prefix}{key}.")


def data_source(node: Any, choice: str) -> DataSource:
    """Return the data set that `data._target_` names, its settings checked against its class."""
    target = node.get("_target_") if isinstance(node, DictConfig) else None
    if not isinstance(target, str):
        raise WrongInput(f"data={choice} names no class\nneeded in its YAML: _target_: module.Class")
    module, _, name = target.rpartition(".")
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise WrongInput(f"data._target_={target} cannot be loaded: {error}") from error
    if not (isinstance(kind, type) and issubclass(kind, DataSettings)):
        raise WrongInput(
            f"data._target_={target} is no data set\nneeded: a dataclass derived from sweeper.data.DataSettings"
        )
    given = OmegaConf.masked_copy(node, [key for key in node if key != "_target_"])
    try:
        merged = OmegaConf.merge(thawed(OmegaConf.structured(kind)), given)
    except OmegaConfBaseException as error:
        raise WrongInput(f"data.{explain(error)}") from error
    source: DataSource = OmegaConf.to_object(merged)  # type: ignore[assignment]
    return source


def chosen_arch(values: Config, choices: Mapping[str, str | None]) -> settings.ArchSettings:
    """Return the architecture of the family that the framework trains."""
    family = values.framework.family
    arch: settings.ArchSettings = getattr(values.arch, family.value)
    if not arch.name:
        raise WrongInput(
            f"framework={values.framework.name} needs an architecture of the family {family.value}, "
            f"which arch={choices['arch']} lacks\nallowed: an arch whose YAML has {family.value}:"
        )
    if arch.width % arch.heads:
        raise WrongInput(f"arch.{family.value}: width={arch.width} cannot be shared by heads={arch.heads}")
    return arch


def own_path(values: Config) -> str | None:
    """Return model.path, for the framework's architecture family where there is one for each."""
    path = values.model.path
    family = values.framework.family.value
    if isinstance(path, dict):
        unknown = sorted(set(path) - {member.value for member in settings.Family})
        if unknown:
            raise WrongInput(f"model.path has the unknown family {unknown[0]!r}\nallowed: encoder, causal_lm")
        path = path.get(family)
    if path is not None and not isinstance(path, str):
        raise WrongInput(
            f"model.path={path!r} is no path\nallowed: DIR, a hub name, or {{encoder: DIR, causal_lm: DIR}}"
        )
    return path


def tokenizer_path(tokenizer: settings.TokenizerSettings, weights: str | None, source: DataSource) -> str | None:
    """Return where the tokenizer comes from: as told, else beside the weights, else beside the data; None: trained."""
    if tokenizer.path is not None:
        return str(tokenizer_file(Path(tokenizer.path)))
    if weights is not None:
        if not Path(weights).is_dir():
            raise WrongInput(
                f"model.path={weights} is no directory here, so its tokenizer is missing\nset tokenizer.path=FILE"
            )
        return str(tokenizer_file(Path(weights)))
    beside = source.tokenizer_path()
    if beside is None and not source.words_are_tokens:
        raise WrongInput("no tokenizer is given, and none lies beside the data or the weights\nset tokenizer.path=FILE")
    return None if beside is None else str(beside)


def digests(
    source: DataSource,
    tokenizer: settings.TokenizerSettings,
    model: settings.ModelSettings,
    path: str | None,
    arch: settings.ArchSettings,
    threads: int,
) -> dict[str, str]:
    """Name the content of a trial's data, tokenizer and pretrained weights."""
    data = source.digest()
    made_of: dict[str, str | int] = {"words_of": data}
    if tokenizer.path is not None:
        made_of = {"file": tokenizer_digest(Path(tokenizer.path))}
    if tokenizer.vocabulary_size is not None:
        counted = text_digest(Path(tokenizer.count_on)) if tokenizer.count_on else digest(result_settings(source))
        made_of |= {"size": tokenizer.vocabulary_size, "counted_on": counted, "data": data}
    named = {"data": data, "tokenizer": digest(made_of)}
    if model.pretrained:
        named["weights"] = weights_identity(path, arch, data, named["tokenizer"], threads)
    return named


def text_digest(file: Path) -> str:
    """Hexadecimal SHA-256 of a text file. Raises WrongInput when it cannot be read."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise WrongInput(f"tokenizer.count_on={file} cannot be read: {error.strerror}") from error


def shown_choices(values: Config, choices: Mapping[str, str | None]) -> dict[str, str | int]:
    """Return what a reader tells trials apart by."""
    return {
        "model": values.model.name,
        "framework": values.framework.name,
        "arch": str(choices["arch"]),
        "task": values.task.name,
        "data": str(choices["data"]),
        "seed": values.seed,
        "data_seed": values.data_seed,
    }
