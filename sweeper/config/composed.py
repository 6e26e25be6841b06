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

from sweeper.checkpoints.weights import check_weights
from sweeper.config.checks import check_name, check_outputs, check_trial
from sweeper.config.hydra_errors import explain
from sweeper.config.schema import Config, writable
from sweeper.config.sources import (
    DEFAULT_ARCH,
    OF_MODEL,
    check_tokenizer,
    chosen_arch,
    chosen_checkpoint,
    chosen_framework,
    digests,
    fitting_arch,
    read_by_transformers,
    setting_of_model,
    tokenizer_path,
    transformers_tokenizer,
)
from sweeper.data import DataSettings, DataSource
from sweeper.errors import WrongInput
from sweeper.frameworks import has_head, load_adapter, load_framework
from sweeper.records.files import read_versioned
from sweeper.records.importing import loading
from sweeper.records.question import ASKED, question
from sweeper.records.study import FILE, Study
from sweeper.tokens.tokenizer_json import check_tokenizer_json
from sweeper.tracking.state import absolute, check_uri
from sweeper.trial.settings import ArchSettings, Family, check_ranges
from sweeper.trial.trial import Trial

CHOSEN = ("model", "framework", "arch", "task", "data", "tracking")  # groups of which a trial has one choice each
STUDY_WIDE = ("study", "outputs", "fresh", "accept_code", "predictions", "plan", "tracking", *ASKED)

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
    check_outputs(Path(config.outputs), directory)
    read_versioned(directory / FILE)  # refuses another version's
    uri = config.tracking.uri
    if uri is not None:
        check_uri(uri)
        uri = absolute(uri)
    described = OmegaConf.to_container(launcher, resolve=True)
    assert isinstance(described, dict)
    if config.fresh and config.accept_code:
        raise WrongInput("fresh=true trains anew what accept_code=true would keep\nallowed: one of them")
    known = {str(key): described[key] for key in described}
    typed = {key: config[key] for key in ASKED}
    asked = question({key: OmegaConf.to_object(own) if OmegaConf.is_config(own) else own for key, own in typed.items()})
    study = Study(name, directory, uri, known, config.fresh, config.plan, config.accept_code)
    return replace(study, question=asked, predictions=config.predictions)


def to_trial(
    config: DictConfig, choices: Mapping[str, str | None], device: str, *, arch_is_free: bool = False
) -> Trial:
    """Turn a composed config into a trial, its inputs found, checked and named by their content.

    `choices` are Hydra's runtime choices; where `arch_is_free`, the shape of model.path is taken if the default is
    another. Raises WrongInput for what cannot work.
    """
    for group in CHOSEN:
        if group not in choices:
            raise WrongInput(f"{group} must be one choice\nseveral: {group}=A,B with -m runs a trial for each")
    source = data_source(config.data, str(choices["data"]))
    values = to_values(config)
    check_ranges(values)
    check_ranges(source, "data.")
    source.check()
    checkpoint = chosen_checkpoint(values)
    values = replace(values, framework=chosen_framework(values, checkpoint))
    alone = checkpoint is not None and checkpoint.is_built_by_config and choices["arch"] == DEFAULT_ARCH
    if checkpoint is not None and (arch_is_free or alone) and fitting_arch(values, checkpoint, choices):
        shape = ArchSettings(name=OF_MODEL, **checkpoint.settings())
        values = replace(values, arch=replace(values.arch, **{values.framework.family.value: shape}))
        choices = {**choices, "arch": OF_MODEL}
    arch = chosen_arch(values, choices)
    if checkpoint is not None:
        if values.model.pretrained:
            check_weights(checkpoint, arch, values.framework.family)
        arch = replace(arch, vocabulary_size=arch.vocabulary_size or checkpoint.rows)
    causal = values.framework.family is Family.causal_lm
    head = (
        causal and values.task.name == "classification" and has_head(load_adapter(values.framework), values.framework)
    )
    by_transformers = read_by_transformers(values, checkpoint, head=head)
    if by_transformers and checkpoint is not None:
        tokenizer = replace(values.tokenizer, path=transformers_tokenizer(values.tokenizer, checkpoint))
    else:
        tokenizer = replace(values.tokenizer, path=tokenizer_path(values.tokenizer, checkpoint, source))
        check_tokenizer(values, tokenizer, arch, checkpoint)
    if tokenizer.path is not None:
        check_tokenizer_json(Path(tokenizer.path))
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
        digests=digests(values, source, tokenizer, arch, checkpoint, head=head, by_transformers=by_transformers),
        choices=_shown_choices(values, choices),
        cache=(Path(values.outputs) / "cache").absolute(),
    )
    check_trial(trial)
    load_framework(trial).check(trial)
    return trial


def to_values(config: DictConfig) -> Config:
    """Return a composed config's settings, the data's as they are. Raises WrongInput for unknown keys."""
    _check_keys(config, Config)  # Hydra lets `+KEY=VALUE` add any key
    values: dict[str, Any] = {}
    for item in fields(Config):
        if item.name not in config:
            raise WrongInput(f"{item.name} is taken away\nwithout ~{item.name} it has its default")
        value = config[item.name]
        values[item.name] = OmegaConf.to_object(value) if OmegaConf.is_config(value) else value
    return Config(**values)


def _check_keys(node: DictConfig, kind: type, prefix: str = "") -> None:
    known = [item.name for item in fields(kind)]
    for key in map(str, node):
        if key == "hydra" and not prefix:
            continue  # Hydra's own, which it checks itself
        if key not in known:
            raise WrongInput(f"{prefix}{key}: unknown key\nallowed there: {', '.join(known)}")
        child, child_kind = node._get_node(key), OmegaConf.get_type(node, key)
        if isinstance(child, DictConfig) and child_kind is not None and is_dataclass(child_kind):
            _check_keys(child, child_kind, f"{prefix}{key}.")


def data_source(node: Any, choice: str) -> DataSource:
    """Return the data set that a composed config's data names. Raises WrongInput where it names none."""
    target = node.get("_target_") if isinstance(node, DictConfig) else None
    if not isinstance(target, str):
        raise WrongInput(f"data={choice} names no class\nneeded in its YAML: _target_: module.Class")
    module, _, name = target.rpartition(".")
    with loading(f"data._target_={target}"):
        kind = getattr(import_module(module), name)
    if not (isinstance(kind, type) and issubclass(kind, DataSettings)):
        raise WrongInput(
            f"data._target_={target} is no data set\nneeded: a dataclass derived from sweeper.data.DataSettings"
        )
    given = OmegaConf.masked_copy(node, [key for key in node if key != "_target_"])
    try:
        merged = OmegaConf.merge(writable(OmegaConf.structured(kind)), given)
    except OmegaConfBaseException as error:
        raise WrongInput(explain(error, "data.")) from error
    source: DataSource = OmegaConf.to_object(merged)  # type: ignore[assignment]
    return source


def _shown_choices(values: Config, choices: Mapping[str, str | None]) -> dict[str, str | int]:
    return {
        "model": values.model.name,
        "framework": values.framework.name,
        "arch": str(choices["arch"]),
        "task": values.task.name,
        "data": str(choices["data"]),
        "seed": values.seed,
        "data_seed": values.data_seed,
    }
