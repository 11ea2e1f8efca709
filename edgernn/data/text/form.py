# SPDX-License-Identifier: Apache-2.0
"""What form a text table has: its separator, what stands in front of the rows, and what names the columns."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from edgernn.data.columns.column import MISSING, floats
from edgernn.data.text.textfile import shown
from edgernn.errors import ConfigError, DataError

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " "}
"""What `separator` may name beside the characters themselves; a space is any run of spaces and tabs."""

_BY_RANK = ("\t", ";", "|", ",", " ")
"""Which separator is meant when several explain the rows as well: a comma may be a decimal mark, a space text."""
_COMMENTS = ("#", "%", "//")
_TERMINATORS = (";", ",")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Form:
    """separator: one of SEPARATORS' characters; width: cells of a row; names: of the columns, None where nothing names
    them; first: the cells of the first row behind the names; begin: the lines in front of that row; comment: what opens
    a line that is no row, or empty; terminator: what ends every row, or empty; units: rows under the names that hold no
    value and are skipped; started: whether a row of the start time and one of the rate stand in front, as Empatica
    writes them."""

    separator: str
    width: int
    names: tuple[str, ...] | None
    first: tuple[str, ...]
    begin: int
    comment: str = ""
    terminator: str = ""
    units: int = 0
    started: bool = False

    def words(self) -> str:
        """As in "separator `;`, no header"."""
        named = {"\t": "tab", " ": "spaces"}.get(self.separator, f"`{self.separator}`")
        parts = [f"separator {named}" if self.width > 1 else "one column"]
        parts += ["no header"] if self.names is None else []
        parts += [f"comments behind `{self.comment}`"] if self.comment else []
        parts += ["a row of units under the header"] if self.units == 1 else []
        parts += [f"{self.units} rows of no values under the header"] if self.units > 1 else []
        parts += ["a start time and a rate in front"] if self.started else []
        return ", ".join(parts)


class _Row(NamedTuple):
    line: int
    cells: tuple[str, ...]


def separator(text: str) -> str:
    """The separator that a configuration names, "" for "auto". Raises ConfigError for another one."""
    known = {"auto": "", "\\t": "\t", **SEPARATORS, **{mark: mark for mark in SEPARATORS.values()}}
    if text not in known:
        raise ConfigError(f"separator is `{shown(text)}`; give auto, {', '.join(SEPARATORS)}, or the character")
    return known[text]


def is_number(cell: str) -> bool:
    """Whether the cell is a number, with a decimal point or comma, or stands for a missing one."""
    return cell.lower() in MISSING or _NUMBER.fullmatch(cell) is not None


def split(line: str, mark: str) -> tuple[str, ...]:
    """The cells of a line, without the spaces around them."""
    if mark == " ":
        return tuple(cell.strip('"') for cell in re.findall(r'"[^"]*"|\S+', line))
    try:
        return tuple(cell.strip() for cell in next(csv.reader([line], delimiter=mark, skipinitialspace=True), []))
    except csv.Error:
        return tuple(cell.strip() for cell in line.split(mark))


def detect(lines: Sequence[str], given: str = "", header: bool | None = None) -> Form:
    """The form of the table that begins with these lines.

    given: the separator, "" to find it. header: whether the first row names the columns, None to find out.
    Raises DataError, whose text lacks the file, where the lines contradict each other or don't decide it.
    """
    numbered = [(number, line) for number, line in enumerate(lines) if line.strip()]
    announced = re.fullmatch(r'"?sep=(.)"?', numbered[0][1].strip()) if numbered else None
    if announced and announced[1] in _BY_RANK:
        given, numbered = given or announced[1], numbered[1:]
    comment = next((mark for mark in _COMMENTS if numbered and numbered[0][1].lstrip().startswith(mark)), "")
    comments = [line.lstrip()[len(comment) :] for _, line in numbered if comment and line.lstrip().startswith(comment)]
    numbered = [(number, line) for number, line in numbered if not comment or not line.lstrip().startswith(comment)]
    if not numbered:
        raise DataError("is empty; leave it out")
    _check_table([line for _, line in numbered])
    terminator = _terminator([line for _, line in numbered], given)
    numbered = [(number, line.rstrip().removesuffix(terminator)) for number, line in numbered]
    mark = given or _likeliest([line for _, line in numbered])
    rows = [_Row(number, split(line, mark)) for number, line in numbered]
    named = _Row(-1, split(comments[-1], mark)) if comments else None
    return _layout(rows, named, mark, comment, terminator, header)


def _layout(
    rows: list[_Row], named: _Row | None, mark: str, comment: str, terminator: str, header: bool | None
) -> Form:
    """named: the last comment, whose words may be names."""
    width = _width([row.cells for row in rows])
    begin = next(at for at, row in enumerate(rows) if len(row.cells) == width)
    body = [row for row in rows[begin:] if len(row.cells) == width]
    # Behind the names, and two rows of units or kinds.
    numeric = _numeric([row.cells for row in (body[4:] or body[2:] or body[1:])])
    names: tuple[str, ...] | None = None
    units = 0
    started = header is not True and _started(body)
    body = body[2 * started :]
    if header is not False and not started:
        before = rows[begin - 1] if begin else None
        if header or not _holds_values(body[0].cells, numeric):
            names, body = body[0].cells, body[1:]
            while numeric and len(body) > 2 and not any(is_number(body[0].cells[at]) for at in numeric):
                units, body = units + 1, body[1:]
        elif before and len(before.cells) > 1 and not any(map(is_number, before.cells)):
            names = _fitted(before.cells, body, width, mark)
        elif named and len(named.cells) == width and not any(map(is_number, named.cells)):
            names = named.cells
        elif width > 1 and body[0].cells in (_counted(0, width), _counted(1, width)):
            raise DataError(
                f"its first row, {', '.join(body[0].cells[:5])}, may be names or values: set header = true or false"
            )
    first = body[0] if body else _Row(rows[-1].line + 1, ())
    return Form(mark, width, names, first.cells, first.line, comment, terminator, units, started)


def _started(body: list[_Row]) -> bool:
    """Whether all cells of the first row are one time since 1970 and all of the second one rate, in front of others."""
    if len(body) < 4 or not all(is_number(cell) for row in body[:4] for cell in row.cells):
        return False
    first, second, *others = (set(floats([cell.replace(",", ".") for cell in row.cells])) for row in body[:4])
    if len(first) > 1 or len(second) > 1:
        return False
    start, rate = first.pop(), second.pop()
    return 1e9 <= start <= 2.2e9 and 0 < rate <= 1e5 and all(abs(cell) < 1e6 for row in others for cell in row)


def _check_table(lines: Sequence[str]) -> None:
    """Raises DataError for what is another format, whose first line would be taken for names."""
    first = lines[0].lstrip()
    if re.match(r"<[!?a-zA-Z]", first):
        raise DataError("looks like a web page or XML and no table; download or export the table itself")
    if re.match(r'\{\s*"|\[\s*[\[{"]|\[\s*$|\{\s*$', first):
        raise DataError("looks like JSON and no table; write it as CSV, such as by pandas.read_json and to_csv")
    pair = r"\s*[A-Za-z_]\w*\s*[:=]\s*[-+.\d]+[^\s,;:=]*"
    if len(lines) > 2 and all(re.fullmatch(rf"{pair}([,;\s]{pair})*[,;\s]*", line) for line in lines):
        raise DataError(
            f"has a name in front of each value, such as `{shown(first.split()[0])}`; write the names once, in the "
            "first row, and the values alone below"
        )


def _fitted(names: tuple[str, ...], body: list[_Row], width: int, mark: str) -> tuple[str, ...]:
    """Names of a header that is not as wide as the rows: only an empty cell behind every row makes no difference."""
    if len(names) == width - 1 and not any(row.cells[-1] for row in body):
        return (*names, "")
    reason = "a decimal comma needs another separator or quotes, " if mark == "," else ""
    raise DataError(
        f"its header names {len(names)} columns, but its rows have {width} cells; {reason}repair the header, "
        "or name the columns by header = [...]"
    )


def _terminator(lines: Sequence[str], given: str) -> str:
    """What each line ends with that separates nothing; WISDM's rows end with `;` and are separated by commas."""
    for mark in _TERMINATORS:
        ends = sum(line.rstrip().endswith(mark) and line.count(mark) == 1 for line in lines)
        if mark != given and ends >= max(1, len(lines) - 1):
            return mark
    return ""


def _likeliest(lines: Sequence[str]) -> str:
    scores = {mark: _score(lines, mark) for mark in _BY_RANK}
    best = max(_BY_RANK, key=lambda mark: scores[mark])
    return best if any(scores[best]) else ","


def _score(lines: Sequence[str], mark: str) -> tuple[float, float]:
    """How well a separator explains the lines: the share of lines of one width times the share of columns of numbers;
    on ties the share of lines alone."""
    rows = [split(line, mark) for line in lines]
    width = _width(rows)
    if width < 2:
        return 0.0, 0.0
    same = [row for row in rows if len(row) == width]
    share = len(same) / len(rows)
    return share * len(_numeric(same[1:] or same)) / width, share


def _width(rows: Sequence[tuple[str, ...]]) -> int:
    """The most frequent one; of several, that of the later rows, since what stands in front is no table."""
    counts = Counter(len(row) for row in reversed(rows))
    return counts.most_common(1)[0][0]


def _numeric(rows: Sequence[tuple[str, ...]]) -> list[int]:
    """The columns that hold numbers, and not only missing ones."""
    return [
        at
        for at, column in enumerate(zip(*rows, strict=True))
        if all(map(is_number, column)) and any(cell.lower() not in MISSING for cell in column)
    ]


def _holds_values(row: tuple[str, ...], numeric: list[int]) -> bool:
    """Whether the first row is one of values; where no column of numbers decides it, any number in the row does."""
    return all(is_number(row[at]) for at in numeric) if numeric else any(map(_NUMBER.fullmatch, row))


def _counted(begin: int, count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(begin, begin + count))
