# SPDX-License-Identifier: Apache-2.0
"""Reading .npz files of others: arrays and nothing else, in half a sentence, whatever the bytes."""

import io
import random
import zipfile

import numpy as np
import pytest

from edgernn.npz import read_npz

LIMIT = 10**6


@pytest.fixture
def file(tmp_path):
    """A compressed file of an array `x` and an array `names`."""
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(600.0).reshape(20, 30), names=np.array(["é", "bc"]))
    return tmp_path / "a.npz"


def npy(array, **options):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **options)
    return stream.getvalue()


def zipped(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def refusal(path, limit=LIMIT):
    with pytest.raises(ValueError) as caught:
        read_npz(path, limit)
    message = str(caught.value)
    assert type(caught.value) is ValueError and "\n" not in message
    return message


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6, dtype=">i2"),
        np.array(7),
        np.zeros((0, 3)),
        np.array([True]),
        np.array(["é", "bc"]),
        np.array([b"\xff", b"a"]),
        np.array([1 + 2j]),
    ],
    ids=repr,
)
def test_arrays_come_back(tmp_path, save, array):
    save(tmp_path / "a.npz", array=array, other=array)
    found = read_npz(tmp_path / "a.npz", LIMIT)
    assert list(found) == ["array", "other"]
    assert found["array"].dtype == array.dtype
    np.testing.assert_array_equal(found["array"], array)


def test_a_file_of_nothing(tmp_path):
    assert read_npz(zipped(tmp_path / "a.npz"), LIMIT) == {}


@pytest.mark.parametrize("array", [np.array([None]), np.array([{"a": 1}]), np.array([(1, None)], "i4,O")], ids=repr)
def test_pickles_are_refused(tmp_path, array):
    np.savez(tmp_path / "a.npz", x=np.zeros(2), bad=array)
    assert (
        refusal(tmp_path / "a.npz") == "`bad` holds pickled objects, which are refused, instead of numbers or strings"
    )


def test_the_limit_is_of_all_arrays_unpacked(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(1000), y=np.zeros(1000))
    assert (tmp_path / "a.npz").stat().st_size < 1000
    size = 2 * (8000 + 128)
    assert list(read_npz(tmp_path / "a.npz", size)) == ["x", "y"]
    assert refusal(tmp_path / "a.npz", size - 1) == f"it declares {size} bytes, above the limit of {size - 1}"


def test_a_header_that_lies_about_the_size(tmp_path):
    honest = npy(np.zeros(4))
    for shape in (b"(9,)", b"(3,)", b"(99999999999999999999,)", b"(-4,)"):
        header = honest.replace(b"(4,), }" + b" " * (len(shape) - 4), shape + b", }", 1)
        assert len(header) == len(honest)
        message = refusal(zipped(tmp_path / "a.npz", **{"x.npy": header}))
        assert "is not what the file holds" in message or "cut short or damaged" in message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"not a zip file" * 100,
        npy(np.zeros(3)),
        b"\x80\x04\x95" + b"\0" * 100,
    ],
)
def test_what_is_no_npz(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    assert refusal(tmp_path / "a.npz") == "it is no readable .npz file, cut short or damaged"


@pytest.mark.parametrize("member", [b"", b"text", b"\x93NUMPY", b"\x93NUMPY\x09\x00", b"\x93NUMPY\x01\x00\xff\xff{}"])
def test_members_that_are_no_arrays(tmp_path, member):
    assert "cut short or damaged" in refusal(zipped(tmp_path / "a.npz", **{"x.npy": member}))


def test_headers_are_not_evaluated(tmp_path):
    header = b"{'descr': __import__('os').getcwd(), 'fortran_order': False, 'shape': (1,), }\n"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 8
    assert "cut short or damaged" in refusal(zipped(tmp_path / "a.npz", **{"x.npy": member}))


def test_a_file_that_cannot_be_opened(tmp_path):
    for path in (tmp_path, tmp_path / "missing.npz"):
        with pytest.raises(OSError):
            read_npz(path, LIMIT)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_truncated_files(file, part):
    content = file.read_bytes()
    file.write_bytes(content[: int(part * len(content))])
    assert "cut short or damaged" in refusal(file)


@pytest.mark.parametrize("seed", range(100))
def test_damaged_files_are_refused_or_read_as_they_were(file, seed):
    rng, content = random.Random(seed), bytearray(file.read_bytes())
    whole = read_npz(file, LIMIT)
    for _ in range(rng.choice([1, 2, 8])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    file.write_bytes(content)
    try:
        found = read_npz(file, LIMIT)
    except ValueError:
        return
    for array in found.values():
        assert any(np.array_equal(array, original) for original in whole.values()), "the checksum has to catch it"
