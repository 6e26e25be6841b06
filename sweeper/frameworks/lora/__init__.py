"""framework=lora: a causal language model under PEFT's LoRA, trained with Transformers' Trainer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.checkpoints.checkpoint import CAUSAL_LMS, ENCODERS, Checkpoint
from sweeper.data.verbalisers import verbalisers
from sweeper.errors import WrongInput
from sweeper.frameworks import ALLOWED, check_precision
from sweeper.frameworks.lora.targets import check_names, known_layers
from sweeper.frameworks.reporter import Report
from sweeper.records.files import write_json
from sweeper.records.restore import restored
from sweeper.tokens.prompts import PROMPTS, SHORTEST_PROMPT, answer_ids, check_pieces, prompt_text, question_room
from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.trial.settings import Family, Quantization
from sweeper.trial.trial import Trial

if TYPE_CHECKING:
    from torch import nn


TASKS = ("classification", "qa")


class Lora:
    """The adapter; what needs torch is in `lora_model` and `lora_training`."""

    def check(self, trial: Trial) -> None:
        """Raise WrongInput for what cannot be adapted, or not on the trial's device."""
        check_precision(trial)
        if trial.task.name not in TASKS:
            raise WrongInput(f"framework=lora does not do task={trial.task.name}\nallowed: {', '.join(TASKS)}")
        if trial.framework.family is not Family.causal_lm:
            raise WrongInput(
                f"framework=lora adapts causal language models, not framework.family={trial.framework.family}\n"
                "allowed: framework.family=causal_lm; encoders: framework=hf"
            )
        check_quantization(trial)
        check_model(trial)
        check_names(trial.framework.lora.target_modules, layers(trial), trial.arch.model_type)
        check_prompts(trial)

    def build(self, trial: Trial) -> nn.Module:
        """Return the base under its adapter, random weights drawn from the trial's seed."""
        from sweeper.frameworks.lora.model import build

        model: nn.Module = build(trial)
        return model

    def train(self, trial: Trial, directory: Path, report: Report) -> None:
        """Train the adapter with the Trainer; see `Framework.train`."""
        if trial.task.name == "qa":
            from sweeper.frameworks.lora.questions import train
        else:
            from sweeper.frameworks.lora.classification import train
        train(trial, directory, report)

    def export(self, directory: Path, destination: Path) -> None:
        """Write the base with the best adapter merged into it, and how it is asked."""
        from sweeper.frameworks.lora.model import export

        export(directory, destination)
        write_json(destination / PROMPTS, prompting(restored(directory, ALLOWED)))


def prompting(trial: Trial) -> dict[str, Any]:
    """Return how a trial's model is asked: the prompt, and of a classifier each class's answer and what decides."""
    asked = {"prompt": prompt_text("{question}"), "answer": " {answer}", "begins": "<s>", "ends": "</s>"}
    if trial.task.name == "qa":
        return asked
    answers = dict(zip(trial.data.label_names(), verbalisers(trial.data), strict=True))
    mean = ", over its number of ids" if trial.framework.lora.length_normalised else ""
    return asked | {"classes": answers, "class": f"the greatest log-likelihood of answer and end{mean}"}


def check_model(trial: Trial) -> None:
    """Raise WrongInput for an encoder, and for a model of another kind than BLOOM but as its config.json says."""
    arch, setting = trial.arch, "arch.causal_lm"
    if arch.model_type in CAUSAL_LMS:
        return
    if arch.model_type in ENCODERS or trial.weights_path is None:
        raise WrongInput(
            f"framework=lora does not build model_type={arch.model_type} of arch={arch.name}\n"
            f"allowed: {', '.join(CAUSAL_LMS)}; another causal language model: arch=of_model model.path=DIR;"
            " encoders: framework=hf"
        )
    said = Checkpoint(trial.weights_path, Path(trial.weights_path)).settings()
    different = [name for name, value in said.items() if getattr(arch, name) != value]
    if different:
        raise WrongInput(
            f"{setting}.{different[0]}={getattr(arch, different[0])} is not what config.json of"
            f" model.path={trial.weights_path} says, {said[different[0]]}\n"
            f"a {arch.model_type} is built as it says: set arch=of_model and no {setting}.{different[0]}"
        )


def layers(trial: Trial) -> Sequence[str]:
    """Return the names of the base's linear layers. Imports torch for a model of which there is only a config.json."""
    names = known_layers(trial.arch, trial.weights_path)
    if names is not None:
        return names
    assert trial.weights_path is not None, "check_model wants a directory for all but BLOOM"
    return layers_by_config(trial.weights_path, (Path(trial.weights_path) / "config.json").stat().st_mtime_ns)


@cache
def layers_by_config(model: str, _modified_ns: int) -> Sequence[str]:
    """Return the names of a model's linear layers, by its config.json; read once for all trials."""
    from sweeper.frameworks.lora.model import unbuilt_layers

    found: Sequence[str] = unbuilt_layers(model)
    return found


def check_quantization(trial: Trial) -> None:
    """Raise WrongInput where a base in 4 bits is wanted and this machine cannot hold one."""
    if trial.framework.lora.quantization is not Quantization.nf4:
        return
    if trial.device != "cuda":
        raise WrongInput("framework.lora.quantization=nf4 needs a CUDA device\nallowed here: null")
    if find_spec("bitsandbytes") is None:
        raise WrongInput(
            "framework.lora.quantization=nf4 needs bitsandbytes, which is not installed\n"
            "install it: pip install 'bitsandbytes>=0.49,<0.51'; or leave it null"
        )


def check_prompts(trial: Trial) -> None:
    """Raise WrongInput for a length that has no room for a prompt, and for verbalisers that tell no class.

    What a tokenizer makes of them is looked at where it is given; where it is trained it knows their words.
    """
    if trial.train.max_length < SHORTEST_PROMPT:
        raise WrongInput(
            f"train.max_length={trial.train.max_length} has no room for a prompt and its answer\n"
            f"allowed: {SHORTEST_PROMPT} or more"
        )
    given = trial.tokenizer
    if given.path is not None and given.vocabulary_size is None and "verbalisers" in trial.digests:
        tokenizer = given_tokenizer(Path(given.path), Path(given.path).stat().st_mtime_ns)
        check_pieces(tokenizer, trial.data)
        longest = max(map(len, answer_ids(tokenizer, verbalisers(trial.data))))
        question_room(tokenizer, longest, trial.train.max_length)


@cache
def given_tokenizer(file: Path, _modified_ns: int) -> Tokenizer:
    """Return a tokenizer of the user's, in the state that the time of change stands for; read once for all trials."""
    return load(file)
