"""Ids of trials, as version 0.1.0 gave them: who has records of it is not to train anything anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose
from hydra.core.hydra_config import HydraConfig

from sweeper.config.composed import to_trial
from sweeper.pretrain import without_destination
from tests.checkpoint_files import write_checkpoint
from tests.composed import trial

pytestmark = pytest.mark.usefixtures("composing")
REVIEWS = "text,label\n" + "".join(
    f"un livre {'bon' if number % 2 else 'ennuyeux'} {number},{number % 2}\n" for number in range(40)
)
PAIRS = "first,second,label\n" + "".join(f"un livre {number},bon {number % 3},{number % 2}\n" for number in range(40))
FILES = ("data=files", "data.path=reviews.csv")
TRAINED = ("tokenizer.kind=unigram", "tokenizer.vocabulary_size=60")


@pytest.fixture(autouse=True)
def _inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reviews.csv").write_text(REVIEWS, encoding="utf-8")
    Path("pairs.csv").write_text(PAIRS, encoding="utf-8")
    Path("novel.txt").write_text("Un jour, un livre.\n" * 50, encoding="utf-8")


@pytest.mark.parametrize(
    ("overrides", "id"),
    [
        (("model=pt", "framework=hf"), "44702a7d5e121e31"),
        (("model=rd", "framework=hf", "seed=3"), "4b1a4a53cdbe40e0"),
        (("model=pt", "framework=fairseq"), "f1193bb9d309d45e"),
        (("model=rd", "framework=fairseq", "framework.fairseq.initialization=own"), "a59837b4ba80aeb5"),
        (("model=pt", "framework=lora"), "e451b019a9e3c899"),
        (
            ("model=rd", "framework=lora", "framework.lora.r=4", "framework.lora.target_modules=[dense]"),
            "7868f82f43b40c95",
        ),
        (("task=qa", "data=qa_demo", "framework=lora", "model=pt"), "9531aa39016d232b"),
        (("model=rd", "framework.hf.match_fairseq=true", "train.precision=bf16", "data.limit=20"), "69eee0b8b6e579a5"),
        (("model=rd", "arch=roberta_small_fr", "train.max_length=128"), "ab33201ee1da44ae"),
        (("model=rd", "arch=bloom_560m", "framework=lora"), "53636e0df24ecec2"),
        (("model=rd", *FILES, *TRAINED), "885ca8aaf083ecd0"),
        (
            ("model=rd", *FILES, *TRAINED, "data.path=pairs.csv", "data.text=[first,second]", "data.test_share=0.3"),
            "3a38cbbd83f2e807",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_of_fine_tuning(overrides: tuple[str, ...], id: str) -> None:
    assert trial(*overrides).id[:16] == id


@pytest.mark.parametrize(
    ("overrides", "mended"),
    [
        (("data.limit=20",), "limit"),
        (("data.limit=40",), None),  # all there are
        (("data.limit=6", "data.path=balanced.csv"), None),  # the same examples as before
        (("data.train_limit=10",), None),
        (("data.limit=20", "framework=lora", "arch=bloom_tiny", "framework.family=causal_lm"), "limit"),
    ],
)
def test_a_limit_that_takes_other_examples_is_another_trial(overrides: tuple[str, ...], mended: str | None) -> None:
    rows = [f"un livre {number},{'rare' if number % 10 == 0 else 'often'}\n" for number in range(60)]
    Path("unbalanced.csv").write_text("text,label\n" + "".join(rows), encoding="utf-8")
    balanced = [f"un livre {number},{number % 2}\n" for number in range(100)]
    Path("balanced.csv").write_text("text,label\n" + "".join(balanced), encoding="utf-8")
    given = ("model=rd", "data=files", "data.path=unbalanced.csv", *TRAINED, *overrides)
    assert trial(*given).digests.get("mended") == mended


@pytest.mark.parametrize(
    "added",
    [
        "data.train_limit=null",
        "data.separator=comma",
        "data.quoting=double",
        "data.encoding=utf-8",
        "data.missing=drop",
        "data.classes=as_is",
    ],
)
def test_of_settings_that_change_no_row(added: str) -> None:
    assert trial("model=rd", *FILES, *TRAINED, added).id[:16] == "885ca8aaf083ecd0"


def test_of_clusters() -> None:
    """Neither the setting is part of it, nor the column."""
    header, *rows = REVIEWS.splitlines()
    by_authors = [f"{header},author", *(f"{row},{number % 7}" for number, row in enumerate(rows))]
    Path("authors.csv").write_text("\n".join(by_authors), encoding="utf-8")
    given = ("model=rd", "data=files", "data.path=authors.csv", *TRAINED)
    assert trial(*given).id[:16] == trial(*given, "data.cluster=author").id[:16] == "885ca8aaf083ecd0"


def test_of_fewer_training_examples() -> None:
    assert trial("model=rd", *FILES, *TRAINED, "data.train_limit=10").id[:16] != "885ca8aaf083ecd0"


def test_of_pretraining() -> None:
    given = ["corpus=novel.txt", "out=weights", "tokenizer.vocabulary_size=60", "train.max_steps=20"]
    config = compose("pretrain", given, return_hydra_config=True)
    HydraConfig.instance().set_config(config)
    found = to_trial(without_destination(config), config.hydra.runtime.choices, "cpu")
    assert found.id[:16] == "0a31303273c96a58"


@pytest.mark.parametrize(("model", "id"), [("pt", "aaa4364ab804a154"), ("rd", "59270287fff9f053")])
def test_of_given_weights(model: str, id: str, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "weights")
    of_weights = ("model.path=weights", "arch=of_model", "data=files", "data.path=reviews.csv", "train.max_length=32")
    assert trial(f"model={model}", *of_weights).id[:16] == id
