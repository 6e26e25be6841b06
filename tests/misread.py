"""Trials that version 0.1.0 measured otherwise, and twins that it did not: commands, and inputs of constant numbers.

The files are written byte by byte, so that they have the same digests on every machine. Records that version 0.1.0's
own code wrote of them lie in tests/data/version_0_1_0/misread, a study a case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from tests.checkpoint_files import BLOOM, BLOOM_PIECES, CONFIG, PIECES, bloom_tensors, tensors, write_tokenizer

REVIEWS = "text,label\n" + "".join(
    f"un livre {'bon' if number % 2 else 'ennuyeux'} {number},{number % 2}\n" for number in range(40)
)
BYTES = {"F32": 4, "F16": 2, "BF16": 2}
HEAD = {
    "classifier.dense.weight": (64, 64),
    "classifier.dense.bias": (64,),
    "classifier.out_proj.weight": (2, 64),
    "classifier.out_proj.bias": (2,),
}
SENTENCEPIECE = {"<unk>": 2, "<s>": 3, "</s>": 3, "▁bien": 1, "▁mal": 1}  # piece -> its type
ON_REVIEWS = ("data=files", "data.path=reviews.csv", "train.max_length=32", "train.learning_rate=1e-3", "arch=of_model")
ON_NOVEL = ("corpus=novel.txt", "out=made", "train.max_steps=20", "train.max_length=32", "arch=of_model")

VERBALISERS = "data.verbalisers={0:bien,1:mal}"


@dataclass(frozen=True)
class Case:
    """A command's arguments, and the mends that its trial has; none: version 0.1.0 measured it as it is measured now.

    `name`: of the command's primary configuration.
    """

    arguments: tuple[str, ...]
    mends: tuple[str, ...] = ()
    name: str = "config"


def fine_tuning(weights: str, *mends: str, model: str = "pt", framework: str = "hf") -> Case:
    """A case of one framework on the weights of a directory."""
    return Case((f"framework={framework}", f"model={model}", f"model.path={weights}", *ON_REVIEWS), mends)


def pretraining(weights: str, *mends: str) -> Case:
    """A case of pretraining that goes on from the weights of a directory."""
    return Case(("model=pt", f"model.path={weights}", *ON_NOVEL), mends, "pretrain")


CASES = {
    "camembert": fine_tuning("camembert", "reading"),
    "camembert_rd": fine_tuning("camembert", "reading", model="rd"),
    "camembert_fairseq": fine_tuning("camembert", "reading", framework="fairseq"),
    "fp16": fine_tuning("fp16", "precision"),
    "bf16": fine_tuning("bf16", "precision"),
    "fp16_fairseq": fine_tuning("fp16", "precision", framework="fairseq"),
    "fp16_pretraining": pretraining("fp16", "precision"),
    "head": fine_tuning("head", "head"),
    "head_fairseq": fine_tuning("head", "head", framework="fairseq"),
    "head_fp16": fine_tuning("head_fp16", "head", "precision"),
    # Twins, each without the condition.
    "xlm_roberta": fine_tuning("xlm_roberta"),
    "xlm_roberta_rd": fine_tuning("xlm_roberta", model="rd"),
    "camembert_json": fine_tuning("camembert_json"),
    "fp32": fine_tuning("fp32"),
    "fp32_fairseq": fine_tuning("fp32", framework="fairseq"),
    "fp32_pretraining": pretraining("fp32"),
    "fp16_rd": fine_tuning("fp16", model="rd"),
    "head_rd": fine_tuning("head", model="rd"),
    "head_pretraining": pretraining("head"),
    "fp16_lora": Case(("framework=lora", "model=pt", "model.path=bloom", *ON_REVIEWS, VERBALISERS)),
}


def write_inputs(directory: Path) -> None:
    """Write what the commands of all cases read."""
    (directory / "reviews.csv").write_text(REVIEWS, encoding="utf-8")
    (directory / "novel.txt").write_text("Un jour, un livre.\n" * 50, encoding="utf-8")
    for number_format in BYTES:
        write_roberta(directory / number_format.lower().replace("f", "fp", 1).replace("bfp", "bf"), number_format)
    write_roberta(directory / "head", "F32", HEAD)
    write_roberta(directory / "head_fp16", "F16", HEAD)
    write_roberta(directory / "camembert_json", "F32", model_type="camembert")
    for name in ("camembert", "xlm_roberta"):
        made = write_roberta(directory / name, "F32", model_type=name.replace("_", "-"))
        (made / "tokenizer.json").unlink()
        (made / "sentencepiece.bpe.model").write_bytes(sentencepiece_model())
    shapes = {name: numbers.shape for name, numbers in bloom_tensors().items()}
    bloom = write_model(directory / "bloom", BLOOM, shapes, "F16", BLOOM_PIECES)
    tokenizer = json.loads((bloom / "tokenizer.json").read_text())
    (bloom / "tokenizer.json").write_text(json.dumps(tokenizer | {"pre_tokenizer": {"type": "Whitespace"}}))


def write_roberta(
    directory: Path, number_format: str, head: Mapping[str, tuple[int, ...]] | None = None, **changes: object
) -> Path:
    """Write a model of RoBERTa's kind, its classification head with it where one is given."""
    shapes = {name: numbers.shape for name, numbers in tensors().items()} | dict(head or {})
    return write_model(directory, {**CONFIG, **changes}, shapes, number_format, PIECES)


def write_model(
    directory: Path,
    config: Mapping[str, object],
    shapes: Mapping[str, tuple[int, ...]],
    number_format: str,
    pieces: Mapping[str, int],
) -> Path:
    """Write a checkpoint of zeros with its tokenizer."""
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps(config))
    write_tokenizer(directory / "tokenizer.json", pieces)
    header, end = {}, 0
    for name in sorted(shapes):
        start, end = end, end + prod(shapes[name]) * BYTES[number_format]
        header[name] = {"dtype": number_format, "shape": [*shapes[name]], "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (directory / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))
    return directory


def sentencepiece_model() -> bytes:
    """A unigram model of sentencepiece: its message of protocol buffers, pieces alone."""

    def piece(text: str, kind: int) -> bytes:
        written = text.encode()
        # 1: the piece, 2: its score (-1.0), 3: its type; the message's own field 1 repeats them.
        inner = b"\x0a" + bytes([len(written)]) + written + b"\x15\x00\x00\x80\xbf" + b"\x18" + bytes([kind])
        return b"\x0a" + bytes([len(inner)]) + inner

    return b"".join(piece(text, kind) for text, kind in SENTENCEPIECE.items())
