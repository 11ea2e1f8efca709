# SPDX-License-Identifier: Apache-2.0
"""The default configuration as TOML."""

from pydantic.fields import FieldInfo

from edgernn.config.schema import Config, Section


def commented(source: str = "watch") -> str:
    """The default configuration for data of this source as TOML, each key with its description."""
    config = Config.model_validate({"data": {"source": source}})
    lines = ["# Configuration of `edgernn build`. Every key is optional; the values here are the defaults.", ""]
    sections: list[str] = []
    for name, field in Config.model_fields.items():
        value = getattr(config, name)
        if isinstance(value, Section):
            sections += ["", f"# {value.__doc__}", f"[{name}]", *_entries(value)]
        else:
            lines.append(_entry(name, value, field))
    return "\n".join([*lines, *sections]) + "\n"


def _entries(section: Section) -> list[str]:
    fields = type(section).model_fields.items()
    source_first = sorted(fields, key=lambda item: item[0] not in ("source", "path"))
    return [_entry(name, getattr(section, name), field) for name, field in source_first]


def _entry(name: str, value: object, field: FieldInfo) -> str:
    return f"{name} = {_toml(value)}  # {field.description}"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else repr(value)
