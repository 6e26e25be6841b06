"""A tokenizer.json looked at as JSON: what its library, or Transformers, would complain of in a trial only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sweeper.errors import WrongInput
from sweeper.tokens.tokenizer import TOKENIZER

NEEDED = "needed: a file of the tokenizers library, as save_pretrained writes it"


def check_tokenizer_json(path: Path) -> None:
    """Raise WrongInput for a tokenizer.json, or one in a directory, that holds no model or not the piece <unk> names.

    What is no such file is left to whoever reads it.
    """
    file = path / TOKENIZER if path.is_dir() else path
    if file.suffix != ".json" or not file.is_file() or file.name.endswith("_pieces.json"):
        return
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise WrongInput(f"tokenizer {file} is cut off, or not JSON: {error}\n{NEEDED}") from error
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict) or not model.get("vocab"):
        kind = "an object without a model" if isinstance(content, dict) else "no object"
        kind = "a list" if isinstance(content, list) else kind
        raise WrongInput(f"tokenizer {file} is {kind}, and no tokenizer.json\n{NEEDED}")
    unknown, known = model.get("unk_token"), _pieces(content, model["vocab"])
    if isinstance(unknown, str) and unknown and unknown not in known:
        raise WrongInput(
            f"tokenizer {file} has no {unknown}, which its unk_token names\n"
            f"needed there: {unknown} in the vocabulary, or another unk_token"
        )
    number = model.get("unk_id")
    if isinstance(number, int) and not 0 <= number < len(model["vocab"]):
        raise WrongInput(
            f"tokenizer {file} says unk_id={number}, and has {len(model['vocab'])} pieces\n"
            "needed there: the number of the piece for what is unknown"
        )


def _pieces(content: dict[str, Any], vocabulary: Any) -> set[str]:
    added = content.get("added_tokens")
    names = {str(item.get("content")) for item in added if isinstance(item, dict)} if isinstance(added, list) else set()
    return names | (set(vocabulary) if isinstance(vocabulary, dict) else {str(item[0]) for item in vocabulary if item})
