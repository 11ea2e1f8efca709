# SPDX-License-Identifier: Apache-2.0
"""The artifact: a folder with one model in every form, described and hashed by its `manifest.json`.

manifest.json   format_version, name, created_with, model, quantization, metrics, footprint, data, files {path: sha256}
model.json      how numbers go in and out, and the program's structure
weights.npz     the program's constants, no pickle
golden.npz      held-out windows as integers, with every output and state: what each runtime has to give
others          one file a backend
"""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from edgernn.errors import ArtifactError
from edgernn.model import IntegerModel, Interface
from edgernn.npz import read_npz
from edgernn.session import Session
from edgernn.spec.program import Kernel, Program, ProgramError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
_STRUCTURE, _WEIGHTS = "model.json", "weights.npz"
_LARGEST_JSON = 64 * 2**20
_LARGEST_WEIGHTS = 2**30


@dataclass(frozen=True)
class Model:
    """A loaded artifact."""

    folder: Path
    manifest: Mapping[str, Any]
    integer: IntegerModel

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the outputs; empty for regression."""
        return self.integer.interface.classes

    def session(self) -> Session:
        """A stream of its own: a state that starts at zero and lasts from step to step."""
        return Session(self.integer)


@contextmanager
def staged(folder: Path, *, force: bool) -> Iterator[Path]:
    """A folder to write into, which becomes `folder` when the block ends and vanishes when it fails.

    Raises ArtifactError when `folder` exists and may not be replaced, or can't be written. With `force`, an existing
    artifact or empty folder is replaced; anything else never is.
    """
    check_target(folder, force=force)
    aside: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        yield aside
        aside.chmod(0o777 & ~_umask())
        _replace(aside, folder, force=force)
    except OSError as error:
        hint = "free some space" if error.errno == errno.ENOSPC else "choose another folder with --out"
        raise ArtifactError(f"{folder} can't be written ({error.strerror or error}): {hint}") from error
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)


def check_target(folder: Path, *, force: bool) -> None:
    """Raises ArtifactError when an artifact may not be written to `folder`: better before training than after."""
    if not folder.exists() and not folder.is_symlink():
        existing = next(parent for parent in folder.absolute().parents if parent.exists())
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            raise ArtifactError(f"{folder} can't be written, {existing} is read-only: choose another folder with --out")
    elif not force:
        raise ArtifactError(f"{folder} exists already: add --force to replace it, or choose another folder with --out")
    elif not folder.is_dir() or (any(folder.iterdir()) and not (folder / MANIFEST).is_file()):
        raise ArtifactError(
            f"{folder} exists and is no artifact, so it is not replaced: choose another folder with --out"
        )


def _replace(aside: Path, folder: Path, *, force: bool) -> None:
    check_target(folder, force=force)
    if not folder.exists():
        aside.rename(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
    try:
        folder.rename(old / "old")
        aside.rename(folder)
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_model(folder: Path, model: IntegerModel) -> None:
    """Writes the integer model's own two files."""
    structure = {"interface": _interface_to_json(model.interface), "program": model.program.structure()}
    (folder / _STRUCTURE).write_text(json.dumps(structure, indent=1) + "\n", encoding="utf-8")
    arrays = {
        f"{name}/{part}": getattr(kernel, part)
        for name, kernel in model.program.kernels.items()
        for part in ("weights", "bias", "frac")
    }
    np.savez(folder / _WEIGHTS, **arrays)


def write_manifest(folder: Path, description: Mapping[str, Any]) -> None:
    """Writes the manifest, last: `description` with the format version and the hash of every other file."""
    files = {path.name: _sha256(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    manifest = {"format_version": FORMAT_VERSION, **description, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def load(folder: str | os.PathLike[str]) -> Model:
    """Opens the artifact in `folder` after checking the hash of every file.

    Raises ArtifactError when there is none, when a file is missing or has a changed byte, or its format is unknown.
    """
    path = Path(folder)
    manifest = _read_manifest(path)
    for name, digest in manifest["files"].items():
        _check_file(path, name, digest)
    try:
        structure = json.loads((path / _STRUCTURE).read_text(encoding="utf-8"))
        arrays = read_npz(path / _WEIGHTS, limit=_LARGEST_WEIGHTS)
        program = Program.from_structure(structure["program"], _kernels(arrays))
        return Model(path, manifest, IntegerModel(_interface_from_json(structure["interface"], program), program))
    except (OSError, KeyError, TypeError, ValueError, ProgramError) as error:
        raise ArtifactError(f"{path} does not hold a valid model ({error}): build it again") from error


def _read_manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / MANIFEST
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise ArtifactError(f"{path} is too large to be a manifest")
        manifest: Any = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactError(f"{folder} is no artifact, it has no {MANIFEST}: make one with `edgernn build`") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{path} can't be read ({error}): build the artifact again") from error
    manifest = manifest if isinstance(manifest, dict) else {}
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise ArtifactError(
            f"{path} has format_version {version!r}, this edgernn knows {FORMAT_VERSION}: upgrade edgernn"
        )
    files = manifest.get("files")
    if not isinstance(files, dict) or not {_STRUCTURE, _WEIGHTS} <= files.keys():
        raise ArtifactError(f"{path} lists no model files: build the artifact again")
    return dict(manifest)


def _check_file(folder: Path, name: str, digest: object) -> None:
    path = folder / name
    if Path(name).name != name:
        raise ArtifactError(f"{folder / MANIFEST} names a file outside the artifact, {name!r}: don't use this artifact")
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
    return {n: Kernel(arrays[f"{n}/weights"], arrays[f"{n}/bias"], arrays[f"{n}/frac"]) for n in names}


def _interface_to_json(interface: Interface) -> dict[str, Any]:
    values = {field.name: getattr(interface, field.name) for field in fields(Interface)}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}


def _interface_from_json(values: Any, program: Program) -> Interface:
    interface = Interface(
        task=str(values["task"]),
        per_step=bool(values["per_step"]),
        features=tuple(map(str, values["features"])),
        outputs=tuple(map(str, values["outputs"])),
        mean=np.array(values["mean"], np.float32),
        std=np.array(values["std"], np.float32),
        target_mean=np.array(values["target_mean"], np.float32),
        target_std=np.array(values["target_std"], np.float32),
        window=int(values["window"]),
        rate=float(values["rate"]),
    )
    numbers = np.concatenate([interface.mean, interface.std, interface.target_mean, interface.target_std])
    inputs, outputs = program.tensors[program.x].size, program.tensors[program.y].size
    fits = len(interface.features) == interface.mean.size == interface.std.size == inputs
    fits = fits and len(interface.outputs) == interface.target_mean.size == interface.target_std.size == outputs
    if not fits or not np.isfinite(numbers).all() or (interface.std <= 0).any() or interface.window < 1:
        raise ValueError("the interface does not fit the program")
    return interface
