from __future__ import annotations

import json

from sweeper.checkpoints.model_types import TABLE, Role, known_type, model_types
from tests import model_types as asked


def test_the_table_is_what_transformers_and_peft_say() -> None:
    assert json.loads(TABLE.read_text()) == asked.table(), "run: python -m tests.model_types > " + TABLE.name


def test_rows_are_read() -> None:
    bert = known_type("bert")
    assert {Role.classifies, Role.masked} <= bert.roles and bert.adapted == ["query", "value"]
    assert bert.shape["width"] == ("hidden_size", 768)
    assert Role.bidirectional in known_type("xlnet").roles and Role.encoder_decoder in known_type("t5").roles
    assert known_type("nothing of the kind").roles == frozenset()
    assert len(model_types()) > 200
