# SPDX-License-Identifier: Apache-2.0
"""TOML and overrides -> a configuration, or one sentence about the key that is wrong."""

import difflib
import json
import os
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from edgernn.config.schema import SOURCES, Config, ConvertConfig, CsvData, Section
from edgernn.errors import ConfigError

S = TypeVar("S", Config, ConvertConfig)

_LARGEST_FILE = 2**18
_DEEPEST = 8
_SHOWN = 60
"""Bytes of a configuration; lists and sections within each other, far more than any needs; characters of a value that a
sentence quotes."""


def load(path: Path | None, overrides: Iterable[str] = ()) -> Config:
    """The configuration in `path` (None: all defaults), changed by overrides like "model.units=16".

    Raises ConfigError, which names the key, what it may be, and for an unknown key the nearest known one.
    """
    return _validated(Config, path, {} if path is None else _read(path), overrides)


def load_convert(overrides: Iterable[str] = ()) -> ConvertConfig:
    """The defaults, changed by overrides like "quantize.operands=int16". Raises ConfigError like `load`."""
    return _validated(ConvertConfig, None, {}, overrides)


def stored_csv(section: object, path: Path) -> CsvData:
    """How to read the CSV in `path`: by the section "data" of the configuration that an artifact's manifest keeps.

    Raises ConfigError when that is not of CSV.
    """
    if not isinstance(section, dict) or section.get("source") != "csv":
        raise ConfigError(
            f"{path}: the artifact was not built from CSV, so nothing says how to read this: give an .npz file"
        )
    try:
        return CsvData.model_validate(_tuples({**section, "path": str(path)}, _DEEPEST))
    except (ValidationError, RecursionError, OverflowError):
        raise ConfigError(
            f"{path}: the artifact's manifest has a configuration of CSV that this edgernn can't use: give an .npz "
            "file, or build the artifact again"
        ) from None


def _validated(schema: type[S], path: Path | None, values: dict[str, Any], overrides: Iterable[str]) -> S:
    keys = [_override(values, override, schema.EXAMPLE) for override in overrides]
    try:
        return schema.model_validate(_tuples(values, _DEEPEST))
    except ValidationError as error:
        raise ConfigError(_sentence(schema, path, error, keys)) from None
    except (RecursionError, OverflowError) as error:
        what = "is nested too deeply" if isinstance(error, RecursionError) else "has a number that is too large"
        raise ConfigError(f"{_where(path)} {what}: `edgernn init -` shows what it may hold") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        text = _content(path).decode("utf-8")
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path} can't be read ({error.strerror}): `edgernn init` writes a configuration") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid TOML: {_reason(error)}") from error


def _content(path: Path) -> bytes:
    """A file of its bounded size. Raises OSError, and ConfigError for what is no regular file: it may never end."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ConfigError(f"{path} is no regular file: `edgernn init` writes a configuration")
        content = file.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise ConfigError(f"{path} has more than {_LARGEST_FILE >> 10} KiB, so it is no configuration")
    return content


def _reason(error: Exception) -> str:
    """What of a text is wrong, where Python's own words are about Python."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, tomllib.TOMLDecodeError | UnicodeDecodeError):
        return str(error)
    return "it has a number or a date that is out of range"


def _tuples(value: Any, levels: int) -> Any:
    """TOML's value with lists as tuples, at any depth. Raises RecursionError below so many levels."""
    if not levels:
        raise RecursionError
    if isinstance(value, dict):
        return {key: _tuples(entry, levels - 1) for key, entry in value.items()}
    return tuple(_tuples(entry, levels - 1) for entry in value) if isinstance(value, list) else value


def _override(values: dict[str, Any], override: str, example: str) -> list[str]:
    """Changes the values; returns the key, by its sections."""
    first, *others = override.splitlines() or [""]
    if others:
        raise ConfigError(f"--set {_cut(first)} goes on in another line: give each key a --set of its own")
    if not override.isascii() and override != override.encode("utf-8", "replace").decode("utf-8"):
        raise ConfigError(f"--set {_cut(override)} has bytes that are no UTF-8: write it in UTF-8")
    key, equals, text = override.strip().partition("=")
    *sections, last = key.strip().split(".")
    if not equals or not all((*sections, last)):
        raise ConfigError(f"--set {_cut(override)} is no key and value: write it like --set {example}")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"--set {_cut(override)}: {section} is no section")
    values[last] = _value(override, text)
    return [*sections, last]


def _value(override: str, text: str) -> Any:
    """As TOML has it, or else the text itself. In braces, where neither a comment nor a second key can be left out."""
    try:
        parsed = tomllib.loads(f"braces = {{ value = {text} }}")["braces"]
    except tomllib.TOMLDecodeError:
        return text.strip()
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--set {_cut(override)} has no value of TOML: {_reason(error)}") from None
    return parsed["value"] if len(parsed) == 1 else text.strip()


def _where(path: Path | None) -> str:
    return "the configuration" if path is None else str(path)


def _sentence(schema: type[Section], path: Path | None, error: ValidationError, overridden: list[list[str]]) -> str:
    errors = error.errors()
    first = errors[0]
    key, fields = _place(schema, first["loc"])
    tagged = [*key, "source"] if first["type"] == "union_tag_invalid" else key
    where = "--set" if any(tagged == own[: len(tagged)] for own in overridden) else _where(path)
    if first["type"] == "extra_forbidden":
        return f"{where} has an unknown key {'.'.join(key)}: {_hint(key, list(fields))}"
    if first["type"] == "union_tag_invalid":
        return f"{where}: data.source is {_shown(first['input']['source'])}, but should be {', '.join(SOURCES)}"
    same = [entry for entry in errors if _place(schema, entry["loc"])[0] == key]
    wanted = " or ".join(dict.fromkeys(map(_wanted, same)))
    description = fields[key[-1]].description
    meaning = f" ({description})" if description else ""
    return f"{where}: {'.'.join(key)} is {_shown(first['input'])}, but should {wanted}{meaning}"


def _place(schema: type[Section], location: tuple[int | str, ...]) -> tuple[list[str], Mapping[str, FieldInfo]]:
    """The key at pydantic's location, which has more parts, and the fields of the section that the key is in."""
    keys = [str(part) for part in location]
    section: Any = schema.model_fields[keys[0]].annotation if len(keys) > 1 else None
    if keys[0] == "data" and section is not None:
        return ["data", keys[2]], SOURCES[keys[1]].model_fields
    if isinstance(section, type) and issubclass(section, Section):
        return keys[:2], section.model_fields
    return keys[:1], schema.model_fields


def _hint(key: list[str], known: list[str]) -> str:
    others = [source for source, data in SOURCES.items() if key[0] == "data" and key[-1] in data.model_fields]
    if others:
        return f"it belongs to source {' or '.join(others)}"
    near = difflib.get_close_matches(key[-1], known, n=1, cutoff=0.5)
    return f"did you mean {'.'.join([*key[:-1], near[0]])}?" if near else f"there are {', '.join(known)}"


_WANTED = {
    "model_type": "be a section of keys",
    "model_attributes_type": "be a section of keys",
    "string_pattern_mismatch": "be written in another way",
    "tuple_type": "be a list",
}


def _wanted(error: ErrorDetails) -> str:
    text = _WANTED.get(error["type"]) or error["msg"].partition(" should ")[2] or error["msg"]
    return text.removesuffix(f" after validation, not {error.get('ctx', {}).get('actual_length')}")


def _shown(value: object) -> str:
    """A wrong value about as the file has it, cut short."""
    try:
        return _cut(json.dumps(value, default=str))
    except ValueError:
        return "a number of very many digits"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
