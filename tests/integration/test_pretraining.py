from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    BloomConfig,
    PreTrainedConfig,
    RobertaConfig,
    RobertaPreLayerNormConfig,
    set_seed,
)

from sweeper.frameworks.interruption import Interrupted
from sweeper.frameworks.language_model.objectives import LanguageModelTrainer, Masking, NextToken
from sweeper.frameworks.language_model.training import Numbered, Pretraining, pretrain, start, training_arguments
from sweeper.frameworks.metrics import prediction_metrics
from sweeper.frameworks.trainer import TrainerReporter
from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.tokens.tokenizer_training import train_tokenizer
from sweeper.trial.settings import Family, TokenizerKind, TrainSettings

BOS, PAD, EOS, UNK, MASK = 0, 1, 2, 3, 25
WORDS = range(4, MASK)
SHAPE = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.2, "intermediate_size": 32}
CONFIGS: dict[str, Callable[[], PreTrainedConfig]] = {
    "roberta": lambda: RobertaConfig(**encoder()),
    "roberta-prelayernorm": lambda: RobertaPreLayerNormConfig(**encoder()),
    "bloom": lambda: BloomConfig(
        vocab_size=MASK + 1, hidden_size=16, n_layer=2, n_head=2, initializer_range=0.1, hidden_dropout=0.1,
        bos_token_id=BOS, eos_token_id=EOS, pad_token_id=PAD,
    ),
}  # fmt: skip


def encoder() -> dict[str, object]:
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 22}
    return {"vocab_size": MASK + 1, "type_vocab_size": 1, "initializer_range": 0.1, **shape, **SHAPE}


def runs(count: int, seed: int = 0) -> list[list[int]]:
    """Each sequence counts up from a random word, so a hidden word follows from its neighbours."""
    draw = random.Random(seed)
    starts = [draw.randrange(4, MASK - 12) for _ in range(count)]
    return [[BOS, *range(start, start + draw.randint(5, 12)), EOS] for start in starts]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    words = " ".join(f"w{number:02}" for number in range(len(WORDS)))
    directory = tmp_path_factory.mktemp("tokenizer")
    return load(train_tokenizer(TokenizerKind.word, [words], None, directory))


@dataclass
class Told:
    """What a training reports; ends it, when wished, as a kill or a request to stop would."""

    die_at: int | None = None
    stop_at: int | None = None
    best: float = float("inf")
    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    measured: list[tuple[int, int, Mapping[str, float]]] = field(default_factory=list)

    def epoch(self, epoch: int, step: int, metrics: Mapping[str, float]) -> bool:
        self.measured.append((epoch, step, metrics))
        better = metrics["valid/loss"] < self.best
        self.best = min(self.best, metrics["valid/loss"])
        return better

    def progress(self, epoch: int, step: int, steps: int, loss: Callable[[], float]) -> None:
        self.steps.append(step)
        self.losses.append(loss())
        if step == self.die_at:
            raise KeyboardInterrupt

    def must_stop(self) -> bool:
        return self.steps[-1] == self.stop_at

    def predictions(self, *_: object) -> None:
        pass

    def model(self, *_: object) -> None:
        pass


def pretraining(tokenizer: Tokenizer, kind: str = "roberta", updates: int = 6, seed: int = 0) -> Pretraining:
    rows = [row for number in range(updates) for row in runs(16, number)]
    return Pretraining(
        Family.causal_lm if kind == "bloom" else Family.encoder,
        CONFIGS[kind](),
        TrainSettings(max_steps=updates, batch_size=16, learning_rate=5e-3, gradient_clip=1.0),
        mask_probability=0.3,
        seed=seed,
        tokenizer=tokenizer,
        token_counts=[1] * tokenizer.size,
        sequences=Numbered((rows,)),
        held_out=Numbered((runs(40, seed=99),)),
        evaluations=3,
    )


def state(directory: Path) -> dict[str, torch.Tensor]:
    kind = AutoModelForCausalLM if "bloom" in (directory / "config.json").read_text() else AutoModelForMaskedLM
    tensors: dict[str, torch.Tensor] = kind.from_pretrained(directory).state_dict()
    return tensors


def same(one: Path, other: Path) -> bool:
    first, second = state(one), state(other)
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("kind", CONFIGS)
def test_interrupted_anywhere_it_ends_with_the_same_bits(kind: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    whole, first, second, other = Told(), Told(die_at=3), Told(), Told()
    pretrain(pretraining(tokenizer, kind), tmp_path / "whole", whole)
    torch.rand(7)  # what ran before in the process must not matter
    with pytest.raises(KeyboardInterrupt):  # between two checkpoints, at updates 2 and 4
        pretrain(pretraining(tokenizer, kind), tmp_path / "broken", first)
    pretrain(pretraining(tokenizer, kind), tmp_path / "broken", second)
    pretrain(pretraining(tokenizer, kind, seed=1), tmp_path / "other", other)
    assert second.steps == [3, 4, 5, 6]
    assert first.measured + second.measured == whole.measured
    assert [step for _, step, _ in whole.measured] == [2, 4, 6]
    assert same(tmp_path / "whole" / "best", tmp_path / "broken" / "best")
    assert not same(tmp_path / "whole" / "best", tmp_path / "other" / "best")


def test_parts_of_a_batch_make_its_updates(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """Each predicted position counts, however many others its part has; what an encoder hides differs with the cut."""
    asked = pretraining(tokenizer, "bloom")
    reports: dict[int, Told] = {}
    for size in (16, 4):
        settings = replace(asked.settings, batch_size=size, gradient_accumulation=16 // size, eps=1, gradient_clip=0)
        # With a large eps Adam is not indifferent to the size of gradients.
        cut = replace(pretraining(tokenizer, "bloom"), settings=replace(settings, learning_rate=1))
        assert cut.updates == asked.updates
        pretrain(cut, tmp_path / str(size), reports.setdefault(size, Told()))
    whole, parts = reports[16], reports[4]
    assert parts.steps == whole.steps and parts.losses == pytest.approx(whole.losses, rel=1e-5)
    first, second = state(tmp_path / "16" / "best"), state(tmp_path / "4" / "best")
    assert whole.losses[0] - whole.losses[-1] > 0.01
    assert all(second[name].numpy() == pytest.approx(first[name].numpy(), abs=1e-5) for name in first)


@pytest.mark.parametrize("kind", CONFIGS)
def test_stopped_after_every_update_it_ends_with_the_same_bits(kind: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    whole, told = Told(), Told()
    pretrain(pretraining(tokenizer, kind), tmp_path / "whole", whole)
    for told.stop_at in range(1, 6):
        with pytest.raises(Interrupted, match=f"after update {told.stop_at};"):
            pretrain(pretraining(tokenizer, kind), tmp_path / "stopped", told)
        assert [path.name for path in (tmp_path / "stopped/checkpoint").iterdir()] == [f"checkpoint-{told.stop_at}"]
    told.stop_at = 6  # with which it is done
    pretrain(pretraining(tokenizer, kind), tmp_path / "stopped", told)
    assert told.steps == [1, 2, 3, 4, 5, 6]
    assert (told.losses, told.measured) == (whole.losses, whole.measured)
    assert same(tmp_path / "whole" / "best", tmp_path / "stopped" / "best")


def test_the_training_loss_is_the_mean_since_the_last_evaluation(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """Also at the end, where fewer updates are left than come between two evaluations."""
    told = Told()
    pretrain(pretraining(tokenizer, updates=8), tmp_path, told)
    assert [step for _, step, _ in told.measured] == [3, 6, 8]
    expected = [np.mean(told.losses[start:end]) for start, end in ((0, 3), (3, 6), (6, 8))]
    assert [metrics["train/loss"] for *_, metrics in told.measured] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", CONFIGS)
def test_learns_what_follows_from_the_neighbours(kind: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    told = Told()
    pretrain(pretraining(tokenizer, kind, updates=240), tmp_path, told)
    # The frequencies alone leave an entropy of 2.8 nats a word; a run's first word cannot be known.
    assert told.losses[0] > 2.5
    assert told.measured[-1][2]["valid/loss"] < 1.5


def test_writes_the_asked_dropouts_though_none_was_used(tokenizer: Tokenizer, tmp_path: Path) -> None:
    pretrain(pretraining(tokenizer), tmp_path, Told())
    saved, asked = RobertaConfig.from_pretrained(tmp_path / "best").to_dict(), CONFIGS["roberta"]().to_dict()
    assert saved["hidden_dropout_prob"] == 0.1 and saved["attention_probs_dropout_prob"] == 0.2
    assert {key for key in asked if saved[key] != asked[key]} <= {"architectures", "dtype", "_name_or_path"}
    assert load(tmp_path / "best").pieces == tokenizer.pieces
    model = start(pretraining(tokenizer))
    assert {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)} == {0.0}


def test_goes_on_from_given_weights(tokenizer: Tokenizer, tmp_path: Path) -> None:
    pretrain(pretraining(tokenizer), tmp_path, Told())
    further = start(replace(pretraining(tokenizer), weights=str(tmp_path / "best")))
    assert all(torch.equal(further.state_dict()[name], tensor) for name, tensor in state(tmp_path / "best").items())


@pytest.mark.parametrize("kind", CONFIGS)
def test_the_loss_is_the_models_own(kind: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    set_seed(0)
    asked = pretraining(tokenizer, kind)
    model = start(asked).eval()
    batch = examples(runs(16))
    trainer = LanguageModelTrainer(
        model=model,
        args=training_arguments(asked, tmp_path),
        eval_dataset={"valid": asked.held_out},
        reporter=TrainerReporter(tmp_path, Told(), tokenizer, ("valid",)),
    )
    if kind == "bloom":
        made = NextToken(PAD)(batch)
        ids = made["input_ids"]
        expected = model(ids, attention_mask=ids != PAD, labels=ids.masked_fill(ids == PAD, -100)).loss
    else:
        made = Masking(0.3, MASK, PAD, seed=0)(batch)
        expected = model(**made).loss
    assert trainer.compute_loss(model, made).item() == pytest.approx(expected.item(), rel=1e-5)
    nothing = {**made, "labels": torch.full_like(made["labels"], -100)}
    assert trainer.compute_loss(model, nothing).item() == 0
    # Over batches of unlike sizes the mean is that of all predicted positions, not of the batches.
    _, sums, counts = trainer.prediction_step(model, made)
    loss = expected.item()
    found = prediction_metrics(sums.numpy(), counts.numpy())
    assert found == pytest.approx({"loss": loss, "perplexity": float(np.exp(loss))}, rel=1e-5)


def examples(sequences: list[list[int]], start: int = 0) -> list[dict[str, object]]:
    return [{"input_ids": ids, "number": number} for number, ids in enumerate(sequences, start)]


def test_embeddings_are_tied_and_the_bias_starts_at_the_log_of_frequency(tokenizer: Tokenizer) -> None:
    counts = [0] * tokenizer.size
    counts[4], counts[5], counts[UNK] = 3, 1, 1
    head = start(replace(pretraining(tokenizer), token_counts=counts)).get_output_embeddings()
    model = start(pretraining(tokenizer))
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    # Each of 26 ids counts once more.
    assert head.bias.exp()[[4, 5, UNK, 9]].tolist() == pytest.approx([4 / 31, 2 / 31, 2 / 31, 1 / 31])


def test_masking_hides_the_asked_share_of_words_and_never_a_special_token() -> None:
    sequences = [[BOS, *([7] * length), UNK, EOS] for length in (40, 60) * 500]
    batch = Masking(0.2, MASK, PAD, seed=0)(examples(sequences))
    shown, labels = batch["input_ids"], batch["labels"]
    assert shown.shape == labels.shape == batch["attention_mask"].shape == (1000, 63)
    assert batch["attention_mask"].sum(1).tolist() == [len(ids) for ids in sequences]
    hidden = labels != -100
    assert (labels[hidden] == 7).all()
    assert hidden.sum().item() / 50_000 == pytest.approx(0.2, abs=0.01)
    fates = shown[hidden]
    assert (fates == MASK).float().mean().item() == pytest.approx(0.8, abs=0.02)
    # One word in 21 that is drawn at random is the word itself.
    assert (fates == 7).float().mean().item() == pytest.approx(0.1 + 0.1 / len(WORDS), abs=0.02)
    assert set(fates.tolist()) == {*WORDS, MASK}
    assert set(shown[~hidden].tolist()) == {BOS, PAD, EOS, UNK, 7}


def test_other_words_are_hidden_each_time_and_the_same_when_a_batch_is_made_anew() -> None:
    sequences = [[BOS, *([7] * 50), EOS]] * 4
    first, again, later = (Masking(0.3, MASK, PAD, 0)(examples(sequences, start)) for start in (0, 0, 4))
    assert torch.equal(first["input_ids"], again["input_ids"])
    assert not torch.equal(first["input_ids"], later["input_ids"])
    assert not torch.equal(first["input_ids"], Masking(0.3, MASK, PAD, 1)(examples(sequences))["input_ids"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available() or "CI" in os.environ, reason="needs a CUDA device")
def test_trains_on_a_gpu(tokenizer: Tokenizer, tmp_path: Path) -> None:
    told = Told()
    pretrain(replace(pretraining(tokenizer, updates=240), device="cuda"), tmp_path, told)
    assert told.measured[-1][2]["valid/loss"] < 1.5
