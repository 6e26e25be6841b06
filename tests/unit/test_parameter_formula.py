"""The closed formulas, against numbers that were published or worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sweeper.checkpoints.parameter_count import part_of, recorded
from sweeper.checkpoints.parameter_formula import BIASES_AND_NORMS, PUBLISHED, Counts, Part, Shape, in_words
from sweeper.report.tables.models import formula_lines, formulas_of, mismatch_lines, parameter_table
from sweeper.trial.settings import ArchSettings

ARCH = ArchSettings("roberta_small_fr", "roberta", layers=4, width=512, heads=8, feed_forward=512, positions=256)
SMALL_FR = Shape.of(ARCH, vocabulary=32000, offset=2, classes=2)
# By hand; 512² = 262,144.
BY_HAND: dict[Part, int] = {
    Part.WORDS: 16_384_000,  # 32,000 · 512
    Part.POSITIONS: 132_096,  # (256 + 2) · 512
    Part.TOKEN_TYPES: 512,
    Part.EMBEDDING_NORM: 1_024,
    Part.ATTENTION_WEIGHTS: 4_194_304,  # 16 · 262,144
    Part.ATTENTION_BIASES: 8_192,  # 16 · 512
    Part.FEED_FORWARD_WEIGHTS: 2_097_152,  # 8 · 262,144
    Part.FEED_FORWARD_BIASES: 4_096,  # 8 · 512
    Part.LAYER_NORMS: 8_192,  # 8 norms of 1,024
    Part.FINAL_NORM: 0,
    Part.CLASSIFIER: 263_682,  # 262,144 + 512 + 1,024 + 2
    Part.LANGUAGE_MODEL_HEAD: 295_680,  # 262,144 + 512 + 1,024 + 32,000
    Part.ADAPTER: 0,
}
WHOLE: dict[Part, int] = {part: size for part, size in BY_HAND.items() if size and part is not Part.LANGUAGE_MODEL_HEAD}


def size(shape: Shape, *parts: Part) -> int:
    return shape.value(shape.formula(*parts))


def body(shape: Shape) -> int:
    return size(shape, *(part for part in Part if part not in (Part.CLASSIFIER, Part.LANGUAGE_MODEL_HEAD)))


@pytest.mark.parametrize("part", list(Part))
def test_each_part_of_the_published_studys_model(part: Part) -> None:
    assert size(SMALL_FR, part) == BY_HAND[part]


def test_the_published_totals() -> None:
    # 16,384,000 + 132,096 + 4,194,304 + 2,097,152; with 256 rows of positions it would be 1,024 fewer.
    assert size(SMALL_FR, *PUBLISHED) == 22_807_552
    # 1,024 + 8,192 + 4,096 + 8,192 = 21,504 more.
    assert size(SMALL_FR, *PUBLISHED, *BIASES_AND_NORMS) == 22_829_056


def test_models_of_known_size() -> None:
    # RoBERTa base has 124,055,040 parameters without head and pooler, BLOOM-560m 559,214,592.
    base = Shape("roberta", 50265, 512, 2, 1, width=768, feed_forward=3072, layers=12, classes=0)
    assert body(base) == 124_055_040
    assert body(replace(base, model_type="camembert")) == 124_055_040
    bloom = Shape("bloom", 250880, 2048, 0, 1, width=1024, feed_forward=4096, layers=24, classes=2)
    assert body(bloom) == 559_214_592
    # Published for r=16 beside query_key_value: 1,572,864 of 560,787,456.
    adapted = replace(bloom, classes=0, rank=16, adapted=("query_key_value",))
    assert size(adapted, Part.ADAPTER) == 1_572_864 and body(adapted) == 560_787_456
    assert (size(bloom, Part.CLASSIFIER), size(bloom, Part.POSITIONS)) == (2048, 0)


def test_pre_norm_has_a_norm_after_the_layers() -> None:
    pre_norm = replace(SMALL_FR, model_type="roberta-prelayernorm")
    assert body(pre_norm) - body(SMALL_FR) == size(pre_norm, Part.FINAL_NORM) == 1024


def test_what_is_printed_is_what_is_computed() -> None:
    formula = SMALL_FR.formula(Part.POSITIONS, Part.FEED_FORWARD_WEIGHTS)
    assert in_words(formula) == "positions × width + offset × width + layers × 2 × width × feed-forward"
    assert SMALL_FR.filled(formula) == "256 × 512 + 2 × 512 + 4 × 2 × 512 × 512"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("roberta.embeddings.LayerNorm.bias", Part.EMBEDDING_NORM),
        ("roberta.encoder.layer.11.output.LayerNorm.weight", Part.LAYER_NORMS),
        ("roberta.encoder.layer.0.attention.output.dense.bias", Part.ATTENTION_BIASES),
        ("roberta.encoder.layer.0.output.dense.weight", Part.FEED_FORWARD_WEIGHTS),
        ("roberta_prelayernorm.LayerNorm.weight", Part.FINAL_NORM),
        ("roberta_prelayernorm.encoder.layer.0.attention.LayerNorm.weight", Part.LAYER_NORMS),
        ("transformer.h.3.self_attention.query_key_value.weight", Part.ATTENTION_WEIGHTS),
        ("transformer.ln_f.bias", Part.FINAL_NORM),
        ("score.weight", Part.CLASSIFIER),
        ("classifier.out_proj.bias", Part.CLASSIFIER),
        ("lm_head.layer_norm.weight", Part.LANGUAGE_MODEL_HEAD),
        ("encoder.sentence_encoder.embed_positions.weight", Part.POSITIONS),
        ("encoder.sentence_encoder.layers.2.self_attn.out_proj.bias", Part.ATTENTION_BIASES),
        ("encoder.sentence_encoder.layers.2.final_layer_norm.weight", Part.LAYER_NORMS),
        ("encoder.sentence_encoder.layer_norm.weight", Part.FINAL_NORM),
        ("classification_heads.sentence_classification_head.dense.weight", Part.CLASSIFIER),
        ("encoder.sentence_encoder.layers.2.in_proj_weight", None),  # a dead copy
        ("encoder.sentence_encoder.layers.2.fc1_weight", None),
        ("roberta.pooler.dense.weight", None),
    ],
)
def test_names_of_both_libraries(name: str, part: Part | None) -> None:
    assert part_of(name) is part


def test_the_table_and_its_formulas() -> None:
    fairseq: dict[Part, int] = {part: size for part, size in WHOLE.items() if part is not Part.TOKEN_TYPES}
    models = {"hf": Counts(WHOLE, {Part.TOKEN_TYPES: 512}, {}), "fairseq": Counts(fairseq, {}, {})}
    formulas = formulas_of(SMALL_FR, models.values())
    table = parameter_table("title", [*models], list(map(recorded, models.values())), formulas)
    rows = {cells[0].strip(): cells[1:] for block in table.blocks for cells in block}
    assert rows["word embeddings"] == ("32,000 × 512", "16,384,000", "16,384,000")
    assert rows["token types"] == ("1 × 512", "512", "0")
    assert "norm after the layers" not in rows and "language-model head" not in rows
    assert rows["published convention"] == ("", "22,807,552", "22,807,552")
    assert rows["with biases and norms"] == ("", "22,829,056", "22,829,056")
    # 22,829,056 + 512 + 263,682
    assert rows["as trained"] == ("", "23,093,250", "23,092,738")
    assert (rows["trainable"], rows["frozen"]) == (("", "23,092,738", "23,092,738"), ("", "512", "0"))
    lines = list(formula_lines(SMALL_FR, models))
    assert "  = 32,000 × 512 + 256 × 512 + 2 × 512 + 4 × 4 × 512 × 512 + 4 × 2 × 512 × 512 = 22,807,552" in lines
    assert lines[-1].endswith("with biases and norms + classification head = 22,829,056 + 263,682 = 23,092,738")
    assert any("all 258 rows" in line and line.endswith("without them it would be 22,806,528") for line in lines)
    assert list(mismatch_lines(SMALL_FR, models)) == []


def test_what_differs_from_the_formula_is_named() -> None:
    parts: dict[Part, int] = {part: size for part, size in WHOLE.items() if part is not Part.LAYER_NORMS}
    parts[Part.POSITIONS] -= 1024
    lines = list(mismatch_lines(SMALL_FR, {"hf": Counts(parts, {}, {"encoder.copy": 7})}))
    assert lines == [
        "MISMATCH, hf: position embeddings: 131,072 in the model, 132,096 by the formula",
        "MISMATCH, hf: norms of the layers: 0 in the model, 8,192 by the formula",
        "MISMATCH, hf: encoder.copy: 7 in the model, in no formula",
    ]
