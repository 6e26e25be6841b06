"""fairseq and Transformers, update by update: the same weights on the same batches give the same losses."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from sweeper.frameworks import inputs, load_framework
from sweeper.trial.trial import Trial
from tests.checkpoint_files import write_tokenizer
from tests.contracts.frameworks import make_trial
from tests.contracts.in_process import Silent
from tests.labelled_files import write_csv
from tests.needs_fairseq import needs_fairseq

pytestmark = [needs_fairseq, pytest.mark.usefixtures("one_thread")]

TOLERANCE = 1e-4  # largest relative difference of two frameworks' losses at any update


def in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let both frameworks take the examples as they stand, epoch after epoch."""
    from sweeper.frameworks import fine_tuning
    from sweeper.frameworks.fairseq import arguments as fairseq_arguments
    from sweeper.frameworks.fairseq import training as fairseq_training

    of_fairseq, of_hf = fairseq_arguments.arguments, fine_tuning.training_arguments

    def arguments(*args: Any) -> list[str]:
        return [*of_fairseq(*args), "--no-shuffle", "--curriculum", "99"]

    def training_arguments(*args: Any) -> Any:
        made = of_hf(*args)
        made.train_sampling_strategy = "sequential"
        return made

    monkeypatch.setattr(fairseq_training, "arguments", arguments)
    monkeypatch.setattr(fine_tuning, "training_arguments", training_arguments)


def losses(trial: Trial, directory: Path) -> list[float]:
    """The loss of every update."""
    report = Silent()
    directory.mkdir(parents=True)
    load_framework(trial).train(trial, directory, report)
    return report.of_updates


def largest_difference(some: list[float], others: list[float]) -> float:
    """Relative, of the losses at any update."""
    return max(abs(one - other) / abs(one) for one, other in zip(some, others, strict=True))


def pairs(directory: Path) -> list[str]:
    """Settings of another data set: pairs of texts, three classes, ids in another order than fairseq's, spare rows."""
    words = [f"mot{number}" for number in range(60)]
    pieces = ["<unk>", "<s>", "</s>", *words[:30], "<pad>", *words[30:], "<mask>"]
    tokenizer = write_tokenizer(directory / "tokenizer.json", {piece: number for number, piece in enumerate(pieces)})
    tokenizer_settings = json.loads(tokenizer.read_text()) | {"pre_tokenizer": {"type": "WhitespaceSplit"}}
    tokenizer.write_text(json.dumps(tokenizer_settings))
    generator = random.Random(0)
    texts = [[" ".join(generator.choices(words, k=generator.randint(1, 40))) for _ in range(2)] for _ in range(300)]
    labels = [f"class {words.index(first.split()[0]) % 3}" for first, _ in texts]
    write_csv(directory / "pairs.csv", dict(zip(("A", "B", "label"), [*zip(*texts, strict=True), labels], strict=True)))
    return [
        "data=files", f"data.path={directory / 'pairs.csv'}", "data.text=[A,B]", f"tokenizer.path={tokenizer}",
        "model=rd", "arch.encoder.vocabulary_size=80", "arch.encoder.token_types=2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [["model=rd"], ["model=pt"], ["model=rd", "arch.encoder.model_type=roberta-prelayernorm"], ["pairs"]],
    ids=["random", "pretrained", "pre-norm", "pairs in another order"],
)
def test_both_frameworks_train_alike(
    settings: list[str], outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the same weights on the same batches, without dropout; what does not train differs by more."""
    in_order(monkeypatch)
    settings = pairs(tmp_path) if settings == ["pairs"] else settings
    settings = [
        *settings, "data.limit=null", "train.epochs=3", "train.max_steps=60", "train.learning_rate=1e-3",
        "train.gradient_clip=0", "arch.encoder.dropout=0", "arch.encoder.attention_dropout=0",
        "framework.hf.match_fairseq=true",
    ]  # fmt: skip
    inputs.prepare(make_trial(outputs, *settings))
    expected = losses(make_trial(outputs, *settings, "framework=hf"), tmp_path / "hf")
    assert len(expected) == 60
    fairseq = losses(make_trial(outputs, *settings, "framework=fairseq"), tmp_path / "fairseq")
    difference = largest_difference(expected, fairseq)
    print(f"largest relative difference of 60 losses: {difference:.1e}")
    assert difference < TOLERANCE
    still = [*settings, "framework=fairseq", "train.learning_rate=1e-12", "train.weight_decay=0"]
    assert largest_difference(expected, losses(make_trial(outputs, *still), tmp_path / "still")) > TOLERANCE
