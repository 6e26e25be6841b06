"""What a classifier of Transformers can be made of, by config.json. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sweeper.checkpoints.checkpoint import ENCODERS, PREFIXES, Checkpoint
from sweeper.checkpoints.model_types import Role, known_type
from sweeper.errors import WrongInput
from sweeper.trial import Trial
from sweeper.trial.settings import Head

# What Transformers leaves out of config.json, since its classes have it by default.
UNNAMED = {0: "LABEL_0", 1: "LABEL_1"}


def check_classifies(trial: Trial) -> None:
    """Raise WrongInput for another task than classification, and for what config.json says of no classifier."""
    framework = trial.framework.name
    if trial.task.name != "classification":
        raise WrongInput(f"framework={framework} does not do task={trial.task.name}\nallowed: classification")
    if "config" in trial.digests:
        check_built_as_said(trial)
    elif trial.arch.model_type not in PREFIXES:
        raise WrongInput(
            f"framework={framework} does not build model_type={trial.arch.model_type} of arch={trial.arch.name}\n"
            f"allowed: {', '.join(PREFIXES)}; another model: arch=of_model model.path=DIR"
        )
    check_classifier(trial)


def check_built_as_said(trial: Trial) -> None:
    """Raise WrongInput for an encoder-decoder, and an architecture that is not what the model's config.json says."""
    assert trial.weights_path is not None
    arch, checkpoint = trial.arch, Checkpoint(trial.weights_path, Path(trial.weights_path))
    check_single_stack(trial, checkpoint.config.get("is_encoder_decoder") is True)
    if checkpoint.config.get("quantization_config"):
        raise WrongInput(
            f"model.path={trial.weights_path}: its weights are quantised (quantization_config in config.json)\n"
            "needed: the weights that they were made of; framework.lora.quantization=nf4 quantises them on a GPU"
        )
    said = checkpoint.settings()
    different = [name for name, value in said.items() if getattr(arch, name) != value]
    if different:
        setting = f"arch.{trial.framework.family}.{different[0]}"
        raise WrongInput(
            f"{setting}={getattr(arch, different[0])} is not what config.json of model.path={trial.weights_path} says,"
            f" {said[different[0]]}\na {arch.model_type} is built as it says: set arch=of_model and no {setting}"
        )


def check_classifier(trial: Trial) -> None:
    """Raise WrongInput for a model type without a classifier, and for a head to be kept that has other classes."""
    roles = known_type(trial.arch.model_type).roles
    if "config" in trial.digests and roles and Role.classifies not in roles:
        words = "; framework=lora framework.lora.classify=verbaliser answers in words" if Role.causal in roles else ""
        raise WrongInput(
            f"model.path={trial.weights_path}: Transformers has no classifier of model_type={trial.arch.model_type}\n"
            f"allowed: a model that AutoModelForSequenceClassification loads{words}"
        )
    if trial.weights_path is None:
        if trial.model.pretrained and trial.model.head is Head.keep:
            raise WrongInput(
                "model.head=keep needs weights with a trained head\nset model.path=DIR, or model.head=draw"
            )
        return
    directory = Path(trial.weights_path)
    if not (directory / "config.json").is_file():
        return  # fairseq's format, which is a RoBERTa's; its heads are not read
    if trial.model.pretrained and trial.model.head is Head.keep:
        found = Checkpoint(trial.weights_path, directory).config.get("id2label") or UNNAMED
        names = {int(number): name for number, name in found.items()} if isinstance(found, Mapping) else {}
        check_kept_names(trial.weights_path, names, trial.data.label_names())


def check_roberta(trial: Trial, wanted: str) -> None:
    """Raise WrongInput for a model of another kind than RoBERTa's, which fairseq has; `wanted` needs it."""
    if trial.arch.model_type not in ENCODERS:
        raise WrongInput(
            f"{wanted} does not do model_type={trial.arch.model_type} of arch={trial.arch.name}\n"
            f"allowed: {', '.join(ENCODERS)}\nfairseq has no other models; any: framework=hf"
        )


def check_single_stack(trial: Trial, is_encoder_decoder: bool) -> None:
    """Raise WrongInput for an encoder-decoder."""
    if is_encoder_decoder:
        raise WrongInput(
            f"model.path={trial.weights_path}: framework={trial.framework.name} does not do"
            f" model_type={trial.arch.model_type}, an encoder-decoder, which is made to generate text\n"
            "allowed: encoders and causal language models"
        )


def check_kept_names(model: str, kept: Mapping[int, str], names: Sequence[str]) -> None:
    """Raise WrongInput where the classes of a head that is to be kept are not those of the data, in their order."""
    own = [kept[number] for number in sorted(kept)]
    if own != list(names):
        raise WrongInput(
            f"model.head=keep: the head of model.path={model} is for {', '.join(map(str, own)) or 'no classes'}\n"
            f"the data has {', '.join(names)}\nneeded: the same names in the same order; or set model.head=draw"
        )
