"""Reports of what is no study, with factors and references that do not exist, or in no known format."""

from __future__ import annotations

from pathlib import Path

from tests.integration.door import Case
from tests.records import trial, write, write_demo

SHIPPED = Path(__file__).parents[2] / "conf/reference/pt_vs_rd_cls_books.yaml"


def report(arguments: str, *expected: str) -> Case:
    return Case(arguments, expected, "report")


CASES = [
    report("nowhere", "there is no directory nowhere", "studies that exist: outputs/reported", "study=nowhere"),
    report("outputs", "outputs is not a study", "outputs/reported"),
    report("outputs/reported nowhere", "there is no directory nowhere"),
    report("outputs/reported outputs/reported", "outputs/reported is given twice"),
    report("by=model", "no study is named", "outputs/demo"),
    report("outputs/reported color=red", "color=red is no setting of a report", "by=FACTOR"),
    report("outputs/reported by=", "by= is empty", "by=FACTOR"),
    report("outputs/reported by=modle", "by=modle: no such factor; did you mean model?", "model, framework"),
    report("outputs/reported by=model,depth", "by=depth: no such factor", "model, framework"),
    report("outputs/reported by=learning_rate", "arch.pretraining.learning_rate, train.learning_rate"),
    report("outputs/reported select=learning", "select=learning: no such factor"),
    report("outputs/reported roles={blocks:model", "roles={blocks:model cannot be read", "'roles={"),
    report("outputs/reported primary={model:[pt,xx]}", "no trial has model=xx", "pt, rd"),
    report("outputs/reported --format=pdf", "--format", "'pdf'", "terminal"),
    report("outputs/other_schema", "has schema 99", "reads schema 1"),
    report("outputs/reported reference=nowhere.yaml", "reference=nowhere.yaml cannot be read"),
    report("outputs/reported reference=broken.yaml", "reference=broken.yaml, line 2 is not YAML"),
    report(
        "outputs/reported reference=empty.yaml",
        "reference=empty.yaml: the file: expected mapping, got null",
        "source, metric",
    ),
    report(f"outputs/reported reference={SHIPPED}", "no group model=pt framework=fairseq", "model=pt framework=hf"),
    Case("reference=pt_vs_rd_cls_books", ("reference=pt_vs_rd_cls_books", "sweeper.report STUDY reference=")),
    Case("-m seed=1,2 +reference=x", ("+reference=x", "sweeper.report STUDY reference=")),
]


def make(directory: Path) -> None:
    """Write the studies and references that the cases name."""
    write_demo(directory / "outputs/reported", seeds=(1, 2))
    record = write(directory / "outputs/other_schema", trial(), [0.5], [0.4])
    (record.path / "outcome.json").write_text('{"schema": 99}')
    (directory / "broken.yaml").write_text("source: s\n  metric: [\n")
    (directory / "empty.yaml").write_text("")
