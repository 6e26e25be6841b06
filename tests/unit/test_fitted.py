"""Settings that nobody set, fitted to a table of one's own: the values, what says them, and whose ids they change."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pytest

from sweeper.config.fitted import lengths
from sweeper.data import Examples
from sweeper.errors import WrongInput
from tests.checkpoint_files import write_checkpoint
from tests.composed import fitted_trial, trial

pytestmark = pytest.mark.usefixtures("composing")
FILES = ("data=files", "data.path=reviews.csv", "model=rd")
ALL_SET = ("tokenizer.kind=unigram", "tokenizer.vocabulary_size=60", "train.learning_rate=1e-3", "train.max_length=62")


def write(file: str, header: str, rows: int = 40, words: int = 9, *, text: str = "livre") -> None:
    with Path(file).open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(header.split(","))
        for number in range(rows):
            body = " ".join(f"{text}{(number * words + index) % 1500}" for index in range(words))
            writer.writerow([body, 1 + number % 2])


@pytest.fixture(autouse=True)
def _in_an_empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("reviews.csv", "review,stars", rows=400)


def typed(sentences: tuple[str, ...]) -> list[str]:
    """The settings that the sentences begin with, as one types them."""
    return [setting for sentence in sentences for setting in shlex.split(sentence.partition(": ")[0])]


def test_the_values_are_those_of_the_data() -> None:
    found, sentences = fitted_trial(*FILES)
    assert (found.data.text, found.data.label) == ("review", "stars")
    assert (found.tokenizer.kind, found.tokenizer.vocabulary_size, found.tokenizer.path) == ("unigram", None, None)
    assert 16 < found.train.max_length <= found.arch.positions
    assert found.train.learning_rate == 1e-3 and found.arch.name == "roberta_tiny"
    changes = [re.search(r"\((.*) changes? it", sentence) for sentence in sentences]
    assert all(changes) and len(sentences) == 5


def test_the_trial_is_the_one_that_is_typed() -> None:
    found, sentences = fitted_trial(*FILES)
    again, nothing = fitted_trial(*FILES, *typed(sentences))
    assert again.id == found.id and nothing == ()
    assert trial(*FILES, *typed(sentences)).id == found.id
    assert again.description() == found.description()


def test_a_column_of_any_name_is_told_as_it_is_typed() -> None:
    write("odd.csv", "review text (fr),note sur 5", rows=60)
    found, sentences = fitted_trial(*FILES, "data.path=odd.csv")
    assert (found.data.text, found.data.label) == ("review text (fr)", "note sur 5")
    again, nothing = fitted_trial(*FILES, "data.path=odd.csv", *typed(sentences))
    assert again.id == found.id and again.data == found.data and nothing == ()


def test_what_is_set_keeps_its_id() -> None:
    columns = ("data.text=review", "data.label=stars")
    found, sentences = fitted_trial(*FILES, *columns, *ALL_SET, "arch=tiny")
    assert sentences == () and found.id == trial(*FILES, *columns, *ALL_SET).id


@pytest.mark.parametrize("choice", ["experiment=mine", "data=mine"])
def test_what_a_yaml_sets_keeps_its_id_at_the_default_too(choice: str) -> None:
    group = choice.partition("=")[0]
    Path("conf", group).mkdir(parents=True)
    of_data = "{_target_: sweeper.data.files.Files, path: reviews.csv, text: review, label: stars}"
    Path("conf", group, "mine.yaml").write_text(
        "# @package _global_\n"
        + ("defaults: [override /data: files, override /arch: tiny]\n" if group == "experiment" else "")
        + f"data: {of_data}\n"
        "train: {learning_rate: 0.001, max_length: 62}\n"
        "tokenizer: {kind: unigram, vocabulary_size: 60}\n"
    )
    given = (f"hydra.searchpath=[file://{Path('conf').absolute()}]", choice, "model=rd")
    found, sentences = fitted_trial(*given)
    assert found.id == trial(*given).id
    assert [sentence for sentence in sentences if not sentence.startswith("arch=tiny: ")] == []
    assert (found.train.learning_rate, found.train.max_length, found.arch.positions) == (0.001, 62, 62)


def test_other_data_is_left_alone() -> None:
    for given in ((), ("model=rd", "framework=lora"), ("task=qa", "data=qa_demo", "framework=lora")):
        found, sentences = fitted_trial(*given)
        assert sentences == () and found.id == trial(*given).id


def test_weights_have_their_shape_their_tokenizer_and_a_rate_of_their_own(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "weights")
    given = ("data=files", "data.path=reviews.csv", "model.path=weights", "arch=of_model")
    pretrained, said = fitted_trial(*given, "model=pt")
    random, _ = fitted_trial(*given, "model=rd")
    assert pretrained.train == random.train and pretrained.train.learning_rate == 2e-4
    assert pretrained.train.max_length <= 62 and not any("tokenizer" in sentence for sentence in said)


def test_lora_has_its_own_rate() -> None:
    found, _ = fitted_trial(*FILES, "framework=lora")
    assert found.train.learning_rate == 2e-4
    assert found.train.max_length <= found.arch.positions


def test_a_chosen_architecture_bounds_the_length() -> None:
    write("long.csv", "review,stars", rows=400, words=301)
    free, _ = fitted_trial(*FILES, "data.path=long.csv")
    assert free.train.max_length == free.arch.positions == 256
    chosen, sentences = fitted_trial(*FILES, "data.path=long.csv", "arch=roberta_tiny")
    assert chosen.train.max_length == chosen.arch.positions == 62
    assert any("the others are cut" in sentence for sentence in sentences)
    longer, _ = fitted_trial(*FILES, "train.max_length=300")
    assert longer.arch.positions == 300


def test_a_size_that_is_set_is_the_tokenizers() -> None:
    found, sentences = fitted_trial(*FILES, "tokenizer.vocabulary_size=70")
    assert (found.tokenizer.kind, found.tokenizer.vocabulary_size) == ("unigram", 70)
    assert any(sentence.startswith("tokenizer.kind=unigram: ") for sentence in sentences)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("review,number", "set data.label=COLUMN"),
        ("id,stars", "set data.text=COLUMN"),
    ],
)
def test_what_is_not_clear_is_asked_for(header: str, said: str) -> None:
    rows = [[f"un livre {number}" if header.startswith("review") else number, number] for number in range(40)]
    if header.startswith("id"):
        rows = [[number, number % 2] for number in range(40)]
    Path("reviews.csv").write_text(f"{header}\n" + "".join(f"{one},{two}\n" for one, two in rows))
    with pytest.raises(WrongInput) as refused:
        fitted_trial(*FILES)
    lines = str(refused.value).splitlines()
    assert len(lines) == 3 and lines[1] == f"columns there: {header.replace(',', ', ')}" and lines[2] == said


def test_a_column_that_is_named_and_missing_is_not_replaced() -> None:
    with pytest.raises(WrongInput, match=r"^data.text=text: .* has no such column"):
        fitted_trial(*FILES, "data.text=text")


def test_columns_of_the_usual_names_are_taken_silently() -> None:
    write("usual.csv", "text,label")
    assert not any("data.text" in sentence for sentence in fitted_trial(*FILES, "data.path=usual.csv")[1])


def test_one_s_own_data_has_no_weights_of_its_own() -> None:
    with pytest.raises(WrongInput) as refused:
        fitted_trial("data=files", "data.path=reviews.csv", "model=pt")
    said = str(refused.value)
    assert len(said.splitlines()) == 3 and "model.path=DIR" in said and "sweeper.pretrain corpus=FILE" in said


def test_lengths_are_at_least_those_of_letters_where_there_are_few_words() -> None:
    few = Examples(("un bon livre",), (0,))
    assert lengths(few, True)[0] == (len("un bon livre") + 3,)
    assert lengths(few, False)[0] == (2 * 3 + 2,)
    assert lengths(Examples(("一二三 四",), (0,)), False)[0] == (4 + 2,)
    assert lengths(Examples(("a b",), (0,), ("c d",)), False)[0] == (4 + 4,)


HEADERLESS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "text_label.csv": (("un film {n} que j'ai vu", "neg pos"), ",", "[text,label]"),
    "label_text.csv": (("neg pos", "un film {n} que j'ai vu"), ",", "[label,text]"),
    "numbers.csv": (("1 2 3 4 5", "un film {n} que j'ai vu"), ",", "[label,text]"),
    "short_texts.csv": (("film{n}", "neg pos"), ",", "[text,label]"),
    "three.csv": (("{n}", "un film {n} que j'ai vu", "neg pos"), ",", "[column1,text,label]"),
    "quoted.csv": (('"un film {n}, que j\'ai vu"', '"neg pos"'), ",", "[text,label]"),
    "tabs.tsv": (("ham spam", "un \"film {n} que j'ai vu"), "\t", "[label,text]"),
    "semicolons.csv": (("un film {n} que j'ai vu", "neg pos"), ";", "[text,label]"),
    "rare_first.csv": (("un film {n} que j'ai vu", "first neg pos"), ",", "[text,label]"),
}


@pytest.mark.parametrize("file", HEADERLESS)
def test_a_first_line_that_may_be_an_example_is_asked_for(file: str) -> None:
    fields, separator, names = HEADERLESS[file]
    rows = []
    for number in range(60):
        row = []
        for pattern in fields:
            quote = '"' if pattern.startswith('"') else ""
            classes = pattern.strip('"').split()
            is_class = "{n}" not in pattern
            first = classes[0] == "first"
            value = "first" if first and not number else classes[first + number % (len(classes) - first)]
            row.append(f"{quote}{value}{quote}" if is_class else pattern.format(n=number))
        rows.append(separator.join(row))
    Path(file).write_text("\n".join(rows) + "\n")
    with pytest.raises(WrongInput) as refused:
        fitted_trial(*FILES, f"data.path={file}")
    said = str(refused.value).splitlines()
    assert len(said) == 3 and said[1] == f"where it is one: data.columns={names}"
    if "first" in str(fields):
        return  # another check asks whether that line is a header
    found, _ = fitted_trial(*FILES, f"data.path={file}", f"data.columns={names}")
    with_header = f"{names.strip('[]').replace(',', separator)}\n"
    Path(file).write_text(with_header + "\n".join(rows) + "\n")
    assert fitted_trial(*FILES, f"data.path={file}")[0].id == found.id  # the first line is an example of both


@pytest.mark.parametrize(
    "header", ["review text (fr),note sur 5", "id of it,stars", "0,stars", "what did you say?,sentiment"]
)
def test_names_of_columns_are_no_examples(header: str) -> None:
    write("odd.csv", header, rows=60)
    found, _ = fitted_trial(*FILES, "data.path=odd.csv")
    assert (found.data.text, found.data.label) == tuple(header.split(","))


def test_a_class_that_names_its_column_is_taken_where_it_is_said() -> None:
    write("odd.csv", "review,1", rows=60)
    with pytest.raises(WrongInput, match=r"may be an example: '1'"):
        fitted_trial(*FILES, "data.path=odd.csv")
    found, _ = fitted_trial(*FILES, "data.path=odd.csv", "data.text=review", "data.label=1")
    assert found.data.label == "1"


@pytest.mark.parametrize("encoding", ["nope", "base64", "rot13", "hex"])
def test_what_is_no_encoding_is_refused_before_a_file_is_read(encoding: str) -> None:
    with pytest.raises(WrongInput) as refused:
        fitted_trial(*FILES, f"data.encoding={encoding}")
    said = str(refused.value).splitlines()
    assert len(said) == 2 and said[0] == f"data.encoding={encoding} is no encoding"


def test_two_columns_of_texts_may_be_a_pair() -> None:
    with Path("pairs.csv").open("w") as file:
        file.write("premise,hypothesis,label\n")
        file.writelines(f"un livre long {n},une phrase longue {n},{n % 2}\n" for n in range(60))
    with pytest.raises(WrongInput) as refused:
        fitted_trial(*FILES, "data.path=pairs.csv")
    remedy = str(refused.value).rpartition("data.text=[")[2]
    assert remedy == "premise,hypothesis]"
    assert fitted_trial(*FILES, "data.path=pairs.csv", f"data.text=[{remedy}")[0].data.text == ("premise", "hypothesis")
