"""Tables that fit the terminal. What doesn't fit gives way in an order in which least is lost: sentences go on in the
next line of their column, long names lose their middle, and the first column, by which things are found, gives last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from kabanero.cli.text import one_line

Rows = Sequence[Sequence[str]]
Style = Callable[[str], str]
GAP, TIGHT = 3, 2
"""Blanks between columns, and where it is tight."""
WORD = 24
"""Longer words are split where there is no room for them."""
NAME, SENTENCE, LEAST, NARROWEST = 12, 20, 8, 3
"""What a column of long names, one of sentences, and any column keeps for as long as others can give."""


def table_lines(headers: Sequence[str], rows: Rows, width: int, head: Style, style: Style) -> list[str]:
    """The lines of a table; `width` 0 means as wide as it needs. `head` and `style` colour a heading and a word."""
    titles, cells = [header.upper() for header in headers], [[one_line(cell) for cell in row] for row in rows]
    widths, gap = column_widths([titles, *cells], width)
    first, *rest = (list(_row(row, widths, gap, style)) for row in [titles, *cells])
    return [*map(head, first), *(line for row in rest for line in row)]


def column_widths(rows: Rows, width: int) -> tuple[list[int], int]:
    """Of each column what it needs, and the gap; where that is more than there is, the widest give first."""
    from rich.cells import cell_len

    columns = list(zip(*rows, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    if not width or sum(widths) + GAP * (len(widths) - 1) <= width:
        return widths, GAP
    room, others = width - TIGHT * (len(widths) - 1), range(1, len(widths))
    words = [max(cell_len(word) for cell in column for word in cell.split() or [""]) for column in columns]
    _narrow(widths, room, others, [min(max(word, LEAST), WORD) for word in words])
    _narrow(widths, room, others, [_kept(*each) for each in zip(columns, words, strict=True)])
    _narrow(widths, room, range(1), [NAME + LEAST])
    _narrow(widths, room, others, [LEAST] * len(widths))
    _narrow(widths, room, range(len(widths)), [NARROWEST] * len(widths))
    return widths, TIGHT


def _kept(column: Sequence[str], word: int) -> int:
    if word < WORD:
        return word
    return SENTENCE if any(" " in cell for cell in column) else NAME


def _narrow(widths: list[int], room: int, columns: range, least: Sequence[int]) -> None:
    """Takes from the widest of these columns, until all fit or none has more than its least."""
    while sum(widths) > room:
        able = [column for column in columns if widths[column] > least[column]]
        if not able:
            return
        widths[max(able, key=widths.__getitem__)] -= 1


def _row(row: Sequence[str], widths: Sequence[int], gap: int, style: Style) -> Iterator[str]:
    """The lines of one row."""
    cells = [_cell(cell, width) for cell, width in zip(row, widths, strict=True)]
    for number in range(max(map(len, cells))):
        pieces = [cell[number] if number < len(cell) else "" for cell in cells]
        padded = [_padded(piece, width, style) for piece, width in zip(pieces, widths, strict=True)]
        yield (" " * gap).join(padded).rstrip()


def _padded(piece: str, width: int, style: Style) -> str:
    from rich.cells import cell_len

    return style(piece) + " " * (width - cell_len(piece))


def _cell(cell: str, width: int) -> list[str]:
    """A name in one line, a sentence in as many as it needs."""
    from rich.cells import cell_len

    if cell_len(cell) <= width:
        return [cell]
    return list(_wrapped(cell.split(), width)) if " " in cell else [_without_middle(cell, width)]


def _wrapped(words: Sequence[str], width: int) -> Iterator[str]:
    from rich.cells import cell_len, chop_cells

    line = ""
    for word in (piece for each in words for piece in chop_cells(each, width)):
        if line and cell_len(line) + 1 + cell_len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _without_middle(name: str, width: int) -> str:
    """The beginning and the end: names that are made for one thing often begin alike."""
    from rich.cells import cell_len, chop_cells

    tail = chop_cells(name[::-1], max((width - 1) // 2, 1))[0][::-1]
    head = chop_cells(name, max(width - 1 - cell_len(tail), 1))[0]
    return f"{head}…{tail}"
