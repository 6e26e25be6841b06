"""Pieces that are no text: beginning, padding, end, unknown, hidden; and what they are called in others' tokenizers.

Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Container
from pathlib import Path

BOS, PAD, EOS, UNK, MASK = "<s>", "<pad>", "</s>", "<unk>", "<mask>"
REQUIRED = (BOS, PAD, EOS, UNK)
SPECIAL = (*REQUIRED, MASK)
TRANSFORMERS = "tokenizer_config.json"  # what Transformers asks for beside a tokenizer.json
SPECIAL_NAMES = "special_tokens_map.json"  # what older versions ask for as well
ROLES = {BOS: "bos_token", PAD: "pad_token", EOS: "eos_token", UNK: "unk_token"}  # as Transformers calls them


def special_pieces(file: Path, known: Container[str]) -> dict[str, str]:
    """Return which of a file's pieces serves as <s>, <pad>, </s> and <unk>; those that none serves as are left out.

    That is the piece of this name, else the one that Transformers' settings beside the file name, else, since there are
    models without padding and with one piece for beginning and end, the one for the end.
    """
    named = named_beside(file)
    end = EOS if EOS in known else named.get(EOS)
    options = {piece: (piece, named.get(piece), end if named else None) for piece in REQUIRED}
    found = {piece: next((name for name in names if name in known), None) for piece, names in options.items()}
    return {piece: name for piece, name in found.items() if name is not None}


def named_beside(file: Path) -> dict[str, str]:
    """Return the special pieces that Transformers' settings beside a tokenizer.json name."""
    named: dict[str, str] = {}
    for settings in (TRANSFORMERS, SPECIAL_NAMES):
        try:
            content = json.loads(file.with_name(settings).read_bytes())
        except (OSError, ValueError):
            continue
        for piece, role in ROLES.items():
            given = content.get(role) if isinstance(content, dict) else None
            name = given.get("content") if isinstance(given, dict) else given
            if isinstance(name, str):
                named.setdefault(piece, name)
    return named
