"""Data sets of the user's own that cannot be read, or cannot be compared by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.integration.door import Case

FILES = "data=files data.path=files_"
CASES = [
    Case("data=files", ("data.path is missing", "data.path=PATH")),
    Case("data=files data.path=~/x.csv", ("data.path=~/x.csv", """'data.path="~/x.csv"'""")),
    Case("data=files data.path=[a,b]", ("data.path=['a', 'b'] is not allowed", "-m")),
    Case(f"data=files data.path={'x' * 300}.csv", ("xxx", "name too long", "shorter")),
    Case("data=files data.path=/dev/null", ("data.path=/dev/null is no regular file",)),
    Case(f"{FILES}CAPITALS.CSV", ("files_CAPITALS.CSV", "no examples")),
    Case("data=hub", ("data.name is missing", "data.name=NAME")),
    Case("data=hub data.name=./files_nowhere", ("data.name=./files_nowhere", "data=files")),
    Case(f"{FILES}nowhere", ("data.path=files_nowhere does not exist",)),
    Case(f"{FILES}none", ("data.path=files_none", "train", "validation", ".jsonl")),
    Case(f"{FILES}twice", ("files_twice", "valid.csv, dev.jsonl")),
    Case(f"{FILES}notes.txt", ("data.path=files_notes.txt", ".parquet")),
    Case(f"{FILES}good data.text=stars", ("data.text=stars", "train.csv", "text, label")),
    Case(f"{FILES}good data.label=stars", ("data.label=stars", "train.csv", "text, label")),
    Case(f"{FILES}good data.text=[text,label]", ("data.text=[text,label]", "[A,B]")),
    Case(f"{FILES}good data.text=null", ("data.text=null", "name")),
    Case(f"{FILES}good data.test_share=0.5", ("data.test_share=0.5", "has no effect")),
    Case(f"{FILES}good data.test_share=1", ("data.test_share=1.0", "below 1")),
    Case(f"{FILES}good data.validation_shares=0.1", ("data.validation_shares", "did you mean data.validation_share?")),
    Case(f"{FILES}good", ("model=pt names no weights", "model.path=DIR", "sweeper.pretrain corpus=FILE", "model=rd")),
    Case(f"-m {FILES}good model=rd,pt", ("model=pt names no weights", "model.path=DIR")),
    Case('data=files data.path="~nouser/x.csv"', ("data.path=~nouser/x.csv", "no user nouser")),
    Case('data=hub data.name="~nouser/x"', ("data.name=~nouser/x", "no user nouser")),
    Case('data=cls_books data.path="~nouser/x"', ("data.path=~nouser/x", "no user nouser")),
    Case("data=files data.path=files_a,b.csv", ("data.path=files_a,b.csv is there", """'data.path="files_a,b.csv"'""")),
    Case("-m data=files data.path=files_a,b.csv", ("needs quotes", """'data.path="files_a,b.csv"'""")),
    Case("data=files data.path=[files_x].csv", ("[files_x].csv is there", """'data.path="[files_x].csv"'""")),
    Case("-m data=files data.path=[x].csv", ("[x].csv cannot be read", """'data.path="[x].csv"'""")),
    Case(f"{FILES}unnamed.csv model=rd", ("which column holds the classes", "review, opinion, side", "data.label=")),
    Case(f"{FILES}numbers.csv model=rd", ("which column holds the texts", "one, two", "data.text=COLUMN")),
    Case(f"{FILES}good model=rd data.text=review", ("data.text=review", "text, label")),
    Case(f"{FILES}good data.cluster=author", ("data.cluster=author", "no such column", "text, label")),
    Case(f"{FILES}good data.cluster=label", ("data.cluster=label", "the column of data.label=label")),
    Case(f"{FILES}good data.cluster=[a,b]", ("data.cluster=['a', 'b']", "no column's name")),
    Case(
        f"{FILES}author data.cluster=author",
        ("files_author/test.csv, line 3: author is missing", "data.cluster=author"),
    ),
    Case("data.cluster=author", ("data.cluster", "unknown key")),
    Case(f"{FILES}json", ("files_json/train.jsonl, line 2", "not JSON")),
    Case(f"{FILES}object", ("files_object/train.jsonl, line 2", "no object")),
    Case(f"{FILES}utf8", ("files_utf8/train.csv, line 3", "UTF-8")),
    Case(f"{FILES}fields", ("files_fields/train.csv, line 3", "3 fields")),
    Case(f"{FILES}empty.csv", ("files_empty.csv is empty",)),
    Case(f"{FILES}header.csv", ("files_header.csv", "no examples")),
    Case(f"{FILES}blank", ("files_blank/test.csv, line 3", "empty")),
    Case(f"{FILES}names.csv model=rd", ("may be an example: 'neg'", "data.columns=[text,label]")),
    Case(f"{FILES}names.csv data.separator=colon", ("data.separator", "comma, semicolon, tab, pipe")),
    Case(f"{FILES}names.csv data.quoting=single", ("data.quoting", "double, backslash, none")),
    Case(f"{FILES}names.csv data.columns=[text,text]", ("data.columns=[text,text]", "[label,text]")),
    Case(f"{FILES}names.csv data.encoding=klingon", ("data.encoding=klingon", "cp1252")),
    Case(f"{FILES}names.csv data.missing=keep", ("data.missing", "refuse, drop")),
    Case(f"{FILES}names.csv data.classes=all", ("data.classes", "as_is")),
    Case(f"{FILES}names.csv data.train_limit=1", ("data.train_limit=1", "at least 2")),
    Case(f"{FILES}marks.csv", ("files_marks.csv, lines 4, 7, 10, 13, 16 and 5 more", "data.missing=drop", "as_is")),
    Case(f"{FILES}joined.csv", ("several in one, as 'a|b'", "data.classes=as_is")),
    Case("data.verbalisers.negative=mal", ("data.verbalisers.negative=mal has no effect", "framework=lora")),
    Case("data.train_limit=8 data.limit=5", ("data.train_limit=8 has no effect", "data.limit=5")),
    Case(f"{FILES}number", ("files_number/train.jsonl, line 1", "no string")),
    Case(f"{FILES}list", ("files_list/train.jsonl, line 2", "[4.5]", "numbers")),
    Case(f"{FILES}unlabelled", ("files_unlabelled/train.csv, line 3", "missing")),
    Case(f"{FILES}unknown", ("files_unknown/test.csv, line 3", "'neutral'", "neg, pos")),
    Case(f"{FILES}one_class", ("data.path=files_one_class", "one class")),
    Case(f"{FILES}few.csv", ("data.test_share=0.2", "data.validation_share=0.1", "class 'pos'")),
    Case(f"{FILES}same_test", ("data.path=files_same_test", "every text of test")),
    Case(f"{FILES}same_valid", ("data.path=files_same_valid", "every text of valid")),
    Case("data=cls_books data.path=files_reviews", ("data.path=files_reviews", "one class")),
]
GOOD = {
    "train.csv": "text,label\nbien,pos\nmal,neg\n",
    "valid.csv": "text,label\nbon,pos\nnul,neg\n",
    "test.csv": "text,label\nbeau,pos\nlaid,neg\n",
}
# Directory -> the files in which it differs from a good one; None: the file is not there.
DIRECTORIES: dict[str, dict[str, str | bytes | None]] = {
    "none": dict.fromkeys(GOOD),
    "twice": {"dev.jsonl": '{"text": "a", "label": 1}\n'},
    "good": {},
    "json": {"train.csv": None, "train.jsonl": '{"text": "a", "label": 1}\n{"text": "b",\n'},
    "object": {"train.csv": None, "train.jsonl": '{"text": "a", "label": 1}\n["b", 0]\n'},
    "utf8": {"train.csv": b"text,label\nmal,neg\n\x81t\xe9,pos\n"},
    "fields": {"train.csv": "text,label\nbien,pos\nmal, hélas,neg\n"},
    "blank": {"test.csv": 'text,label\nbeau,pos\n" ",neg\n'},
    "number": {"train.csv": None, "train.jsonl": '{"text": 5, "label": 1}\n{"text": "b", "label": 0}\n'},
    "list": {"train.csv": None, "train.jsonl": '{"text": "a", "label": 1}\n{"text": "b", "label": [4.5]}\n'},
    "unlabelled": {"train.csv": "text,label\nbien,pos\nmal,\n"},
    "unknown": {"test.csv": "text,label\nbeau,pos\nmoyen,neutral\n"},
    "author": {
        "valid.csv": "text,label,author\nbon,pos,Sand\nnul,neg,Colette\n",
        "test.csv": "text,label,author\nbeau,pos,Sand\nlaid,neg,\n",
    },
    "one_class": {"train.csv": "text,label\nbien,pos\nmal,pos\n"},
    "same_test": {"test.csv": GOOD["train.csv"]},
    "same_valid": {"valid.csv": GOOD["train.csv"]},
}
FILES_ALONE = {
    "notes.txt": "bien\n",
    "empty.csv": "",
    "header.csv": "text,label\n",
    "names.csv": "nul,neg\n" + "".join(f"mal {n},neg\nbien {n},pos\n" for n in range(15)),
    "marks.csv": "text,label\n" + "".join(f"mal {n},neg\nbien {n},pos\nrien {n},NA\n" for n in range(10)),
    "joined.csv": "text,label\n" + "".join(f"mal {n},a\nbien {n},b\nrien {n},a|b\n" for n in range(10)),
    "CAPITALS.CSV": "text,label\n",
    "a,b.csv": "text,label\nbien,pos\nmal,neg\n",
    "unnamed.csv": "review,opinion,side\n" + "".join(f"un livre {n},{n % 2},{n % 3}\n" for n in range(30)),
    "numbers.csv": "one,two\n" + "".join(f"{n},{n % 2}\n" for n in range(30)),
    "few.csv": "text,label\n" + "".join(f"mal {n},neg\nbien {n},pos\n" for n in range(5)),
}


def make(directory: Path) -> None:
    """Create what the cases need; every name begins with files_."""
    for name, different in DIRECTORIES.items():
        place = directory / f"files_{name}"
        place.mkdir()
        for file, content in {**GOOD, **different}.items():
            if content is not None:
                (place / file).write_bytes(content.encode() if isinstance(content, str) else content)
    for name, text in FILES_ALONE.items():
        (directory / f"files_{name}").write_text(text)
    (directory / "[files_x].csv").write_text(GOOD["train.csv"])
    write_reviews(directory / "files_reviews", ["1", "1"])


def write_reviews(directory: Path, labels: Sequence[str]) -> None:
    """Write reviews laid out like CLS-Books, all with these labels."""
    directory.mkdir()
    for split in ("train", "valid", "test"):
        (directory / f"{split}.review").write_text("".join(f"{split} {n}\n" for n in range(len(labels))))
        (directory / f"{split}.label").write_text("".join(f"{label}\n" for label in labels))
