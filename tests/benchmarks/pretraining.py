"""What pretraining costs beside a plain masked-LM script on Transformers: python -m tests.benchmarks.pretraining FILE.

Both train the same encoder from random weights on the same packed sequences at the same batch, one thread, a process
each, in turns; FILE is a text file (.xz, .gz or plain). Printed are tokens per second, imports and start excluded.
"""

from __future__ import annotations

import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median

from tests.benchmarks.measure import Updates, print_table, said

ROUNDS, UPDATES, BATCH, LENGTH, THREADS = 3, 40, 32, 128, 1
VOCABULARY, TEXTS, MASKED = 8000, 20_000, 0.3
WARM = 10  # updates that are not counted
RATE = "tokens a second:"  # the Trainer prints things of its own


def main(file: str) -> None:
    """Measure both in turns and print the medians."""
    rates: dict[str, list[float]] = {"plain": [], "sweeper": []}
    with tempfile.TemporaryDirectory() as directory:
        said(__file__, "prepare", directory, file)
        for _ in range(ROUNDS):
            for kind, found in rates.items():
                found.append(float(said(__file__, kind, directory, file).partition(RATE)[2].split()[0]))
    plain = median(rates["plain"])
    rows = [
        [name, *(f"{rate:,.0f}" for rate in found), f"{median(found) / plain:.2f}"] for name, found in rates.items()
    ]
    print_table(["tokens a second", *(f"round {number + 1}" for number in range(ROUNDS)), "ratio"], rows)


def prepare(directory: Path, file: str) -> None:
    """Train a tokenizer and pack the text, as sweeper.pretrain does."""
    from sweeper.data.corpus import texts
    from sweeper.tokens.packed import pack
    from sweeper.tokens.tokenizer import load
    from sweeper.tokens.tokenizer_training import train_tokenizer
    from sweeper.trial.settings import TokenizerKind

    some = list(islice(texts([Path(file)]), TEXTS))
    train_tokenizer(TokenizerKind.unigram, some, VOCABULARY, directory)
    (directory / "packed").mkdir()
    pack(some, load(directory), 0.01, 0, directory / "packed")


class Clock:
    """Tells tokens per second from update WARM to the last."""

    def __init__(self) -> None:
        self.began = 0.0

    def update(self, step: int) -> None:
        """Note the time of an update."""
        if step == WARM:
            self.began = time.perf_counter()
        if step == UPDATES:
            print(RATE, (UPDATES - WARM) * BATCH * LENGTH / (time.perf_counter() - self.began))


def sweeper(directory: Path) -> None:
    """Train with Sweeper's objective and Trainer."""
    from sweeper.frameworks.language_model.training import Numbered, Pretraining, pretrain
    from sweeper.tokens.packed import PackedSequences, Shuffled, token_counts
    from sweeper.tokens.tokenizer import load
    from sweeper.trial.settings import Family, TrainSettings

    tokenizer = load(directory)
    packed = PackedSequences.open(directory / "packed", "train", LENGTH, tokenizer.bos, tokenizer.eos)
    settings = TrainSettings(max_steps=UPDATES, batch_size=BATCH, threads=THREADS)
    asked = Pretraining(
        Family.encoder,
        model_config(),
        settings,
        MASKED,
        0,
        tokenizer,
        token_counts(directory / "packed"),
        Numbered((Shuffled(packed, UPDATES * BATCH, 0),)),
    )
    pretrain(asked, directory / "run", Updates(Clock().update))


def plain(directory: Path) -> None:
    """Train as Transformers' own masked-LM example does."""
    import torch
    from transformers import (
        AutoModelForMaskedLM,
        AutoTokenizer,
        DataCollatorForLanguageModeling,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    from sweeper.tokens.packed import PackedSequences

    clock = Clock()

    class Timer(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: object, state: object, control: object, **_: object) -> None:
            clock.update(state.global_step)  # type: ignore[attr-defined]

    torch.set_num_threads(THREADS)
    packed = PackedSequences.open(directory / "packed", "train", LENGTH, 0, 2)
    rows = [{"input_ids": list(map(int, packed[number]))} for number in range(min(len(packed), UPDATES * BATCH))]
    collator = DataCollatorForLanguageModeling(AutoTokenizer.from_pretrained(directory), mlm_probability=MASKED)
    arguments = TrainingArguments(
        output_dir=str(directory / "plain"), max_steps=UPDATES, per_device_train_batch_size=BATCH, use_cpu=True,
        learning_rate=1e-3, save_strategy="no", report_to=[], disable_tqdm=True,
    )  # fmt: skip
    model = AutoModelForMaskedLM.from_config(model_config())
    Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collator, callbacks=[Timer()]).train()


def model_config() -> object:
    """The shape of arch=roberta_prenorm_small, without dropout in either."""
    from transformers import AutoConfig

    return AutoConfig.for_model(
        "roberta-prelayernorm", vocab_size=VOCABULARY, hidden_size=256, num_hidden_layers=4, num_attention_heads=4,
        intermediate_size=1024, max_position_embeddings=258, type_vocab_size=1, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) == 2:
        main(sys.argv[1])
    elif sys.argv[1] == "prepare":
        prepare(Path(sys.argv[2]), sys.argv[3])
    else:
        {"plain": plain, "sweeper": sweeper}[sys.argv[1]](Path(sys.argv[2]))
