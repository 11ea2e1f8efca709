# SPDX-License-Identifier: Apache-2.0
"""Which files there are, and what their folders and names say of them: `data/{label}/{group}_*.csv`."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgernn.data.text.textfile import shown
from edgernn.errors import ConfigError, DataError

SUFFIXES = (".csv", ".txt", ".tsv", ".dat", ".data")
_PART_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
"""The parts of a given split, by what folders and files are called."""

_MAX_FILES = 100_000
_MOST_CLASSES = 50
_SPECIAL = re.compile(r"[*?{\[]")
_TOKEN = re.compile(r"\{([A-Za-z_]\w*)\}|(\*)|(\?)|(\[[^\]/]+\])")


@dataclass(frozen=True)
class Source:
    """A file and what its path says: the values of the pattern's named fields; key: the same for the files of one
    recording, its path without what {sensor} stands for."""

    path: Path
    fields: Mapping[str, str] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True)
class Layout:
    """sources: the files, by name; names: of the fields; notes: for the user, what was left out."""

    base: Path
    sources: tuple[Source, ...]
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find(path: str | Path, apart: Path | None = None) -> Layout:
    """The files that a path means: a file, the tables in a folder and below it, or those that a pattern fits.

    A pattern has `*`, `?` and `[0-9]` as a shell does, `**` for any folders, and fields such as `{label}`, whose values
    it takes from the path; `{_}` is a field that is not kept. apart: a file that is none of them.
    Raises DataError where there is no such file, or a name fits the pattern in two ways, ConfigError for a pattern that
    is none.
    """
    text = str(path)
    if Path(text).is_file() or (Path(text).exists() and not Path(text).is_dir()):
        return Layout(Path(text).parent, (Source(Path(text), key=text),))
    if Path(text).is_dir():
        return _folder(Path(text), apart)
    if not _SPECIAL.search(text):
        raise DataError(
            f"{shown(path)}: no such file or folder; give a file, a folder, or a pattern such as data/{{label}}/*.csv"
        )
    return _pattern(text, apart)


def part(source: Source, value: str) -> str:
    """The part of a given split that a folder or a name stands for. Raises DataError for another word."""
    known = _PART_NAMES.get(value.lower())
    if known is None:
        raise DataError(
            f"{shown(source.path)}: `{shown(value)}` is no part of a split; {{split}} is {', '.join(_PART_NAMES)}"
        )
    return known


def suggestion(layout: Layout, kind: str = "label") -> str | None:
    """A pattern whose field of this kind the folders, else the file names, of these sources look like."""
    paths = [source.path.relative_to(layout.base) for source in layout.sources]
    if len(paths) < 2 or len({len(path.parts) for path in paths}) > 1:
        return None
    suffix = "*" + Counter(path.suffix for path in paths).most_common(1)[0][0]
    folders = [
        _of_folders({path.parts[at] for path in paths}, kind, len(paths)) for at in range(len(paths[0].parts) - 1)
    ]
    if f"{{{kind}}}" in folders:
        return (layout.base / "/".join([*folders, suffix])).as_posix()
    for mark in ("_", "-", ""):
        pieces = [re.match(r"([^\W\d_]+)" + (mark or r"(?=\d)"), path.name) for path in paths]
        values = {piece[1] for piece in pieces if piece}
        if all(pieces) and 2 <= len(values) <= _MOST_CLASSES and len(values) < len(paths):
            name = f"{{{kind}}}{mark}{suffix}" if mark else f"{{{kind}}}[0-9]{suffix}"
            return (layout.base / "/".join([*folders, name])).as_posix()
    return None


def _of_folders(names: set[str], kind: str, files: int) -> str:
    if len(names) > 1 and all(name.lower() in _PART_NAMES for name in names):
        return "{split}"
    return f"{{{kind}}}" if 2 <= len(names) <= min(_MOST_CLASSES, files) else "*"


def _folder(folder: Path, apart: Path | None) -> Layout:
    by_suffix: dict[str, list[Path]] = {}
    for file in _below(folder):
        if file.suffix.lower() in SUFFIXES and not _same(file, apart):
            by_suffix.setdefault(file.suffix.lower(), []).append(file)
    if not by_suffix:
        raise DataError(f"{shown(folder)}: holds no file that ends in {', '.join(SUFFIXES)}; give a folder that does")
    chosen = ".csv" if ".csv" in by_suffix else min(by_suffix)
    if ".csv" not in by_suffix and len(by_suffix) > 1:
        raise DataError(
            f"{shown(folder)}: holds files that end in {' and in '.join(sorted(by_suffix))}; name those that are "
            f'recordings, such as path = "{shown(folder)}/*{chosen}"'
        )
    others = sum(len(files) for suffix, files in by_suffix.items() if suffix != chosen)
    notes = (f"{others} files that don't end in .csv left out",) if others else ()
    found = Layout(folder, tuple(Source(file, key=str(file)) for file in sorted(by_suffix[chosen])), notes=notes)
    _check_no_split(found)
    return found


def _check_no_split(layout: Layout) -> None:
    """Raises DataError where folders or file names are those of a given split, which a folder as path would mix."""
    paths = [source.path.relative_to(layout.base) for source in layout.sources]
    suffix = f"*{paths[0].suffix}"
    for at in range(min(len(path.parts) for path in paths) - 1):
        names = {path.parts[at] for path in paths}
        if _is_split(names):
            before = ["*"] * at
            _refuse_split(layout, "folders", names, [*before, "{split}", "**", suffix], [*before, "*", "**", suffix])
    begins = {re.split("[_-]", path.name)[0] for path in paths}
    if _is_split(begins):
        mark = "_" if all("_" in path.name for path in paths) else "-"
        _refuse_split(layout, "file names", begins, ["**", f"{{split}}{mark}{suffix}"], ["**", suffix])
    for mark in ("", "_", "-"):
        ends = _ends(paths, mark)
        if _is_split(ends):
            name = f"{{_}}{mark}{{split}}{paths[0].suffix}" if mark else f"{{split}}{paths[0].suffix}"
            _refuse_split(layout, "file names", ends, ["**", name], ["**", suffix])


def _ends(paths: Sequence[Path], mark: str) -> set[str]:
    """What stands behind the last mark of the names, which is a part of each; the whole names without a mark."""
    if not all(mark in path.stem for path in paths):
        return set()
    return {path.stem.rpartition(mark)[2] if mark else path.stem for path in paths}


def _is_split(names: set[str]) -> bool:
    lower = {name.lower() for name in names}
    return lower <= _PART_NAMES.keys() and len({_PART_NAMES[name] for name in lower}) > 1


def _refuse_split(layout: Layout, what: str, names: set[str], kept: list[str], anew: list[str]) -> None:
    patterns = [shown(layout.base.joinpath(*parts)) for parts in (kept, anew)]
    raise DataError(
        f"{shown(layout.base)}: its {what} {' and '.join(sorted(names))} look like a given split; write "
        f'path = "{patterns[0]}" to keep it, or path = "{patterns[1]}" to divide anew'
    )


def _below(folder: Path) -> Iterator[Path]:
    """The files in a folder and below it, without hidden ones; links to folders are not followed."""
    count = 0
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _hidden(name)]
        for name in files:
            count += 1
            if count > _MAX_FILES:
                raise DataError(f"{shown(folder)}: holds more than {_MAX_FILES:,} files; give a smaller folder")
            if not _hidden(name):
                yield Path(here, name)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _same(file: Path, other: Path | None) -> bool:
    return other is not None and file.resolve() == other.resolve()


def _pattern(text: str, apart: Path | None) -> Layout:
    parts = Path(text).parts
    names = [match[1] for match in _TOKEN.finditer(text) if match[1] and match[1] != "_"]
    if len(set(names)) < len(names):
        raise ConfigError(
            f"path `{shown(text)}` has a field twice; name each field once, and what does not count {{_}}"
        )
    fixed = next(at for at, piece in enumerate(parts) if _SPECIAL.search(piece))
    base = Path(*parts[:fixed])
    pieces = [_Piece.of(piece) for piece in parts[fixed:]]
    found = {source.path: source for source in _matches(Source(base), pieces) if not _same(source.path, apart)}
    if not found:
        raise DataError(f"{shown(text)}: fits no file; correct the pattern, or give a folder")
    return Layout(base, tuple(found[path] for path in sorted(found)), tuple(names))


@dataclass(frozen=True)
class _Piece:
    """A pattern of one name; shortest, longest: its fields as short and as long as they can be."""

    text: str
    shortest: re.Pattern[str]
    longest: re.Pattern[str]

    @classmethod
    def of(cls, text: str) -> "_Piece":
        try:
            return cls(text, *(re.compile(_expression(text, lazy), re.DOTALL) for lazy in ("?", "")))
        except re.error:
            raise ConfigError(f"path has `{shown(text)}`, which is no pattern of a name; correct it") from None

    def below(self, source: Source, entry: Path) -> Source | None:
        """The source one name further, None where the name does not fit."""
        short, long = self.shortest.fullmatch(entry.name), self.longest.fullmatch(entry.name)
        if short is None or long is None:
            return None
        for name, value in short.groupdict().items():
            if value != long[name]:
                raise DataError(
                    f"{shown(entry)}: fits `{shown(self.text)}` in two ways, {{{name}}} is `{shown(value)}` or "
                    f"`{shown(long[name])}`; write more of the name into path, such as [0-9] for a digit"
                )
        fields = short.groupdict()
        begin, end = short.span("sensor") if "sensor" in fields else (0, 0)
        return Source(entry, {**source.fields, **fields}, f"{source.key}/{entry.name[:begin]}/{entry.name[end:]}")


def _expression(text: str, lazy: str) -> str:
    out, end = "", 0
    for token in _TOKEN.finditer(text):
        name, star, _, letters = token.groups()
        out += re.escape(text[end : token.start()])
        if name:
            # Beside other text a part is one word: `{split}_*` fits test_walk_1 in one way.
            some = "[^/_-]+" if name == "split" and text != "{split}" else f"[^/]+{lazy}"
            out += some if name == "_" else f"(?P<{name}>{some})"
        elif letters:
            out += re.sub(r"^\[!", "[^", letters)
        else:
            out += f"[^/]*{lazy}" if star else "[^/]"
        end = token.end()
    if "{" in _TOKEN.sub("", text):
        raise ConfigError(f"path has `{shown(text)}`, whose braces are no field such as {{label}}; correct it")
    return out + re.escape(text[end:])


def _matches(source: Source, pieces: Sequence[_Piece]) -> Iterator[Source]:
    piece, rest = pieces[0], pieces[1:]
    anywhere = piece.text == "**"
    if anywhere:
        yield from _matches(source, rest or [_Piece.of("*")])
    for entry in _entries(source.path):
        if anywhere and entry.is_dir() and not entry.is_symlink():
            yield from _matches(Source(entry, source.fields, f"{source.key}/{entry.name}"), pieces)
        elif not anywhere and (found := piece.below(source, entry)) is not None:
            if rest and entry.is_dir():
                yield from _matches(found, rest)
            elif not rest and not entry.is_dir():
                yield found


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in (folder if folder.parts else Path(".")).iterdir() if not _hidden(entry.name))
    except OSError:
        return []


def lacking(layout: Layout) -> str:
    """What to write where no file has the column of the class; empty where nothing suggests anything."""
    pattern, named = suggestion(layout), _of_names(layout)
    beside = [file for folder in (layout.base, layout.base.parent) for file in _entries(folder) if _noted(file)]
    if beside and not pattern:
        return f'; if {shown(beside[0])} holds the labels, write annotations = "{shown(beside[0])}"'
    hints = []
    # A person's folder has a number where the class is a word.
    if pattern and not (named and any(map(str.isdigit, "".join(_values(pattern, "label"))))):
        hints.append(("folders" if "{label}/" in pattern else "file names", pattern))
    if named and (not pattern or "{label}/" in pattern):
        hints.append(("file names", named))
    told = [f'if the {what} are the classes, write path = "{shown(Path(found))}"' for what, found in hints]
    return "; " + ", or ".join(told) if told else ""


def _values(pattern: str, name: str) -> set[str]:
    return {source.fields[name] for source in find(pattern).sources if name in source.fields}


def _of_names(layout: Layout) -> str | None:
    """A pattern whose {label} is the whole name of each file, or its last piece, where those are words."""
    paths = [source.path.relative_to(layout.base) for source in layout.sources]
    if len({(len(path.parts), path.suffix) for path in paths}) > 1:
        return None
    columns = zip(*(path.parts[:-1] for path in paths), strict=True)
    folders = ["{split}" if _is_split(set(names)) else "*" for names in columns]
    for mark in ("", "_", "-"):
        words = _ends(paths, mark)
        several = len(words) < len(paths) or (not mark and not folders)
        if 2 <= len(words) <= _MOST_CLASSES and several and all(re.fullmatch(r"[^\W\d]+", word) for word in words):
            name = f"{'{_}' if mark else ''}{mark}{{label}}{paths[0].suffix}"
            return (layout.base / "/".join([*folders, name])).as_posix()
    return None


def _noted(file: Path) -> bool:
    return bool(re.search("label|annot|event|truth", file.stem.lower())) and file.suffix.lower() in SUFFIXES
