# SPDX-License-Identifier: Apache-2.0
"""The artifact: a folder with one model in every form, described and hashed by its `manifest.json`.

manifest.json   format_version, name, created_with, model, quantization, metrics, folds, footprint, data, config,
                evaluation, of a converted model fidelity and source, files {path: sha256}
model.json      how numbers go in and out, and the program's structure
weights.npz     the program's constants, no pickle
golden.npz      held-out windows as integers, with every output and state: what each runtime has to give
held_out.npz    labels of the held-out windows, and what the models gave for them (`edgernn.predictions`)
others          one file a backend
"""

import errno
import hashlib
import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from edgernn.cells.algebra import Float
from edgernn.engine import warn_where_slow
from edgernn.errors import ArtifactError
from edgernn.model import IntegerModel, Interface, Reset
from edgernn.npz import read_npz
from edgernn.scratch import scratch
from edgernn.session import Session, Streams
from edgernn.spec.program import Kernel, Program, ProgramError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
_STRUCTURE, _WEIGHTS = "model.json", "weights.npz"
_KERNEL_PARTS = tuple(field.name for field in fields(Kernel))
_CALLER = 3
"""Whose line a warning of `load` names: above the function that warns, and `load`."""
_LARGEST_JSON = 64 * 2**20
_LARGEST_WEIGHTS = 2**30


@dataclass(frozen=True, repr=False)
class Model:
    """A loaded artifact."""

    folder: Path
    manifest: Mapping[str, Any]
    integer: IntegerModel

    def __repr__(self) -> str:
        return f"<edgernn.Model {self.folder.resolve().name}: {self.integer.summary}>"

    @property
    def task(self) -> str:
        """ "classification" or "regression"."""
        return self.integer.interface.task

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the F values of a sample, in their order."""
        return self.integer.interface.channels

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the K outputs; empty for regression."""
        return self.integer.interface.classes

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the K real targets in the order of the outputs; empty for classes."""
        return () if self.classes else self.integer.interface.outputs

    @property
    def window(self) -> int:
        """Steps of the windows that it was trained on."""
        return self.integer.interface.window

    @property
    def rate(self) -> float | None:
        """Samples a second that it was trained on, in Hz; None where that is unknown."""
        return self.integer.interface.rate or None

    @property
    def reset(self) -> Reset:
        """What it was trained and measured for: a state of zero at the start of every "window", or "never" again."""
        return self.integer.interface.reset

    def session(self, engine: str | None = None) -> Session:
        """A stream of its own: a state that starts at zero and lasts from step to step.

        engine: "native" or "numpy", which give the same results; None takes the native one where it is installed.
        Raises ConfigError for another name, and EdgernnError for "native" where it is not installed.
        """
        return Session(self.integer, engine)

    def streams(self, count: int, engine: str | None = None) -> Streams:
        """So many streams that are stepped together, each with a state that starts at zero. Raises what `session`
        raises, and ConfigError where there are none.
        """
        return Streams(self.integer, count, engine)


@dataclass(frozen=True)
class Kind:
    """A kind of folder that `staged` writes: its name in a sentence, and a file that every such folder has."""

    name: str
    marker: str


ARTIFACT = Kind("artifact", MANIFEST)


@contextmanager
def staged(folder: Path, *, force: bool, kind: Kind = ARTIFACT) -> Iterator[Path]:
    """A folder to write into, which becomes `folder` when the block ends and vanishes when it fails.

    Raises ArtifactError when `folder` exists and may not be replaced, or can't be written. With `force`, an existing
    folder of this kind or an empty one is replaced; anything else never is. A link stays, what it leads to is replaced.
    """
    check_target(folder, force=force, kind=kind)
    target = Path(os.path.realpath(folder))
    with _writing(folder):
        target.parent.mkdir(parents=True, exist_ok=True)
        with scratch(target.parent, f".{target.name}.") as room:
            aside = room / "new"
            aside.mkdir()
            yield aside
            check_target(folder, force=force, kind=kind)
            _replace(aside, target)


def check_target(folder: Path, *, force: bool, kind: Kind = ARTIFACT) -> None:
    """Raises ArtifactError when `staged` may not write to `folder`: better before training than after."""
    with _writing(folder):
        if not os.path.lexists(folder):
            existing = next(parent for parent in folder.absolute().parents if parent.exists())
            with scratch(existing, f".{folder.name}."):
                pass
        elif not folder.is_dir() or (any(folder.iterdir()) and not (folder / kind.marker).is_file()):
            raise ArtifactError(
                f"{folder} exists and is no {kind.name}, so it is not replaced: choose another folder with --out"
            )
        elif not force:
            raise ArtifactError(
                f"{folder} exists already: add --force to replace it, or choose another folder with --out"
            )


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Makes an OSError the ArtifactError that says what to do about it."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        hint = "free some space, or choose another folder with --out" if full else "choose another folder with --out"
        raise ArtifactError(f"{folder} can't be written ({error.strerror or error}): {hint}") from error


def _replace(aside: Path, folder: Path) -> None:
    """Moves `aside` to `folder`; what was there before goes to aside's place, and is back when that fails."""
    if not folder.exists():
        aside.rename(folder)
        return
    kept = folder.with_name(f".{folder.name}.old.{secrets.token_hex(2)}")
    try:
        folder.rename(kept)
        aside.rename(folder)
    finally:
        if kept.exists():
            kept.rename(aside.with_name("old") if folder.exists() else folder)


def write_model(folder: Path, model: IntegerModel) -> None:
    """Writes the integer model's own two files."""
    (folder / _STRUCTURE).write_text(_structure_of(model), encoding="utf-8")
    arrays = {
        f"{name}/{part}": getattr(kernel, part)
        for name, kernel in model.program.kernels.items()
        for part in _KERNEL_PARTS
    }
    np.savez(folder / _WEIGHTS, **arrays)


def digest(model: IntegerModel) -> str:
    """SHA-256 of all that the model computes with, as 64 hexadecimal digits: which model a device holds."""
    hashed = hashlib.sha256(_structure_of(model).encode())
    for name, kernel in sorted(model.program.kernels.items()):
        hashed.update(name.encode())
        for part in _KERNEL_PARTS:
            array = getattr(kernel, part)
            hashed.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return hashed.hexdigest()


def _structure_of(model: IntegerModel) -> str:
    structure = {"interface": model.interface.to_json(), "program": model.program.structure()}
    return json.dumps(structure, indent=1) + "\n"


def write_manifest(folder: Path, description: Mapping[str, Any]) -> None:
    """Writes the manifest, last: `description` with the format version and the hash of every other file."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    files = {path.relative_to(folder).as_posix(): _sha256(path) for path in paths}
    manifest = {"format_version": FORMAT_VERSION, **description, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def load(folder: str | os.PathLike[str]) -> Model:
    """Opens the artifact in `folder` after checking the hash of every file.

    Warns once a process, with SlowEngineWarning, where sessions will be slow for want of the engine in C.
    Raises ArtifactError when there is none, when a file is missing or has a changed byte, or its format is unknown.
    """
    warn_where_slow(_CALLER)
    path = Path(folder)
    manifest = _read_manifest(path)
    for name, digest in manifest["files"].items():
        _check_file(path, name, digest)
    try:
        structure = _read_json(path / _STRUCTURE)
        arrays = read_npz(path / _WEIGHTS, limit=_LARGEST_WEIGHTS)
        program = Program.from_structure(structure["program"], _kernels(arrays))
        return Model(path, manifest, IntegerModel(_interface_from_json(structure["interface"], program), program))
    except KeyError as error:
        raise ArtifactError(f"{path} does not hold a valid model (it lacks {error}): build it again") from error
    except (OSError, TypeError, ValueError, OverflowError, ProgramError) as error:
        raise ArtifactError(f"{path} does not hold a valid model ({error}): build it again") from error


def _read_json(path: Path) -> Any:
    """Raises OSError, or ValueError for anything but JSON of a sensible size and depth."""
    if path.stat().st_size > _LARGEST_JSON:
        raise ValueError(f"{path.name} is too large")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError(f"{path.name} is nested too deeply") from None


def _read_manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = _read_json(path)
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactError(f"{folder} is no artifact, it has no {MANIFEST}: make one with `edgernn build`") from None
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} can't be read ({error}): build the artifact again") from error
    if not isinstance(manifest, dict) or "format_version" not in manifest:
        raise ArtifactError(f"{path} is no manifest, it has no format_version: build the artifact again")
    version = manifest["format_version"]
    if version != FORMAT_VERSION:
        raise ArtifactError(
            f"{path} has format_version {version!r}, this edgernn knows {FORMAT_VERSION}: upgrade edgernn"
        )
    files = manifest.get("files")
    if not isinstance(files, dict) or not {_STRUCTURE, _WEIGHTS} <= files.keys():
        raise ArtifactError(f"{path} lists no model files: build the artifact again")
    return manifest


def _check_file(folder: Path, name: str, digest: object) -> None:
    path = folder / name
    parts = name.split("/")
    if not name.isprintable() or any(part in ("", ".", "..") or Path(part).name != part for part in parts):
        raise ArtifactError(f"{folder / MANIFEST} names {name!r}, which is no file of its own: don't use this artifact")
    try:
        found = _sha256(path)
    except OSError as error:
        raise ArtifactError(f"{path} can't be read ({error.strerror}): build the artifact again") from error
    if found != digest:
        raise ArtifactError(f"{path} was changed after the build, its sha256 differs: build the artifact again")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kernels(arrays: Mapping[str, Any]) -> dict[str, Kernel]:
    names = dict.fromkeys(name.rpartition("/")[0] for name in arrays)
    kernels = {n: Kernel(*(arrays[f"{n}/{part}"] for part in _KERNEL_PARTS)) for n in names}
    if len(arrays) != len(kernels) * len(_KERNEL_PARTS):
        raise ValueError(f"{_WEIGHTS} holds an array that belongs to no kernel")
    return kernels


def _interface_from_json(values: Any, program: Program) -> Interface:
    interface = Interface(
        task=str(values["task"]),
        per_step=bool(values["per_step"]),
        features=tuple(map(str, values["features"])),
        outputs=tuple(map(str, values["outputs"])),
        mean=_float32(values["mean"]),
        std=_float32(values["std"]),
        target_mean=_float32(values["target_mean"]),
        target_std=_float32(values["target_std"]),
        window=int(values["window"]),
        rate=float(values["rate"]),
        bidirectional=bool(values.get("bidirectional", False)),
        reset=values.get("reset", "window"),
    )
    x, y = program.tensors[program.x], program.tensors[program.y]
    fits = (len(interface.features),) == interface.mean.shape == interface.std.shape == (x.size,)
    fits = fits and (len(interface.outputs),) == interface.target_mean.shape == interface.target_std.shape == (y.size,)
    fits = fits and interface.task in ("classification", "regression") and interface.window >= 1
    fits = fits and interface.reset in ("window", "never")
    fits = fits and not (interface.bidirectional and (x.size % 2 or interface.per_step or interface.reset == "never"))
    # Samples are multiplied by these (`IntegerModel.quantize_input`).
    with np.errstate(all="ignore"):
        factors = np.float32(2.0**x.frac) / interface.std
    fits = fits and bool((np.isfinite(factors) & (factors > 0)).all()) and 0 <= interface.rate < math.inf
    if not fits:
        raise ValueError("the interface does not fit the program")
    return interface


def _float32(values: Any) -> Float:
    with np.errstate(over="ignore"):
        array = np.array(values, np.float32)
    if not np.isfinite(array).all():
        raise ValueError("the interface holds a number that is not finite in float32")
    return array
