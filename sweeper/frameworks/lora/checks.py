"""What LoRA can adapt: tasks, models, their linear layers and prompts, checked before anything starts.

Imports nothing heavy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from sweeper.checkpoints.checkpoint import CAUSAL_LMS, ENCODERS, PREFIXES
from sweeper.checkpoints.parameter_formula import ALL_LINEAR
from sweeper.checkpoints.weight_files import tensor_shapes, weight_files
from sweeper.data.verbalisers import verbalisers
from sweeper.errors import WrongInput
from sweeper.frameworks import check_precision
from sweeper.frameworks.classifier_checks import check_built_as_said, check_classifier
from sweeper.tokens.prompts import SHORTEST_PROMPT, answer_ids, check_pieces, question_room
from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.trial import Trial
from sweeper.trial.settings import ArchSettings, ClassifiedBy, Family, Quantization

TASKS = ("classification", "qa")
WEIGHT = ".weight"
# Embeddings, whose matrices a file does not tell from those of linear layers.
EMBEDDINGS = ("wte", "wpe", "lm_head", "embed_out", "word_embedding")
EMBEDDING = re.compile(r"embed_|.*embed(?:ding)?s$")


def check(trial: Trial) -> None:
    """Raise WrongInput for what cannot be adapted, or not on the trial's device."""
    check_precision(trial)
    if trial.task.name not in TASKS:
        raise WrongInput(f"framework=lora does not do task={trial.task.name}\nallowed: {', '.join(TASKS)}")
    _check_answers(trial)
    _check_quantization(trial)
    _check_model(trial)
    layers = known_layers(trial.arch, trial.weights_path)
    targets = trial.framework.lora.target_modules
    if layers is not None and targets is not None and targets != (ALL_LINEAR,):
        check_names(targets, layers, trial.arch.model_type)
    if has_head(trial):
        check_classifier(trial)
    else:
        _check_prompts(trial)


def has_head(trial: Trial) -> bool:
    """Whether the trial's model classifies by a head, not by answering in words."""
    chosen, encoder = trial.framework.lora.classify, trial.framework.family is Family.encoder
    by_default = ClassifiedBy.head if encoder else ClassifiedBy.verbaliser
    return trial.task.name == "classification" and (chosen or by_default) is ClassifiedBy.head


def _check_answers(trial: Trial) -> None:
    """Raise WrongInput for an encoder that is to answer in words."""
    if trial.framework.family is Family.encoder and not has_head(trial):
        wanted = "task=qa" if trial.task.name == "qa" else "framework.lora.classify=verbaliser"
        raise WrongInput(
            f"{wanted} needs a causal language model, and arch={trial.arch.name} is an encoder,"
            f" model_type={trial.arch.model_type}\nallowed: task=classification framework.lora.classify=head"
        )


def _check_model(trial: Trial) -> None:
    """Raise WrongInput for a model outside the kinds that settings describe but as its config.json says."""
    arch, encoder = trial.arch, trial.framework.family is Family.encoder
    kinds = ENCODERS if encoder else CAUSAL_LMS
    if arch.model_type in kinds:
        return
    if "config" not in trial.digests and (arch.model_type in PREFIXES or trial.weights_path is None):
        raise WrongInput(
            f"framework=lora does not build model_type={arch.model_type} of arch={arch.name}\n"
            f"allowed: {', '.join(kinds)}; another model: arch=of_model model.path=DIR"
            f"{'' if encoder else '; encoders: framework.family=encoder, or framework=hf'}"
        )
    check_built_as_said(trial)


def _check_quantization(trial: Trial) -> None:
    if trial.framework.lora.quantization is not Quantization.nf4:
        return
    if trial.device != "cuda":
        raise WrongInput("framework.lora.quantization=nf4 needs a CUDA device\nallowed here: null")
    if find_spec("bitsandbytes") is None:
        raise WrongInput(
            "framework.lora.quantization=nf4 needs bitsandbytes, which is not installed\n"
            "install it: pip install 'bitsandbytes>=0.49,<0.51'; or leave it null"
        )


def _check_prompts(trial: Trial) -> None:
    if trial.train.max_length < SHORTEST_PROMPT:
        raise WrongInput(
            f"train.max_length={trial.train.max_length} has no room for a prompt and its answer\n"
            f"allowed: {SHORTEST_PROMPT} or more"
        )
    # Only a given tokenizer can make nothing of the verbalisers: one that is trained knows their words.
    given = trial.tokenizer
    read_here = given.path is not None and given.vocabulary_size is None and "reading" not in trial.digests
    if read_here and given.path is not None and "verbalisers" in trial.digests:
        tokenizer = _given_tokenizer(Path(given.path), Path(given.path).stat().st_mtime_ns)
        check_pieces(tokenizer, trial.data)
        longest = max(map(len, answer_ids(tokenizer, verbalisers(trial.data))))
        question_room(tokenizer, longest, trial.train.max_length)


@cache  # once for all trials, as long as the file is not changed
def _given_tokenizer(file: Path, _modified_ns: int) -> Tokenizer:
    return load(file)


def known_layers(arch: ArchSettings, model: str | None) -> list[str] | None:
    """Return the names of a model's linear layers; None where it must be built to know them.

    `model` is its directory: of BLOOM the layers are known anyway, of other models where their weights are there too.
    """
    if arch.model_type == "bloom":
        return _bloom_layers(arch.layers)
    return matrices(Path(model)) if model is not None and weight_files(Path(model)) else None


def check_names(targets: Sequence[str], layers: Iterable[str], model_type: str) -> None:
    """Raise WrongInput for a target that is neither a layer's name nor, as PEFT takes it, the end of one."""
    names = list(layers)
    for target in targets:
        if not any(name == target or name.endswith(f".{target}") for name in names):
            ends = dict.fromkeys(name.rpartition(".")[2] for name in names)
            raise WrongInput(
                f"framework.lora.target_modules=[{','.join(targets)}]: model_type={model_type} has no layer {target}\n"
                f"allowed: {', '.join(ends)}"
            )


def _bloom_layers(layers: int) -> list[str]:
    """Return the names of BLOOM's linear layers, but the head, which is the embedding."""
    inner = ("self_attention.query_key_value", "self_attention.dense", "mlp.dense_h_to_4h", "mlp.dense_4h_to_h")
    return [f"transformer.h.{layer}.{name}" for layer in range(layers) for name in inner]


def matrices(directory: Path) -> list[str]:
    """Return the names of the modules whose weight in a checkpoint is a matrix, as far as these are no embeddings."""
    names = [
        name.removesuffix(WEIGHT)
        for name, shape in tensor_shapes(directory).items()
        if name.endswith(WEIGHT) and len(shape) == 2
    ]
    ends = {name: name.rpartition(".")[2] for name in names}
    return [name for name, end in ends.items() if end not in EMBEDDINGS and not EMBEDDING.match(end)]
