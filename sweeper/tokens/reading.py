"""Transformers reads a tokenizer's files, and what it has read is checked: it misreads some without a warning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.errors import WrongInput, first_line
from sweeper.tokens.tokenizer import TOKENIZER
from sweeper.tokens.transformers_tokenizer import Roles, read_library, write_roles

if TYPE_CHECKING:
    import tokenizers
    from transformers import PreTrainedTokenizerBase

CHECKED_TEXTS = 1000
LEAST_WITH_TEXT = 0.99  # share of texts that have an id which is not special
LEAST_OF_VOCABULARY = 0.9  # share of config.json's vocab_size that the tokenizer has
MOST_OTHERWISE = 0.01  # share of texts that may be cut otherwise than sentencepiece cuts them, as rare characters are
ROLES = ("bos", "eos", "pad", "unk", "mask", "sep", "cls")


def read_by_transformers(source: Path, config: Mapping[str, Any], texts: Sequence[str], directory: Path) -> None:
    """Read the tokenizer in a directory as Transformers does, check it, and write it into another directory.

    `config` is the model's config.json, {} where there is none. Raises WrongInput for what Transformers cannot read,
    and for what it misreads: by ids beyond the embedding, texts without pieces, a vocabulary that is far too small,
    special ids that config.json contradicts, pieces that are not sentencepiece's.
    """
    tokenizer = _read(source, config)
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(directory)
    if not (directory / TOKENIZER).is_file():
        raise WrongInput(
            f"tokenizer {source}: Transformers reads it by a program of its own, {type(tokenizer).__name__}\n"
            "needed: one that the tokenizers library can hold, as tokenizer.json"
        )
    library = read_library(directory / TOKENIZER)
    problem = (
        _size_problem(library, config)
        or _special_problem(tokenizer, config)
        or _text_problem(library, texts)
        or _sentencepiece_problem(library, source, texts)
    )
    if problem:
        raise WrongInput(f"tokenizer {source}, as Transformers reads it: {problem}\n{_remedy(source)}")
    write_roles(directory, _roles(tokenizer, config, source))


def _read(source: Path, config: Mapping[str, Any]) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except Exception as error:  # the libraries raise whatever they meet in a file
        said = first_line(error)[:200]
        raise WrongInput(
            f"tokenizer {source}: Transformers cannot read it as model_type={config.get('model_type')}: {said}\n"
            f"{_remedy(source)}"
        ) from error


def _remedy(source: Path) -> str:
    there = sorted(path.name for path in source.iterdir() if path.suffix in (".json", ".txt", ".model"))
    wanted = "a whole tokenizer.json" if TOKENIZER in there else "tokenizer.json, as the model's publisher has it"
    return f"needed there: {wanted}; found: {', '.join(there[:8])}"


def _size_problem(library: tokenizers.Tokenizer, config: Mapping[str, Any]) -> str:
    ids = library.get_vocab(with_added_tokens=True).values()
    rows = config.get("vocab_size")
    if not isinstance(rows, int):
        return ""
    if max(ids) >= rows:
        return f"it has the id {max(ids)}, and the embedding has {rows} rows"
    if len(ids) < LEAST_OF_VOCABULARY * rows:
        return f"it has {len(ids)} pieces of the {rows} that config.json says"
    return ""


def _special_problem(tokenizer: PreTrainedTokenizerBase, config: Mapping[str, Any]) -> str:
    for role in ROLES:
        said, read = config.get(f"{role}_token_id"), getattr(tokenizer, f"{role}_token_id", None)
        if said is not None and read is not None and read not in (said if isinstance(said, list) else [said]):
            return f"its {role}_token has the id {read}, and config.json says {role}_token_id={said}"
    return ""


def _text_problem(library: tokenizers.Tokenizer, texts: Sequence[str]) -> str:
    special = {index for index, piece in library.get_added_tokens_decoder().items() if piece.special}
    pieces = library.encode_batch_fast(list(texts), add_special_tokens=False)
    with_text = sum(any(index not in special for index in item.ids) for item in pieces)
    if with_text < LEAST_WITH_TEXT * len(texts):
        return f"{len(texts) - with_text} of {len(texts)} texts have no piece that is text"
    return ""


def _sentencepiece_problem(library: tokenizers.Tokenizer, source: Path, texts: Sequence[str]) -> str:
    # Beside the pieces that the sentencepiece file makes of a text, or of its normal form: ALBERT's is lower case.
    files = sorted(source.glob("*.model"))
    if not files:
        return ""
    import sentencepiece

    try:
        model = sentencepiece.SentencePieceProcessor(model_file=str(files[0]))
    except RuntimeError as error:
        return f"{files[0].name} beside it is not a sentencepiece model: {str(error)[:100]}"
    # A special piece that a text spells out is cut otherwise by each; see TransformersTokenizer.
    special = {piece.content for piece in library.get_added_tokens_decoder().values() if piece.special}
    special |= {model.id_to_piece(index) for index in range(len(model)) if not _is_text(model, index)}
    texts = [text for text in texts if not any(piece in text for piece in special)]
    normal = library.normalizer.normalize_str if library.normalizer else str
    read = [item.tokens for item in library.encode_batch(list(texts), add_special_tokens=False)]
    otherwise = [
        (text, tokens)
        for text, tokens in zip(texts, read, strict=True)
        if tokens not in _pieces(model, (text, normal(text).replace("▁", " ").removeprefix(" ")))
    ]
    if len(otherwise) > MOST_OTHERWISE * len(texts):
        text, tokens = otherwise[0]
        own = " ".join(model.encode(text, out_type=str)[:6])
        return f"it cuts a text into {' '.join(tokens[:6])} …, {files[0].name} into {own} …"
    return ""


def _is_text(model: Any, index: int) -> bool:
    return not (model.is_control(index) or model.is_unknown(index) or model.is_unused(index))


def _pieces(model: Any, texts: Iterable[str]) -> list[list[str]]:
    # What has no piece keeps its text among sentencepiece's pieces, and is the unknown piece for the library.
    unknown = model.unk_id()
    found = []
    for text in texts:
        pieces = model.encode(text, out_type=str)
        known = (piece if model.piece_to_id(piece) != unknown else model.id_to_piece(unknown) for piece in pieces)
        found += [pieces, [*known]]
    return found


def _roles(tokenizer: PreTrainedTokenizerBase, config: Mapping[str, Any], source: Path) -> Roles:
    def stated(*roles: str) -> int | None:
        for role in roles:
            said = config.get(f"{role}_token_id")
            for found in (getattr(tokenizer, f"{role}_token_id", None), *(said if isinstance(said, list) else [said])):
                if isinstance(found, int):
                    return found
        return None

    end = stated("eos", "sep", "bos")
    if end is None:
        raise WrongInput(
            f"tokenizer {source} names no end of a text, and config.json names none either\n"
            "needed: eos_token in tokenizer_config.json, or eos_token_id in config.json"
        )
    begin, pad = stated("bos", "cls"), stated("pad")
    return Roles(
        bos=end if begin is None else begin,
        eos=end,
        pad=end if pad is None else pad,  # as causal language models are fine-tuned: they have none
        unk=tokenizer.unk_token_id,
        mask=tokenizer.mask_token_id,
        token_types="token_type_ids" in tokenizer.model_input_names,
        truncation_side=tokenizer.truncation_side,
    )
