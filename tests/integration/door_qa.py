"""Questions and answers that cannot be read, and a task of questions where it does not belong."""

from __future__ import annotations

from pathlib import Path

from tests.integration.door import Case

QA = "task=qa framework=lora"
FILES = f"{QA} tokenizer.kind=word data=qa_files data.path=qa_"
CASES = [
    Case(f"{QA} data=qa_files", ("data.path is missing", "data.path=PATH")),
    Case(f"{QA} data=qa_hub data.name=./qa_nowhere", ("data.name=./qa_nowhere", "data=qa_files")),
    Case(f"{FILES}answer", ("qa_answer/train.jsonl, line 2", "answer is empty")),
    Case(f"{FILES}question", ("qa_question/test.jsonl, line 1", "question is empty")),
    Case(f"{FILES}good data.question=q", ("data.question=q", "train.jsonl", "question, answer")),
    Case(f"{FILES}good data.answer=a", ("data.answer=a", "train.jsonl", "question, answer")),
    Case(f"{FILES}good data.answer=question", ("data.question=question data.answer=question", "one column")),
    Case(f"{FILES}lacks", ("qa_lacks/train.jsonl, line 2: answer is missing", "data.missing=drop")),
    Case(f"{FILES}number", ("qa_number/train.jsonl, line 1", "answer is 42", "string")),
    Case(f"{FILES}same", ("data.path=qa_same", "every question of test")),
    Case(f"{FILES}few.csv", ("data.validation_share=0.1 of 3 examples", "validation")),
    Case(f"{FILES}good data.test_share=0.5", ("data.test_share=0.5", "has no effect")),
    Case(f"{FILES}good data.label=x", ("data.label", "question")),
    Case(f"{QA} data=qa_files data.path=qa_good", ("no tokenizer is given", "tokenizer.kind")),
    # What does not go together.
    Case(f"{QA} data=demo", ("task=qa", "data=demo", "data=qa_demo, qa_files, qa_hub", "task=classification")),
    Case("framework=lora data=qa_demo", ("task=classification", "data=qa_demo", "task=qa")),
    Case("framework=hf data=qa_demo", ("task=classification", "data=qa_demo", "task=qa")),
    Case("framework=hf task=qa data=qa_demo", ("framework=hf does not do task=qa", "classification")),
    Case("task=qa data=qa_demo", ("framework=hf does not do task=qa", "classification")),
    Case(f"{QA} data=qa_demo task.selection_metric=accuracy", ("accuracy", "loss, perplexity, exact_match, token_f1")),
    Case(f"{QA} data=qa_demo task.selection_metric=token_f1", ("greater_is_better=false", "greater_is_better=true")),
    Case(f"{QA} data=qa_demo data.limit=1", ("data.limit=1", "at least 2")),
    Case(f"{QA} data=qa_demo train.max_length=5", ("train.max_length=5", "6 or more")),
]
GOOD = {
    "train.jsonl": '{"question": "qui ?", "answer": "moi"}\n{"question": "où ?", "answer": "ici"}\n',
    "valid.jsonl": '{"question": "quand ?", "answer": "demain"}\n',
    "test.jsonl": '{"question": "comment ?", "answer": "bien"}\n',
}
# Directory -> the files in which it differs from a good one.
DIRECTORIES = {
    "good": {},
    "answer": {"train.jsonl": '{"question": "qui ?", "answer": "moi"}\n{"question": "où ?", "answer": " "}\n'},
    "question": {"test.jsonl": '{"question": "", "answer": "bien"}\n'},
    "lacks": {"train.jsonl": '{"question": "qui ?", "answer": "moi"}\n{"question": "où ?"}\n'},
    "number": {"train.jsonl": '{"question": "combien ?", "answer": 42}\n'},
    "same": {"test.jsonl": '{"question": "qui ?", "answer": "toi"}\n'},
}


def make(directory: Path) -> None:
    """Create what the cases need; every name begins with qa_."""
    for name, different in DIRECTORIES.items():
        place = directory / f"qa_{name}"
        place.mkdir()
        for file, content in {**GOOD, **different}.items():
            (place / file).write_text(content, encoding="utf-8")
    (directory / "qa_few.csv").write_text("question,answer\nqui ?,moi\noù ?,ici\nquand ?,demain\n", encoding="utf-8")
