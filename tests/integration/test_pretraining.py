from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification, RobertaConfig, set_seed

from sweeper.checkpoints.pretraining import (
    MaskedLMTrainer,
    Masking,
    pretrain_masked_lm,
    start_output_bias,
    training_arguments,
)
from sweeper.trial import PretrainingSettings

BOS, PAD, EOS, UNK, MASK = 0, 1, 2, 3, 25
WORDS = range(4, MASK)


def tiny() -> RobertaConfig:
    return RobertaConfig(
        vocab_size=MASK + 1,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=22,
        type_vocab_size=1,
        initializer_range=0.1,
        hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.2,
    )


def runs(count: int) -> list[list[int]]:
    """Each sequence counts up from a random word, so a hidden word follows from its neighbours."""
    draw = random.Random(0)
    starts = [draw.randrange(4, MASK - 12) for _ in range(count)]
    return [[BOS, *range(start, start + draw.randint(5, 12)), EOS] for start in starts]


def pretrain(destination: Path, seed: int = 0, updates: int = 5) -> list[tuple[int, int, float]]:
    told: list[tuple[int, int, float]] = []
    recipe = PretrainingSettings(updates=updates, batch_size=16, seed=seed)
    pretrain_masked_lm(tiny(), recipe, runs(200), MASK, PAD, 1, destination, lambda *progress: told.append(progress))
    return told


def weights(directory: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = AutoModelForMaskedLM.from_pretrained(directory).state_dict()
    return state


def test_the_same_call_gives_the_same_bits_and_another_seed_others(tmp_path: Path) -> None:
    pretrain(tmp_path / "one")
    torch.rand(7)  # what ran before in the process must not matter
    pretrain(tmp_path / "again")
    pretrain(tmp_path / "other", seed=1)
    one, again, other = (weights(tmp_path / name) for name in ("one", "again", "other"))
    assert all(torch.equal(one[name], again[name]) for name in one)
    embedding = "roberta.embeddings.word_embeddings.weight"
    assert not torch.equal(one[embedding], other[embedding])


def test_writes_a_transformers_directory_with_the_asked_dropouts_and_nothing_else(tmp_path: Path) -> None:
    pretrain(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    saved, asked = RobertaConfig.from_pretrained(tmp_path).to_dict(), tiny().to_dict()
    assert saved["hidden_dropout_prob"] == 0.1 and saved["attention_probs_dropout_prob"] == 0.2
    assert {key for key in asked if saved[key] != asked[key]} <= {"architectures", "dtype", "_name_or_path"}
    classifier = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    body = classifier.roberta.embeddings.word_embeddings.weight
    assert torch.equal(body, weights(tmp_path)["roberta.embeddings.word_embeddings.weight"])


def test_learns_what_follows_from_the_neighbours(tmp_path: Path) -> None:
    told = pretrain(tmp_path, updates=300)
    assert [step for step, _, _ in told] == list(range(10, 301, 10))
    assert {steps for _, steps, _ in told} == {300}
    # The frequencies alone leave an entropy of 2.8 nats a word.
    assert told[0][2] > 2.5
    assert told[-1][2] < 1.5


def test_the_loss_is_the_models_own(tmp_path: Path) -> None:
    set_seed(0)
    model = AutoModelForMaskedLM.from_config(tiny()).eval()
    batch = Masking(0.3, MASK, PAD)([{"input_ids": ids} for ids in runs(16)])
    trainer = MaskedLMTrainer(model=model, args=training_arguments(PretrainingSettings(), tmp_path))
    assert trainer.compute_loss(model, batch).item() == pytest.approx(model(**batch).loss.item(), rel=1e-5)
    assert trainer.compute_loss(model, batch | {"labels": torch.full_like(batch["labels"], -100)}).item() == 0


def test_embeddings_are_tied_and_the_bias_starts_at_the_log_of_frequency() -> None:
    model = AutoModelForMaskedLM.from_config(tiny())
    start_output_bias(model, [[BOS, 4, 4, 5, EOS], [BOS, 4, UNK, EOS]])
    head = model.get_output_embeddings()
    assert head.weight is model.get_input_embeddings().weight
    assert head.bias is model.lm_head.bias
    # 4 occurs three times, 5 and <unk> once, each of 26 ids once more.
    assert head.bias.exp()[[4, 5, UNK, 9]].tolist() == pytest.approx([4 / 31, 2 / 31, 2 / 31, 1 / 31])


def test_masking_hides_the_asked_share_of_words_and_never_a_special_token() -> None:
    set_seed(0)
    sequences = [[BOS, *([7] * length), UNK, EOS] for length in (40, 60) * 500]
    batch = Masking(0.2, MASK, PAD)([{"input_ids": ids} for ids in sequences])
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
