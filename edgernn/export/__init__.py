# SPDX-License-Identifier: Apache-2.0
"""A model's C in the layout that an ecosystem expects, with an example that streams a sensor.

A format is one folder in `formats`, found by its name, which looks like what it makes. @name in a path or a text stands
for a value (`_values`) or for a file of `fragments`; a file called @headers or @sources stands for each of the model's.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from edgernn import __version__
from edgernn.artifact import Kind, Model, digest, staged
from edgernn.backends.c.footprint import Footprint, footprints, rounded, tools
from edgernn.backends.c.names import check_prefix, prefix_of
from edgernn.backends.c.write import sources
from edgernn.errors import ConfigError, unknown
from edgernn.model import IntegerModel, Interface

MARKER = "edgernn.json"
"""A file of every export: which version made it, in which format, from which model, by which name."""
_KIND = Kind("export", MARKER)
_FORMATS = Path(__file__).parent / "formats"
_FRAGMENTS = Path(__file__).parent / "fragments"
_SUFFIXES = {"@headers": ".h", "@sources": ".c"}
_RATE_OF_EXAMPLE = 50.0
"""Samples a second of the example of a model that does not know its rate."""
_STACK_OF_EXAMPLE = 4096
"""Bytes for printf, the self-test and whatever reads a sensor, beside the vectors of a step."""


class _Template(Template):
    """With @ instead of $, which CMake and make have uses for."""

    delimiter = "@"


class _Values(dict[str, str]):
    """What names in templates stand for: values, and files of `fragments` that are filled in with them."""

    def __init__(self, values: Mapping[str, str], choices: Mapping[str, str]) -> None:
        """choices: names that stand for the fragment of another name."""
        super().__init__(values)
        self._choices = choices

    def __missing__(self, name: str) -> str:
        (file,) = _FRAGMENTS.glob(f"{self._choices.get(name, name)}.*")
        self[name] = self.fill(file.read_text(encoding="utf-8")).rstrip("\n")
        return self[name]

    def fill(self, text: str) -> str:
        return _Template(text).substitute(self)


def formats() -> tuple[str, ...]:
    """The name of every format."""
    return tuple(sorted(folder.name for folder in _FORMATS.iterdir()))


def export(model: Model, format: str, folder: Path, *, name: str = "", force: bool = False) -> None:
    """Makes `folder`, whole or not at all: the sources of `model`, what the format wants beside them, an example.

    name: what files and identifiers begin with, by default made from the artifact's name; force: replace an earlier
    export. Raises ConfigError for an unknown format or an illegal name, and ArtifactError when `folder` exists and may
    not be replaced, or can't be written.
    """
    if format not in formats():
        raise ConfigError(unknown("format", format, formats()))
    if name:
        check_prefix(name)
    prefix = name or prefix_of(str(model.manifest.get("name", "")))
    files = _files(model.integer, format, prefix)
    with staged(folder, force=force, kind=_KIND) as stage:
        for path, text in files.items():
            (stage / path).parent.mkdir(parents=True, exist_ok=True)
            (stage / path).write_text(text, encoding="utf-8")


def _files(model: IntegerModel, format: str, name: str) -> dict[Path, str]:
    made = sources(model, name)
    values = _values(model, name, tuple(made))
    origin = {"edgernn": __version__, "format": format, "name": name, "model": digest(model)}
    files = {Path(MARKER): json.dumps(origin, indent=2) + "\n"}
    for template in (_FORMATS / format).rglob("*"):
        path = template.relative_to(_FORMATS / format)
        if path.name in _SUFFIXES:
            files |= {path.with_name(file): text for file, text in made.items() if file.endswith(_SUFFIXES[path.name])}
        elif template.is_file():
            files[Path(values.fill(str(path)))] = values.fill(template.read_text(encoding="utf-8"))
    return files


def _values(model: IntegerModel, name: str, files: tuple[str, ...]) -> _Values:
    interface, cores = model.interface, footprints(model)
    own = [file for file in files if file.endswith(".c") and not file.startswith("edgernn_")]
    runtime = [file for file in files if file.endswith(".c") and file not in own]
    rate = f"{interface.rate:g} a second"
    values = {
        "name": name,
        "NAME": name.upper(),
        "version": __version__,
        "release": ".".join(__version__.split(".")[:3]),
        "hash": digest(model),
        "sentence": _sentence(interface),
        "features": _listed(interface.channels),
        "outputs": _listed(interface.outputs),
        "constant_bytes": f"{cores[0].constants:,}",
        "state_bytes": f"{cores[0].state:,}",
        "footprint": _footprint(cores, interface.rate),
        "footprint_tools": tools(),
        "model_sources": "\n  ".join(own),
        "runtime_sources": "\n  ".join(runtime),
        "period_us": str(round(1e6 / (interface.rate or _RATE_OF_EXAMPLE))),
        "period_reason": f"as in training, {rate}." if interface.rate else "change it to that of the training data.",
        "rate_advice": f", {rate}" if interface.rate else "",
        "reset_advice": _reset_advice(interface),
        "samples_of_a_result": "1" if interface.per_step else str(interface.window),
        "stack_bytes": str(_STACK_OF_EXAMPLE + 2 * sum(tensor.size for tensor in model.program.tensors.values())),
        "zephyr_printf": "# printf prints no floats." if interface.classes else "CONFIG_REQUIRES_FLOAT_PRINTF=y",
    }
    choices = {
        "print_result": f"print_{interface.task}",
        "print_arduino": f"arduino_{interface.task}",
        "take": _take(interface),
    }
    return _Values(values, choices)


def _footprint(cores: Sequence[Footprint], rate: float) -> str:
    """A Markdown table, a row a core."""
    columns = ("core", "flash", "constants", "code", "float code", "state", "stack", "instructions")
    rows = [
        (
            *(one.core, rounded(one.flash), one.constants, rounded(one.code), rounded(one.float_code), one.state),
            *(one.stack, rounded(one.instructions)),
            *((f"{one.instructions * rate / 1e6:.2g} MHz",) if rate else ()),
        )
        for one in cores
    ]
    titles = (*columns, f"least clock for {rate:g} steps a second") if rate else columns
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def _sentence(interface: Interface) -> str:
    """What the model does, without characters that YAML, Kconfig or JSON give a meaning."""
    outputs = len(interface.outputs)
    task = f"Tells {outputs} classes apart" if interface.classes else f"Estimates {_counted(outputs, 'target')}"
    rate = f", {interface.rate:g} samples a second" if interface.rate else ""
    return f"{task} from {_counted(len(interface.channels), 'value')} a sample{rate}."


def _take(interface: Interface) -> str:
    if interface.bidirectional:
        return "take_both_ways"
    taken = "take_step" if interface.per_step else "take_window"
    return taken if interface.reset == "window" else f"{taken}_on"


def _reset_advice(interface: Interface) -> str:
    if interface.reset == "never":
        return "after a gap in the samples only: the model was trained and measured with a state that lasts"
    return f"every {interface.window} steps, as the example does: the model was trained and measured so"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(" ".join(name.split()) for name in names)
