"""fairseq's model of a trial: built, given the weights that training starts from, and handed back to Transformers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sweeper.checkpoints.checkpoint import ENCODERS
from sweeper.checkpoints.fairseq_names import TOKEN_TYPES, fairseq_state, transformers_state
from sweeper.frameworks.classifier import build_classifier
from sweeper.frameworks.fairseq.arguments import arguments
from sweeper.frameworks.fairseq.binarised import order_of, rows_of
from sweeper.frameworks.fairseq.task import ReportingTask, configuration
from sweeper.trial.settings import Initialization
from sweeper.trial.trial import Trial

LANGUAGE_MODEL, CLASSIFIER = "encoder.lm_head.", "classification_heads."  # how fairseq starts the names of heads


def build(trial: Trial) -> nn.Module:
    """Return fairseq's classifier with the trial's first weights, and of its parts those that classifying uses."""
    config = configuration(arguments(trial, 1, Path(), Path()), trial.data_seed)
    return _without_dead_parts(initial_model(trial, config, build_classifier(trial)))


def initial_model(trial: Trial, config: Any, classifier: PreTrainedModel) -> nn.Module:
    """Return fairseq's classifier as training starts from it; `classifier` is the one of Transformers."""
    model = _random_model(config, rows_of(trial))
    state = fairseq_state(classifier.state_dict(), trial.arch.model_type, order_of(trial))
    if trial.framework.fairseq.initialization is Initialization.own:
        body = {name: tensor for name, tensor in state.items() if not name.startswith(CLASSIFIER)}
        state = body if trial.model.pretrained else {}
    model.load_state_dict(model.state_dict() | state)
    return model


def _random_model(config: Any, rows: int) -> nn.Module:
    """Return fairseq's classifier with its own random weights, as its command draws them for the configured seed."""
    from fairseq.data import Dictionary  # here: never before its mends
    from fairseq.utils import set_torch_seed

    dictionary = Dictionary()
    for number in range(rows - len(dictionary)):
        dictionary.add_symbol(f"madeupword{number:04d}")  # of a dictionary the model takes but the size
    set_torch_seed(config.common.seed)
    model: nn.Module = ReportingTask(config.task, dictionary, dictionary).build_model(config.model)
    return model


def _without_dead_parts(model: Any) -> nn.Module:
    # These are the language model's head, and copies of each layer's weights for a fast path that training closes.
    model.encoder.lm_head = None
    for layer in model.encoder.sentence_encoder.layers:
        layer.load_to_BT = False
        for name, _ in list(layer.named_parameters(recurse=False)):
            delattr(layer, name)
    kept: nn.Module = model
    return kept


def save_initial(model: nn.Module, file: Path) -> None:
    """Write weights as a checkpoint that fairseq can start from."""
    start = {"epoch": 1, "iterations_in_epoch": 0, "version": 2}
    history = {"optimizer_name": "", "lr_scheduler_state": {}, "num_updates": 0}
    torch.save(
        {"model": model.state_dict(), "optimizer_history": [history], "extra_state": {"train_iterator": start}}, file
    )


def load_into(classifier: PreTrainedModel, trial: Trial, state: Mapping[str, Tensor]) -> None:
    """Give a classifier of Transformers the weights of fairseq's state dict, and a token-type row of zeros."""
    used = {name: tensor for name, tensor in state.items() if not name.startswith(LANGUAGE_MODEL)}
    weights = transformers_state(used, trial.arch.model_type, order_of(trial))
    row = f"{ENCODERS[trial.arch.model_type]}{TOKEN_TYPES}"
    weights[row] = torch.zeros_like(classifier.state_dict()[row])  # of as many kinds as the architecture has
    classifier.load_state_dict(weights)
