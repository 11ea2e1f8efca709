# SPDX-License-Identifier: Apache-2.0
"""Float models that other frameworks trained: `read` makes one from their files, whose content is never trusted.

A reader is one module here. It takes its file apart into calls of `edgernn.importers.chain.Chain`, which knows what a
chain of layers may hold, and refuses by name and place what it can't take over exactly.
"""

from pathlib import Path

from edgernn.errors import MissingExtraError, ModelError
from edgernn.importers.chain import Imported

_ZIP, _HDF5, _PICKLE, _TFLITE = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x80", b"TFL3"
_PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".joblib")
_SUPPORTED = "give a .keras, .h5, .onnx or .safetensors file"


def format_of(path: Path) -> str:
    """What kind of file it is: "keras" (a zip file), "hdf5", "onnx" or "safetensors".

    The content says so where it can, else the suffix. Raises ModelError for another kind, with the way out of it.
    """
    try:
        if path.is_dir():
            raise ModelError(f"{path} is a folder, such as TensorFlow's SavedModel: save the model as one .keras file")
        if not path.is_file():
            raise ModelError(f"{path}: there is no such file; {_SUPPORTED}")
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise ModelError(f"{path} can't be read ({error.strerror}); {_SUPPORTED}") from error
    if start.startswith(_HDF5):
        return "hdf5"
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        return "onnx"
    if start[8:9] == b"{":
        return "safetensors"
    if suffix in _PICKLES or start.startswith(_PICKLE):
        raise ModelError(
            f"{path} is a pickle, which can run code when it is read: save the weights with "
            "safetensors.torch.save_file(model.state_dict(), ...), or export the model with torch.onnx.export"
        )
    if start[4:8] == _TFLITE:
        raise ModelError(f"{path} is TFLite, which no longer has the layers: give the model that it was made from")
    if start.startswith(_ZIP):
        return "keras"
    raise ModelError(f"{path} is {'of no kind that is known' if start else 'empty'}; {_SUPPORTED}")


def check_package(path: Path) -> None:
    """Raises MissingExtraError when the package that reads the file is not installed, ModelError as `format_of`."""
    kind = format_of(path)
    if kind in ("onnx", "safetensors"):
        MissingExtraError.require(f"reading {path.name}", "convert", kind)


def read(path: Path, description: Path | None = None) -> Imported:
    """The float model in a file of another framework.

    description: the TOML that names the layers of a .safetensors file; None: the one of the same name beside it.
    Raises ModelError when the file is damaged or has something that is not supported, MissingExtraError when the
    package that reads it is not installed.
    """
    kind = format_of(path)
    if description is not None and kind != "safetensors":
        raise ModelError(f"{path} describes its own layers; {description} belongs to a .safetensors file, leave it out")
    try:
        return _read(kind, path, description)
    except OSError as error:
        raise ModelError(f"{error.filename or path} can't be read ({error.strerror}); {_SUPPORTED}") from error
    except ModelError as error:
        placed = str(path) in str(error) or (description is not None and str(description) in str(error))
        if placed:
            raise
        raise ModelError(f"{path}: {error}") from error


def description_of(path: Path, description: Path | None) -> Path:
    """The TOML that describes a .safetensors file: the one that is given, else the one of the same name beside it."""
    return path.with_suffix(".toml") if description is None else description


def _read(kind: str, path: Path, description: Path | None) -> Imported:
    if kind in ("keras", "hdf5"):
        from edgernn.importers import keras

        return keras.read(path)
    if kind == "onnx":
        from edgernn.importers import onnx_graph

        return onnx_graph.read(path)
    from edgernn.importers import state_dict

    return state_dict.read(path, description_of(path, description))
