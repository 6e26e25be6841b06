from __future__ import annotations

import re
from pathlib import Path

from sweeper.report.markup import SPECIAL, escape_latex, latex, latex_table
from sweeper.report.text import TextTable
from tests.records import compared, trial, write, write_demo

EVIL = "\\input{/etc/passwd} $x^2$ & 50% #1 a_b ~ {} \x1b[31m \"q\" 'r' `s` <b> | -- ± − –"


def test_every_special_character_is_set_as_it_is() -> None:
    assert escape_latex("50 % of a_b & {c}") == r"50 \% of a\_b \& \{c\}"
    assert escape_latex("\\input{x}") == r"\textbackslash{}input\{x\}"
    assert escape_latex("a-b --c ---") == "a-b -{}-c -{}-{}-"  # -- alone would be a dash
    escaped = escape_latex(EVIL).replace("-{}-", "")
    for command in sorted(SPECIAL.values(), key=len, reverse=True):
        escaped = escaped.replace(command, "")
    assert not re.search(r"[\\{}$&#%_~^\x1b]", escaped)


def test_a_table_has_a_column_a_head_and_rules_of_booktabs() -> None:
    table = TextTable(
        "A title", ("model", "test\naccuracy (%)", "n"), 1, ((("pt", "[1, 2]", "3"),), (("rd", "–", "1"),))
    )
    lines = latex_table(table, 1).splitlines()
    assert "\\begin{tabular}{lrr}" in lines and "\\addlinespace" in lines
    assert [line for line in lines if line.endswith("\\\\")] == [
        " & test &  \\\\",
        "model & accuracy (\\%) & n \\\\",
        "pt & {}[1, 2] & 3 \\\\",  # a bracket after \\ would be its argument
        "rd & \\textendash{} & 1 \\\\",
    ]
    assert [rule for rule in lines if rule.endswith("rule")] == ["\\toprule", "\\midrule", "\\bottomrule"]


def test_environments_are_closed_and_rows_have_all_their_cells(tmp_path: Path) -> None:
    write_demo(tmp_path)
    write(tmp_path, trial(arch={"name": EVIL}), [0.5], [0.4])
    content = latex(compared(tmp_path), "demo")
    for environment in ("table", "tabular", "itemize"):
        assert content.count(f"\\begin{{{environment}}}") == content.count(f"\\end{{{environment}}}") > 0
    for columns, body in re.findall(r"\\begin{tabular}{([^\n]*)}\n(.*?)\\end{tabular}", content, re.DOTALL):
        count = len(re.sub(r"p{[^}]*}", "p", columns))
        rows = [line for line in body.splitlines() if line.endswith("\\\\")]
        assert rows and all(len(re.findall(r"(?<!\\)&", row)) == count - 1 for row in rows)
