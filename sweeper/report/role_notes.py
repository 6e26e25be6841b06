"""Lines on what is compared with what: blocks, tuned settings, twins, the primary comparison."""

from __future__ import annotations

from collections.abc import Iterator

from sweeper.analysis.blocks import rank_rows
from sweeper.analysis.contents import Value
from sweeper.analysis.contrasts import contrasts
from sweeper.analysis.factors import SEEDS
from sweeper.analysis.names import group_name
from sweeper.analysis.pairs import BY_PIECE, PIECEWISE_TASKS
from sweeper.analysis.rows import Comparison, Grid
from sweeper.report.text import heading, printable, value_text

EDGES_NAMED = 12  # groups


def role_notes(comparison: Comparison) -> Iterator[str]:
    """Yield what a reader must know of how a study's settings are compared."""
    yield from _block_notes(comparison)
    averaged = [name for name in comparison.roles.nuisance if name not in SEEDS]
    if averaged:
        yield f"Averaged over, as seeds are: {', '.join(map(printable, averaged))}."
    yield from _primary_notes(comparison)
    yield from _twin_notes(comparison)
    yield from _piece_notes(comparison)
    if comparison.grid:
        yield from _tuning_notes(comparison, comparison.grid)


def _block_notes(comparison: Comparison) -> Iterator[str]:
    if named := [heading(name, comparison.factors) for name in comparison.roles.blocks]:
        yield (
            f"Compared within, never across: {', '.join(named)}; what is reached on other data or another task"
            " differs by these."
        )
    if any(rank_rows(comparison)):
        yield (
            f"Ranks: by mean on {comparison.split} in each of n data sets or tasks, ties share a rank; they describe"
            " these, and no p is given."
        )


def _primary_notes(comparison: Comparison) -> Iterator[str]:
    if primary := comparison.primary:
        both = " − ".join(map(str, primary.values))
        size = max((one.family for one in contrasts(comparison) if one.is_primary), default=1)
        own = "tested alone" if size == 1 else f"tested apart from all others, as a family of {size} a data set"
        said = (
            f"named before the first result: planned, and {own}"
            if primary.planned
            else "chosen after results were there, and so corrected with the others"
        )
        yield f"Primary comparison {printable(f'{primary.factor} {both}')}: {said}."


def _passed_over(comparison: Comparison, grid: Grid) -> str:
    """Name the values that were not chosen from, since trials of theirs are missing."""
    most: dict[tuple[Value, ...], int] = {}
    for row in grid.rows:
        most[row.factors] = max(most.get(row.factors, 0), row.validation.n)
    found = [
        f"{group_name(row.factors, comparison)} ({', '.join(map(value_text, row.values))})"
        for row in grid.rows
        if row.validation.n < most[row.factors]
    ]
    more = f" and {len(found) - EDGES_NAMED} more" if len(found) > EDGES_NAMED else ""
    return f"{', '.join(found[:EDGES_NAMED])}{more}" if found else ""


def _twin_notes(comparison: Comparison) -> Iterator[str]:
    for row in comparison.groups:
        if row.twins:
            others = ", ".join(comparison.names.value("model.path", path) for path in row.twins)
            yield (
                f"{group_name(row, comparison)} is the random model of {others}, too: of the same shape and tokenizer."
            )


def _piece_notes(comparison: Comparison) -> Iterator[str]:
    rows = [row for row in comparison.groups if row.settings.get("task.name") in PIECEWISE_TASKS]
    tokenizers = {row.settings.get("digests.tokenizer") for row in rows}
    measured = {name for row in rows for name in (row.metric, *row.others)} & {*BY_PIECE}
    if len(tokenizers) > 1 and measured:
        yield (
            f"{' and '.join(sorted(measured))} count{'s' * (len(measured) == 1)} pieces of text, which differ between"
            " tokenizers: compared only"
            " within one tokenizer."
        )


def _tuning_notes(comparison: Comparison, grid: Grid) -> Iterator[str]:
    named = " and ".join(heading(name, grid.whole.factors) for name in grid.tuned)
    counts = sorted({choice.tried for choice in grid.choices})
    number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    yield (
        f"{named}: of {number} value{'s' * (counts != [1])} a group, that with the best mean validation is taken, ties"
        " to the smaller, and only it is compared. It was chosen on the same seeds that are compared, which flatters"
        " groups that had more to choose from."
    )
    if fewer := _passed_over(comparison, grid):
        yield (
            f"Values with fewer trials that count than another of their group have no part in the choice: {fewer}."
            " What is left after failures would flatter them."
        )
    if any(choice.unequal for choice in grid.choices):
        yield f"CAUTION: groups were not all trained with the same values of {named}."
    for position, name in enumerate(grid.tuned):
        edges = [choice for choice in grid.choices if name in choice.at_edge]
        said = [f"{group_name(own.factors, comparison)} ({value_text(own.values[position])})" for own in edges]
        if said:
            more = f" and {len(said) - EDGES_NAMED} more" if len(said) > EDGES_NAMED else ""
            yield (
                f"CAUTION: {heading(name, grid.whole.factors)} lies at the edge of what was tried, beyond which a"
                f" better value may be: {', '.join(said[:EDGES_NAMED])}{more}."
            )
