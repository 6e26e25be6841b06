"""What every framework that fine-tunes an encoder for classification begins with: the model, and how many updates."""

from __future__ import annotations

from transformers import AutoModelForSequenceClassification, PreTrainedModel, set_seed

from sweeper import inputs
from sweeper.checkpoints.architecture import transformers_config
from sweeper.trial import Trial
from sweeper.wrong_input import WrongInput

HEADS = ("classifier.", "score.")  # of a classifier; always random


def build_classifier(trial: Trial) -> PreTrainedModel:
    """Return a sequence classifier of the trial's shape: pretrained body or random, the head always random."""
    set_seed(trial.seed)
    tokenizer = inputs.tokenizer(trial)
    config = transformers_config(trial.arch, tokenizer, labels=trial.data.label_names())
    if trial.model.pretrained:
        model, loaded = AutoModelForSequenceClassification.from_pretrained(
            inputs.weights(trial), config=config, output_loading_info=True
        )
        missing = [name for name in loaded["missing_keys"] if not name.startswith(HEADS)]
        if missing:  # they would be random, and the trial no pretrained one
            raise WrongInput(f"model.path={inputs.weights(trial)} lacks {', '.join(missing[:5])}")
        return model
    return AutoModelForSequenceClassification.from_config(config)


def total_steps(trial: Trial, examples: int) -> int:
    """Updates of the whole training: the epochs' (a last, smaller batch counts), or max_steps when that is fewer."""
    steps = trial.train.epochs * -(-examples // trial.train.batch_size)
    return min(steps, trial.train.max_steps or steps)
