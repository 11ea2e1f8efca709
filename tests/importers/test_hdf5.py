# SPDX-License-Identifier: Apache-2.0
"""The reader of HDF5 against h5py, and against files that h5py can write and that are refused."""

import io
import struct

import h5py
import numpy as np
import pytest

from edgernn.importers.hdf5 import HDF5Error, parse


def written(change, **options):
    stream = io.BytesIO()
    with h5py.File(stream, "w", **options) as file:
        change(file)
    return stream.getvalue()


DTYPES = ["f2", "f4", "f8", "i1", "u1", "i2", "i4", "i8", "u8", ">f4", ">f8", ">i4"]
SHAPES = [(), (0,), (3,), (2, 5), (2, 0, 3), (1, 2, 3, 4)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_of_every_kind(dtype, shape):
    values = np.random.default_rng(0).normal(0, 40, shape).astype(dtype)
    found = parse(written(lambda file: file.create_dataset("a/b", data=values))).array("a/b")
    np.testing.assert_array_equal(found, values)
    assert found.shape == shape and found.dtype == np.dtype(dtype).newbyteorder("=")


@pytest.mark.parametrize("options", [{}, {"track_order": True}, {"userblock_size": 0}])
@pytest.mark.parametrize("count", [1, 7, 300])
def test_groups_of_any_size(options, count):
    def fill(file):
        for i in range(count):
            file[f"outer/dataset number {i}"] = np.arange(i)
            file.create_group(f"group {i}")

    if options == {"track_order": True} and count > 7:
        with pytest.raises(HDF5Error, match="libver='latest'"):
            parse(written(fill, **options)).group("outer")
        return
    root = parse(written(fill, **options))
    assert len(root) == count + 1 and len(root.group("outer")) == count
    for i in range(count):
        assert f"group {i}" in root
        np.testing.assert_array_equal(root.array(f"outer/dataset number {i}"), np.arange(i))


def test_attributes():
    values = {
        "text": "gürtel",
        "bytes": np.bytes_("fixed"),
        "list": ["a", "", "ccc" * 400],
        "fixed list": np.array([b"one", b"three"]),
        "none": [],
        "long": "x" * 200_000,
        "parts0": [b"a", b"b"],
        "parts1": [b"c"],
    }
    root = parse(written(lambda file: file.attrs.update(values)))
    assert root.text("text") == "gürtel" and root.text("bytes") == "fixed" and root.text("long") == "x" * 200_000
    assert root.texts("list") == ("a", "", "ccc" * 400) and root.texts("fixed list") == ("one", "three")
    assert root.texts("none") == () and root.texts("parts") == ("a", "b", "c")
    assert root.text("missing") is None and root.texts("missing") is None


def test_many_attributes():
    root = parse(written(lambda file: file.attrs.update({f"name {i}": f"value {i}" for i in range(300)})))
    assert [root.text(f"name {i}") for i in range(300)] == [f"value {i}" for i in range(300)]


def test_the_newer_form_as_far_as_it_is_read():
    def fill(file):
        file.attrs.update({"text": "value", "list": ["a", "b"]})
        file["group/array"] = np.arange(6.0).reshape(2, 3)

    root = parse(written(fill, libver="latest"))
    assert root.text("text") == "value" and root.texts("list") == ("a", "b") and root.text("missing") is None
    np.testing.assert_array_equal(root.array("group/array"), np.arange(6.0).reshape(2, 3))


def external(file):
    file.create_dataset("x", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("x", layout)


def put(name, value):
    return lambda file: file.__setitem__(name, value)


def dataset(**options):
    return lambda file: file.create_dataset("x", **options)


REFUSED = [
    (put("x", h5py.ExternalLink("other.h5", "x")), "'x' is a link to somewhere else, which is refused"),
    (put("x", h5py.SoftLink("/x")), "'x' is a link to somewhere else, which is refused"),
    (external, "the values of 'x' are in another file, which is refused"),
    (virtual, "'x' is in chunks or virtual; only arrays in one piece are read"),
    (dataset(shape=(2**40,), chunks=(2**10,), dtype="f4"), "'x' is in chunks or virtual"),
    (dataset(data=np.zeros(9000), compression="gzip"), "'x' is compressed; only plain arrays are read"),
    (dataset(shape=(2**40,), dtype="f4"), "'x' declares 4398046511104 bytes, which the file does not hold"),
    (dataset(shape=(4,), dtype="f4"), "'x' declares 16 bytes, which the file does not hold"),
    (dataset(data="text"), "'x' holds text where numbers are expected"),
    (dataset(data=np.zeros(2, "c8")), "it has values that are neither plain numbers nor texts"),
    (dataset(data=np.zeros(2, bool)), "it has values that are neither plain numbers nor texts"),
    (dataset(data=np.zeros(2, [("a", "f4")])), "it has values that are neither plain numbers nor texts"),
    (dataset(data=h5py.Empty("f4")), "it has "),
    (lambda file: file.create_group("x"), "it has a group or something else at 'x' where an array is expected"),
    (put("y", 1.0), "it has no 'x' where one is expected"),
]


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize(("change", "expected"), REFUSED)
def test_what_is_refused(change, expected, libver):
    root = parse(written(change, libver=libver))
    with pytest.raises(HDF5Error, match=expected):
        root.array("x")


def test_an_array_where_a_group_is_expected():
    root = parse(written(put("x", 1.0)))
    with pytest.raises(HDF5Error, match="an array where a group is expected"):
        root.array("x/y")
    with pytest.raises(HDF5Error, match="an array where a group is expected"):
        root.group("x")


@pytest.mark.parametrize("value", [1.0, np.arange(3), np.array([[b"a"]])])
def test_an_attribute_that_is_no_text(value):
    root = parse(written(lambda file: file.attrs.update(a=value)))
    with pytest.raises(HDF5Error, match="attribute 'a' is no text"):
        root.texts("a")


def test_a_list_where_a_text_is_expected():
    root = parse(written(lambda file: file.attrs.update(a=["one", "two"])))
    with pytest.raises(HDF5Error, match="attribute 'a' is not one text"):
        root.text("a")


def test_names_that_are_not_unicode():
    content = written(put("group/abcdef", 1.0)).replace(b"abcdef", b"\xff\xfe\xfd\xfc\xfb\xfa")
    with pytest.raises(HDF5Error, match="not UTF-8"):
        parse(content).group("group")


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + bytes(200)])
def test_no_hdf5_file(content):
    with pytest.raises(HDF5Error):
        parse(content)


def test_an_unknown_version():
    content = bytearray(written(put("x", 1.0)))
    content[8] = 9
    with pytest.raises(HDF5Error, match="superblock has the unknown version 9"):
        parse(bytes(content))


def test_a_group_in_itself():
    def circle(file):
        file["loop"] = file["/"]

    root = parse(written(circle))
    assert "loop" in root.group("/".join(["loop"] * 5000))


def test_a_tree_of_members_that_leads_to_itself():
    """A node of a B-tree whose child is the node; at the same level, and at ever lower ones."""
    content = bytearray(written(put("group/x", 1.0)))
    at = content.index(b"TREE")
    struct.pack_into("<B", content, at + 5, 3)
    struct.pack_into("<Q", content, at + 32, at)
    with pytest.raises(HDF5Error, match="tree of members"):
        parse(bytes(content))


def test_one_array_under_many_names_can_be_read_only_so_often():
    def fill(file):
        file["x"] = np.zeros(2**20)

    root = parse(written(fill))
    with pytest.raises(HDF5Error, match="far too many"):
        for _ in range(20):
            root.array("x")


def test_every_prefix_of_a_file():
    values = np.arange(5.0)
    content = written(put("group/x", values))
    refused = 0
    for size in range(0, len(content), 7):
        try:
            np.testing.assert_array_equal(parse(content[:size]).array("group/x"), values)
        except HDF5Error:
            refused += 1
    assert refused > 100
