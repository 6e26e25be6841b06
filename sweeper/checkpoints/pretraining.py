"""Pretraining: weights made from unlabelled text, by the library's own Trainer.

What differs from fine-tuning is the batch (`Masking`), the loss (`MaskedLMTrainer`) and how the output bias starts;
another objective brings its own three.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    AutoModelForMaskedLM,
    PreTrainedConfig,
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from sweeper.trial import PretrainingSettings

FIRST_WORD_ID = 4  # after <s>, <pad>, </s> and <unk>, which are never hidden
IGNORED = -100  # label of a position that is not to be predicted
DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob")
UPDATES_PER_REPORT = 10

OnProgress = Callable[[int, int, float], None]


def pretrain_masked_lm(
    model_config: PreTrainedConfig,
    recipe: PretrainingSettings,
    sequences: Sequence[Sequence[int]],
    mask_id: int,
    pad_id: int,
    threads: int,
    destination: Path,
    on_progress: OnProgress,
) -> None:
    """Train an encoder from random weights by masked language modelling; write a Transformers directory.

    `sequences` are token ids with <s> and </s>, `mask_id` the last id. `on_progress` is told the update, the number
    of updates and the mean loss in nats since it was last told. Sets the process's seeds and its number of threads;
    the same call gives the same weights to the last bit on one machine.
    """
    torch.set_num_threads(threads)
    set_seed(recipe.seed)
    # Each text is seen a few times only: dropout would slow learning and guard against nothing.
    config = copy.deepcopy(model_config)
    config.update(dict.fromkeys(DROPOUTS, 0.0))
    model = AutoModelForMaskedLM.from_config(config)
    start_output_bias(model, sequences)
    trainer = MaskedLMTrainer(
        model=model,
        args=training_arguments(recipe, destination),
        train_dataset=[{"input_ids": list(sequence)} for sequence in sequences],
        data_collator=Masking(recipe.mask_probability, mask_id, pad_id),
        callbacks=[ProgressCallback(on_progress)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    model.config = copy.deepcopy(model_config)  # the Trainer, too, changes what it is given
    model.save_pretrained(destination)


def start_output_bias(model: PreTrainedModel, sequences: Sequence[Sequence[int]]) -> None:
    """Set the head's bias to the log of token frequency (plus one), so that embeddings need not learn it."""
    ids = torch.tensor([token for sequence in sequences for token in sequence[1:-1]])
    counts = torch.bincount(ids, minlength=model.config.vocab_size) + 1.0
    with torch.no_grad():
        model.get_output_embeddings().bias.copy_((counts / counts.sum()).log())


def training_arguments(recipe: PretrainingSettings, directory: Path) -> TrainingArguments:
    """Translate the recipe; betas and schedule are RoBERTa's (Liu et al. 2019, appendix B)."""
    return TrainingArguments(
        output_dir=str(directory),
        max_steps=recipe.updates,
        per_device_train_batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        warmup_steps=math.ceil(recipe.warmup_ratio * recipe.updates),
        lr_scheduler_type="linear",
        adam_beta2=0.98,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.gradient_clip,
        seed=recipe.seed,
        # "group_by_length" goes from long texts to short ones again and again: on the demo the loss fell more
        # slowly, and with one seed of three the model had not learnt polarity at the end.
        train_sampling_strategy="random",
        remove_unused_columns=False,
        # Cached by content and shared: the weights must not depend on where they were made.
        use_cpu=True,
        dataloader_pin_memory=False,
        save_strategy="no",
        logging_steps=UPDATES_PER_REPORT,
        disable_tqdm=True,
        report_to="none",
    )


@dataclass(frozen=True)
class Masking:
    """Makes a padded batch and hides a share of its words, other ones each time.

    Of the hidden words 80 % become <mask>, 10 % a random word and 10 % stay (Devlin et al. 2019, section 3.1).
    """

    probability: float
    mask_id: int
    pad_id: int

    def __call__(self, examples: Sequence[dict[str, list[int]]]) -> dict[str, Tensor]:
        """Return input_ids, attention_mask and labels, each of shape (examples, longest sequence)."""
        rows = [torch.tensor(example["input_ids"]) for example in examples]
        ids = pad_sequence(rows, batch_first=True, padding_value=self.pad_id)
        hidden = (torch.rand(ids.shape) < self.probability) & (ids >= FIRST_WORD_ID)
        fate = torch.rand(ids.shape)
        random_words = torch.randint(FIRST_WORD_ID, self.mask_id, ids.shape)
        shown = ids.masked_fill(hidden & (fate < 0.8), self.mask_id)
        return {
            "input_ids": torch.where(hidden & (fate >= 0.9), random_words, shown),
            "attention_mask": (ids != self.pad_id).long(),
            "labels": ids.masked_fill(~hidden, IGNORED),
        }


class MaskedLMTrainer(Trainer):  # type: ignore[misc]
    """Trainer that predicts hidden words only."""

    def compute_loss(self, model: PreTrainedModel, inputs: dict[str, Tensor], *_: Any, **__: Any) -> Tensor:
        """Return the mean loss in nats over the hidden words.

        The head is as wide as the vocabulary and costs most of the time, so the other positions don't pass it.
        """
        states = model.base_model(inputs["input_ids"], attention_mask=inputs["attention_mask"]).last_hidden_state
        hidden = inputs["labels"] != IGNORED
        total = cross_entropy(model.lm_head(states[hidden]), inputs["labels"][hidden], reduction="sum")
        # A small batch may hide nothing.
        return total / hidden.sum().clamp(min=1)


class ProgressCallback(TrainerCallback):  # type: ignore[misc]
    """Passes the Trainer's log on."""

    def __init__(self, on_progress: OnProgress) -> None:
        self.on_progress = on_progress

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float],
        **_: Any,
    ) -> None:
        """Tell the loss; the closing summary has none."""
        if "loss" in logs:
            self.on_progress(state.global_step, state.max_steps, logs["loss"])
