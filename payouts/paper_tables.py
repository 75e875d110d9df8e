"""Tables on the paper of accounts, returns and statements: a title, heads, rows that go on over pages."""

from collections.abc import Sequence

from payouts.paper import BOTTOM, GREY, LEFT, TOP, WIDTH, Paper

ROW = 5.2
ROWS_TOLD_MAX = 400

Heading = tuple[str, float, bool]  # what a column says, how wide it is, and whether it ends at the right


def draw_table(
    paper: Paper, title: str, columns: Sequence[Heading], lines: Sequence[Sequence[str]], *, points: float = 8
) -> None:
    draw_title(paper, title)
    if not lines:
        paper.ink(9, grey=GREY)
        paper.paragraph("Aucun.")
        return
    _heads(paper, columns)
    for line in lines[:ROWS_TOLD_MAX]:
        if paper.get_y() + ROW > BOTTOM:
            paper.add_page()
            paper.set_y(TOP)
            _heads(paper, columns)
        draw_row(paper, columns, line, points=points)
    paper.rule(paper.get_y())
    if len(lines) > ROWS_TOLD_MAX:
        paper.paragraph("La suite est dans les tableaux de l’archive.")


def draw_title(paper: Paper, text: str) -> None:
    y = paper.get_y() + 4
    if y + 26 > BOTTOM:
        paper.add_page()
        y = TOP
    paper.ink(11, bold=True)
    paper.write_at(LEFT, y + 4, text, width=WIDTH)
    paper.set_y(y + 6.4)


def _heads(paper: Paper, columns: Sequence[Heading]) -> None:
    paper.band(paper.get_y(), ROW)
    paper.ink(8, bold=True)
    _cells(paper, columns, [text for text, *_ in columns])
    paper.set_y(paper.get_y() + ROW + 0.4)


def draw_row(paper: Paper, columns: Sequence[Heading], cells: Sequence[str], *, points: float = 9) -> None:
    paper.ink(points)
    _cells(paper, columns, cells)
    paper.set_y(paper.get_y() + ROW)


def _cells(paper: Paper, columns: Sequence[Heading], cells: Sequence[str]) -> None:
    x, y = LEFT, paper.get_y()
    for (_, width, is_right), cell in zip(columns, cells, strict=True):
        paper.write_at(x + 1, y + ROW * 0.7, cell, width=width - 2, right=is_right)
        x += width
    assert x <= LEFT + WIDTH + 0.1
