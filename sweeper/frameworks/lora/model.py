"""A causal language model under an adapter: its frozen base, random or pretrained, with PEFT's LoRA."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    PreTrainedConfig,
    PreTrainedModel,
    set_seed,
)
from transformers.pytorch_utils import Conv1D

from sweeper.checkpoints.architecture import transformers_config
from sweeper.checkpoints.checkpoint import CAUSAL_LMS
from sweeper.errors import WrongInput
from sweeper.frameworks import ALLOWED, inputs
from sweeper.frameworks.lora.checks import check_names
from sweeper.records.restore import restored
from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.trial.settings import LoraSettings, Precision, Quantization
from sweeper.trial.trial import Trial

BASE = "base.json"  # with an adapter: what its base is known by, where that is drawn anew each time
COMPUTED = {Precision.fp32: torch.float32, Precision.bf16: torch.bfloat16, Precision.fp16: torch.float16}
ADAPTER = "lora_"  # in the names of an adapter's parameters


def build(trial: Trial) -> PeftModel:
    """Return the trial's base, frozen, under a new adapter; what is random is drawn from the trial's seed."""
    set_seed(trial.seed)
    base = base_model(trial, inputs.tokenizer(trial))
    if trial.framework.lora.quantization is Quantization.nf4:
        base = quantised(base, trial.train.precision)
    return adapted(base, trial.framework.lora)


def base_model(trial: Trial, tokenizer: Tokenizer) -> PreTrainedModel:
    """Return the trial's base in float32: pretrained weights, or those that torch's random state draws next."""
    config = _base_config(trial, tokenizer)
    if not trial.model.pretrained:
        return AutoModelForCausalLM.from_config(config)
    directory = inputs.weights(trial)
    model, loaded = AutoModelForCausalLM.from_pretrained(
        directory, config=config, dtype=torch.float32, output_loading_info=True
    )
    if loaded["missing_keys"]:  # they would be random, and the trial no pretrained one
        raise WrongInput(f"model.path={directory} lacks {', '.join(sorted(loaded['missing_keys'])[:5])}")
    return model


def _base_config(trial: Trial, tokenizer: Tokenizer) -> PreTrainedConfig:
    if trial.arch.model_type in CAUSAL_LMS:
        return transformers_config(trial.arch, tokenizer)
    return AutoConfig.from_pretrained(trial.weights_path)


def quantised(base: PreTrainedModel, precision: Precision) -> PreTrainedModel:
    """Return a base with its linear layers in 4 bits, on the GPU (Dettmers et al. 2023: NF4, doubly quantised)."""
    settings = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=COMPUTED[precision],
    )
    with TemporaryDirectory() as place:  # the library quantises while it loads
        base.save_pretrained(place)
        loaded = AutoModelForCausalLM.from_pretrained(place, quantization_config=settings, device_map={"": 0})
    loaded.name_or_path = base.name_or_path
    return prepare_model_for_kbit_training(loaded, use_gradient_checkpointing=False)  # type: ignore[no-untyped-call]


def adapted(base: PreTrainedModel, settings: LoraSettings) -> PeftModel:
    """Freeze a base and add an adapter to its target modules. Raises WrongInput for modules that it lacks."""
    check_names(settings.target_modules, linear_layers(base), base.config.model_type)
    config = LoraConfig(
        r=settings.r,
        lora_alpha=settings.alpha,
        target_modules=list(settings.target_modules),
        lora_dropout=settings.dropout,
        bias=settings.bias.value,
        task_type=settings.task_type.value,
    )
    with _unwarned_of_checkpointing():
        return get_peft_model(base, config)


@contextmanager
def _unwarned_of_checkpointing() -> Iterator[None]:
    """Suppress a warning that is not for users: PEFT asks Transformers by a name that is going out of use."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
        yield


def linear_layers(base: PreTrainedModel) -> Iterator[str]:
    """Yield the names of the layers that can get an adapter; a head that is the embedding as well cannot."""
    embedding = base.get_input_embeddings().weight
    for name, module in base.named_modules():
        if isinstance(module, nn.Linear | Conv1D) and module.weight is not embedding:
            yield name


def unbuilt_layers(model: str) -> list[str]:
    """Return the names of `linear_layers` of the model that a directory's config.json describes, without its memory."""
    with torch.device("meta"):
        return list(linear_layers(AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(model))))


def export(directory: Path, destination: Path) -> None:
    """Write a trial's base with its best adapter merged into it, in float32, and the tokenizer.

    A random base is drawn again; raises WrongInput where that makes another one than the adapter was trained on.
    """
    trial, best = restored(directory, ALLOWED), directory / "best"
    tokenizer = load(best)
    with torch.random.fork_rng():
        set_seed(trial.seed)
        base = base_model(trial, tokenizer)
    _check_base(base, best)
    with _unwarned_of_checkpointing():
        model = PeftModel.from_pretrained(base, best)
    model.merge_and_unload().save_pretrained(destination)
    tokenizer.save(destination)


def base_facts(model: nn.Module) -> str:
    """Return what tells a base from others, as JSON: a digest of its parameters, whether under an adapter or not."""
    total = hashlib.sha256()
    for name, value in model.named_parameters():
        if ADAPTER not in name:
            total.update(value.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return json.dumps({"parameters": total.hexdigest()}) + "\n"


def base_files(trial: Trial, model: PeftModel, best: Path) -> dict[str, str]:
    """Return what an adapter's directory tells of its base: something of one that is made, nothing of a given one.

    Raises WrongInput where an earlier launch's adapter in `best` belongs to another base.
    """
    if trial.model.pretrained and trial.weights_path is not None:
        return {}
    _check_base(model, best)
    return {BASE: base_facts(model)}


def _check_base(model: nn.Module, best: Path) -> None:
    known = best / BASE
    if known.exists() and known.read_text(encoding="utf-8") != base_facts(model):
        raise WrongInput(
            f"{best} belongs to a random base that this machine does not draw again\n"
            "needed: the versions of torch and transformers, and the kind of machine, in trial.json"
        )
