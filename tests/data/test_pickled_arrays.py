# SPDX-License-Identifier: Apache-2.0
import io
import pickle
import sys

import numpy as np
import pytest

from edgernn.data import watch
from edgernn.data.pickled_arrays import interpret, read
from edgernn.errors import DataError

pytest.importorskip("seglearn")


class Call:
    def __init__(self, function, *arguments):
        self.parts = function, arguments

    def __reduce__(self):
        return self.parts


def as_watch_is(value):
    """Protocol 2 with NumPy's old module name, as the file was written."""
    return pickle.dumps(value, 2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def npy(value):
    stream = io.BytesIO()
    box = np.empty((), object)
    box[()] = value
    np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(box))
    return stream.getvalue() + as_watch_is(box)


def test_the_watch_file_reads_as_numpy_reads_it():
    ours = read(watch.file())
    numpys = np.load(watch.file(), allow_pickle=True).item()
    assert isinstance(ours, dict) and list(ours) == list(numpys)
    for key in ("y", "subject", "side"):
        assert ours[key].dtype == numpys[key].dtype
        np.testing.assert_array_equal(ours[key], numpys[key])
    assert ours["X_labels"] == numpys["X_labels"] and ours["y_labels"] == numpys["y_labels"]
    assert len(ours["X"]) == len(numpys["X"]) == 140
    for mine, theirs in zip(ours["X"], numpys["X"], strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


def test_a_file_of_the_same_make(tmp_path):
    value = {"X": [np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3))], "names": ["a", "b"]}
    path = tmp_path / "a.npy"
    path.write_bytes(npy(value))
    result = read(path)
    assert isinstance(result, dict) and result["names"] == ["a", "b"]
    for mine, theirs in zip(result["X"], value["X"], strict=True):
        assert mine.dtype == theirs.dtype and mine.flags.writeable
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "bad",
    [
        Call(__import__("os").system, "touch owned"),
        Call(eval, "open('owned', 'w')"),
        Call(__import__("subprocess").Popen, ["touch", "owned"]),
        Call(__import__),
        {"X": [Call(eval, "1")]},
        {"X": np.dtype},
    ],
)
def test_calls_and_names_are_refused(bad, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="refused because only plain arrays are read"):
        interpret(pickle.dumps(bad, protocol))
    assert not list(tmp_path.iterdir())


def test_a_hidden_call_in_the_file_is_refused_with_its_path(tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(npy({"X": [Call(eval, "1")]}))
    with pytest.raises(DataError, match=r"a\.npy: the pickle stream holds the name `__builtin__ eval`"):
        read(path)


@pytest.mark.parametrize(
    "stream",
    [
        as_watch_is({"X": np.array([None, 1], object)}),
        as_watch_is({"X": np.array([[None]], object)}),
        as_watch_is(np.arange(3, dtype=np.float32)),
        as_watch_is(np.arange(3, dtype=">f8")),
        as_watch_is(np.zeros(2, [("a", "f8")])),
        as_watch_is([same := np.arange(3.0), same]),
        b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.",
        b"\x80\x02cnumpy\ndtype\nX\x02\x00\x00\x00f8K\x00K\x01\x87R)b.",
        b"\x80\x02cnumpy\nndarray\nK\x01\x85R.",
        b"\x80\x02]K\x01b.",
    ],
)
def test_other_arrays_are_refused(stream):
    with pytest.raises(DataError, match="refused because only plain arrays are read"):
        interpret(stream)


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"garbage",
        b"\x80\x02.",
        b"\x80\x02K\x01K\x02.",
        b"\x80\x02h\x07.",
        b"\x80\x02K\x01e.",
        b"\x80\x02]K\x01a\x85u.",
        b"\x80\x02}(K\x01K\x02u.",
        b"\x80\x02}(X\x01\x00\x00\x00au.",
        b"\x80\x02cnumpy\nndarray\n.",
        b"\x80\x02X\xff\xff\xff\x7fa.",
        as_watch_is(np.arange(3.0)).replace(b"K\x03\x85", b"K\x04\x85"),
    ],
)
def test_damaged_streams(stream):
    with pytest.raises(DataError, match="the pickle stream is damaged"):
        interpret(stream)


def test_every_truncation_and_many_flips_end_in_a_data_error_or_a_value():
    whole = as_watch_is({"X": [np.arange(4.0).reshape(2, 2)], "y": np.arange(3), "names": ["a"]})
    for size in range(len(whole)):
        with pytest.raises(DataError):
            interpret(whole[:size])
    rng = np.random.default_rng(0)
    for _ in range(3000):
        flipped = bytearray(whole)
        flipped[rng.integers(len(whole))] = rng.integers(256)
        try:
            interpret(bytes(flipped))
        except DataError:
            pass


def test_files_that_are_no_pickled_object(tmp_path):
    path = tmp_path / "a.npy"
    with pytest.raises(DataError, match="not a readable .npy file"):
        read(path)
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="not a readable .npy file"):
        read(path)
    np.save(path, np.arange(3))
    with pytest.raises(DataError, match=r"holds an array of int64 \[3\]"):
        read(path)


def test_the_watch_data_imports_no_pickle_of_its_own_and_no_seglearn(run_tool):
    code = (
        "import sys; from edgernn.data import watch, pickled_arrays; watch.load(); "
        "assert 'pickle' not in vars(pickled_arrays); "
        "assert not {'seglearn', 'sklearn', 'pandas', 'tensorflow'} & set(sys.modules)"
    )
    run_tool(sys.executable, "-c", code)
