"""Tokenizers of every kind of file that checkpoints are published with, trained on the zoo's texts.

Each function writes files to a directory and returns the ids of the pieces.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sentencepiece
import transformers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import (
    AddedToken,
    ByteLevelBPETokenizer,
    Tokenizer,
    decoders,
    models,
    pre_tokenizers,
    processors,
    trainers,
)
from tokenizers.normalizers import BertNormalizer

from tests.zoo.texts import texts

Ids = dict[str, int]
UNIGRAM, BPE = 1, 2  # as a sentencepiece model says
ROBERTA = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def corpus() -> list[str]:
    return texts(400, seed=1)


def wordpieces(directory: Path, special: Sequence[str]) -> Ids:
    """vocab.txt, BERT's kind: the zoo's words and, for all others, their letters; a training breaks ties by chance."""
    normal = BertNormalizer(lowercase=True)
    words = {word for text in corpus() for word in normal.normalize_str(text).replace("!", " !").split()}
    letters = sorted({letter for word in words for letter in word})
    known = sorted(word for word in words if word.isalpha() and len(word) > 1)
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters), *known]
    (directory / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    return {piece: number for number, piece in enumerate(pieces)}


def byte_pairs(directory: Path, special: Sequence[str], last: Sequence[str] = ()) -> Ids:
    """vocab.json and merges.txt: GPT-2's kind; some special pieces may come after all others."""
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(corpus(), vocab_size=330, special_tokens=[*special], show_progress=False)
    trained.save_model(str(directory))
    ids = ids_of(trained)
    ids |= {piece: len(ids) + number for number, piece in enumerate(last)}
    (directory / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    return ids


def byte_pairs_in_one_file(
    directory: Path, special: Sequence[str], frame: tuple[str, str] | None = None, last: Sequence[str] = ()
) -> Ids:
    """tokenizer.json of byte pairs; `frame` is what one text and two are put into."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=[*special], initial_alphabet=alphabet, show_progress=False
    )
    trained.train_from_iterator(corpus(), trainer)
    trained.add_special_tokens([AddedToken(piece, special=True, normalized=False) for piece in last])
    if frame is not None:
        trained.post_processor = template(frame, ids_of(trained))
    trained.save(str(directory / "tokenizer.json"))
    return ids_of(trained)


def template(frame: tuple[str, str], ids: Ids) -> Any:
    named = {word.partition(":")[0] for word in " ".join(frame).split()}
    return processors.TemplateProcessing(
        single=frame[0], pair=frame[1], special_tokens=[(piece, ids[piece]) for piece in sorted(named & {*ids})]
    )


def sentencepieces(directory: Path, name: str, kind: int = UNIGRAM, vocab_size: int = 90, **settings: Any) -> Any:
    """A sentencepiece model; returns it as sentencepiece's own message."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()),
        model_writer=written,
        model_type="unigram" if kind == UNIGRAM else "bpe",
        vocab_size=vocab_size,
        hard_vocab_limit=False,
        character_coverage=1.0,
        minloglevel=2,
        num_threads=1,
        **settings,
    )
    (directory / name).write_bytes(written.getvalue())
    return sentencepiece_model_pb2.ModelProto.FromString(written.getvalue())


def unigram_json(directory: Path, model: Any, tokenizer: str, pieces: Sequence[tuple[str, float]]) -> Ids:
    """tokenizer.json of a sentencepiece model, as Transformers' own class for the type makes it."""
    kind = getattr(transformers, tokenizer)
    charsmap = model.normalizer_spec.precompiled_charsmap or None
    made = kind(vocab=[*pieces], _spm_precompiled_charsmap=charsmap)
    made.backend_tokenizer.save(str(directory / "tokenizer.json"))
    return ids_of(made.backend_tokenizer)


def bpe_json(directory: Path, model: Any, tokenizer: str, frame: tuple[str, str]) -> Ids:
    """The same of a sentencepiece model of byte pairs, whose merges have to be found."""
    ids = {piece.piece: number for number, piece in enumerate(model.pieces)}
    ranks = {piece.piece: piece.score for piece in model.pieces}
    merges = [
        (piece[:cut], piece[cut:])
        for piece in ids
        for cut in range(1, len(piece))
        if {piece[:cut], piece[cut:]} <= {*ids}
    ]
    merges.sort(key=lambda pair: (-ranks["".join(pair)], ids[pair[0]], ids[pair[1]]))
    made = getattr(transformers, tokenizer)(vocab=ids, merges=merges).backend_tokenizer
    made.post_processor = template(frame, ids)
    made.save(str(directory / "tokenizer.json"))
    return ids_of(made)


def scored(model: Any) -> list[tuple[str, float]]:
    """A sentencepiece model's pieces with their scores."""
    return [(piece.piece, piece.score) for piece in model.pieces]


def ids_of(tokenizer: Any) -> Ids:
    ids: Ids = tokenizer.get_vocab()
    return dict(sorted(ids.items(), key=lambda item: item[1]))


def write_config(directory: Path, **settings: Any) -> None:
    """tokenizer_config.json, as published beside the tokenizer."""
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))


def write_special(directory: Path, **pieces: Any) -> None:
    """special_tokens_map.json, which earlier versions of Transformers wrote."""
    (directory / "special_tokens_map.json").write_text(json.dumps(pieces))


def mask_of(piece: str, **more: bool) -> Mapping[str, Any]:
    """A piece as special_tokens_map.json spells one out that takes the space before it along."""
    return {"content": piece, "lstrip": True, "normalized": False, "rstrip": False, "single_word": False, **more}
