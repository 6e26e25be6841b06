"""The door between Hydra and the rest: a composed config made into a Trial and a Study.

Below `to_trial` nobody sees a DictConfig.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sweeper import settings
from sweeper.checkpoints.checkpoint import PREFIXES, Checkpoint
from sweeper.checkpoints.hub import locate
from sweeper.checkpoints.identity import config_digest, data_digests, recipe_digest, weights_digest
from sweeper.checkpoints.of_model import NAME, path_of, setting_of_model
from sweeper.checkpoints.vocabulary import check_belongs, check_order, check_padding, check_vocabulary
from sweeper.checkpoints.weights import TRAINERS, check_weights
from sweeper.checks import check_arch, check_name, check_place, check_trial
from sweeper.data import DataSettings, DataSource
from sweeper.data.tokenizer import tokenizer_file
from sweeper.data.verbalisers import verbalisers
from sweeper.execute import load_framework
from sweeper.json_files import read_versioned
from sweeper.refusal import explain
from sweeper.schema import Config, thawed
from sweeper.settings import Family, check_ranges
from sweeper.study import FILE, Study
from sweeper.tracking.state import absolute, check_uri
from sweeper.trial import Trial, digest
from sweeper.wrong_input import WrongInput

CHOSEN = ("model", "framework", "arch", "task", "data", "tracking")  # groups of which a trial has one choice each
STUDY_WIDE = ("study", "outputs", "fresh", "plan", "tracking")
# For conf/arch/of_model.yaml, where what is set on the command line takes an interpolation's place.
OmegaConf.register_new_resolver("sweeper_of_model", setting_of_model, replace=True)


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
    return Study(name, directory, uri, {str(key): described[key] for key in described}, config.fresh, config.plan)


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
    checkpoint = chosen_checkpoint(values)
    if checkpoint is not None:
        if values.model.pretrained:
            check_weights(checkpoint, arch, values.framework.family)
        arch = replace(arch, vocabulary_size=arch.vocabulary_size or checkpoint.rows)
    tokenizer = replace(values.tokenizer, path=tokenizer_path(values.tokenizer, checkpoint, source))
    check_tokenizer(values, tokenizer, arch, checkpoint)
    trial = Trial(
        seed=values.seed,
        data_seed=values.data_seed,
        model=replace(values.model, path=None if checkpoint is None else str(checkpoint.directory)),
        framework=values.framework,
        arch=arch,
        task=values.task,
        data=source,
        tokenizer=tokenizer,
        train=values.train,
        device=device,
        digests=digests(values, source, tokenizer, arch, checkpoint),
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
        needed = "a model.path of that family" if choices["arch"] == NAME else f"an arch whose YAML has {family.value}:"
        others = [other for other in Family if getattr(values.arch, other.value).name]
        needed += f"; or framework={TRAINERS[others[0]]}" if others else ""
        raise WrongInput(
            f"framework={values.framework.name} needs an architecture of the family {family.value}, "
            f"which arch={choices['arch']} lacks\nallowed: {needed}"
        )
    if arch.model_type in PREFIXES:  # others are built as their config.json says
        check_arch(arch, family)
    return arch


def chosen_checkpoint(values: Config) -> Checkpoint | None:
    """Return what model.path names for the framework's family; None where weights and tokenizer come from elsewhere."""
    path = path_of(values.model.path, values.framework.family)
    return None if path is None else locate(path, weights=values.model.pretrained)


def tokenizer_path(
    tokenizer: settings.TokenizerSettings, checkpoint: Checkpoint | None, source: DataSource
) -> str | None:
    """Return where the tokenizer comes from: as told, else beside the weights, else beside the data; None: trained."""
    if tokenizer.path is not None:
        return str(tokenizer_file(Path(tokenizer.path)))
    if checkpoint is not None:
        if tokenizer.kind is not None:
            checkpoint.refuse(
                f" brings its tokenizer, and tokenizer.kind={tokenizer.kind} would train another one\n"
                "leave out tokenizer.kind, or model.path"
            )
        return str(tokenizer_file(checkpoint.directory))
    if tokenizer.kind is not None:
        return None
    beside = source.tokenizer_path()
    if beside is None and not source.words_are_tokens:
        raise WrongInput(
            "no tokenizer is given, and none lies beside the data or the weights\nset tokenizer.path=FILE, or"
            " tokenizer.kind=unigram tokenizer.vocabulary_size=8000 to train one on the training texts"
        )
    return None if beside is None else str(beside)


def check_tokenizer(
    values: Config, tokenizer: settings.TokenizerSettings, arch: settings.ArchSettings, checkpoint: Checkpoint | None
) -> None:
    """Raise WrongInput for a tokenizer that does not fit the model, as far as that is known before it is loaded."""
    family = values.framework.family
    if checkpoint is not None and values.model.pretrained:
        check_belongs(tokenizer, checkpoint)
        check_order(tokenizer, checkpoint)
        if family is Family.encoder:
            check_padding(tokenizer, checkpoint)
    pretrains = values.task.is_language_modelling or (values.model.pretrained and checkpoint is None)
    check_vocabulary(tokenizer, arch.vocabulary_size, pretrains and family is Family.encoder, family)


def digests(
    values: Config,
    source: DataSource,
    tokenizer: settings.TokenizerSettings,
    arch: settings.ArchSettings,
    checkpoint: Checkpoint | None,
) -> dict[str, str]:
    """Name the content of a trial's data, tokenizer and pretrained weights."""
    answers = prompted_answers(values, source)
    named = data_digests(source, tokenizer, answers)
    if answers:
        named["verbalisers"] = digest(answers)
    if checkpoint is not None and arch.model_type not in PREFIXES:
        named["config"] = config_digest(checkpoint)
    if values.model.pretrained:
        named["weights"] = (
            recipe_digest(arch, named["data"], named["tokenizer"], values.train.threads)
            if checkpoint is None
            else weights_digest(checkpoint)
        )
    return named


def prompted_answers(values: Config, source: DataSource) -> tuple[str, ...] | None:
    """Return the answers in the prompts that a causal model's tokenizer is made of; None where it reads no prompts."""
    if values.framework.family is not Family.causal_lm or values.task.is_language_modelling:
        return None
    return verbalisers(source) if values.task.name == source.task == "classification" else ()


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
