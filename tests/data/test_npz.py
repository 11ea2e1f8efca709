# SPDX-License-Identifier: Apache-2.0
import io
import zipfile

import numpy as np
import pytest

from edgernn.data import npz
from edgernn.errors import DataError

X = np.arange(6 * 4 * 2, dtype=np.float32).reshape(6, 4, 2)
Y = np.array([0, 1, 2, 0, 1, 2])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.npz"


def member(header: str, data: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def write(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_all_arrays(path, save):
    parts = ["train", "train", "train", "validation", "test", "test"]
    save(
        path,
        x=X,
        y=Y,
        lengths=[4, 3, 4, 2, 4, 1],
        group=["p", "p", "q", "q", "r", "r"],
        split=parts,
        recording=["b", "b", "a", "a", "c", "c"],
        start=[0, 2, 0, 2, 0, 2],
        classes=["sit", "walk", "run"],
        features=["ax", "ay"],
    )
    ds = npz.load(path)
    assert (ds.name, ds.classes, ds.features) == ("mine.npz", ("sit", "walk", "run"), ("ax", "ay"))
    assert ds.split is not None and ds.split.tolist() == parts
    np.testing.assert_array_equal(ds.recording, [1, 1, 0, 0, 2, 2])
    np.testing.assert_array_equal(ds.start, [0, 2, 0, 2, 0, 2])
    np.testing.assert_array_equal(ds.lengths, [4, 3, 4, 2, 4, 1])
    np.testing.assert_array_equal(ds.x[5], [[40, 41], [0, 0], [0, 0], [0, 0]])


def test_targets_are_named(path):
    y = np.arange(6 * 4 * 2).reshape(6, 4, 2) / 2
    np.savez(path, x=X, y=y, targets=["speed", "angle"])
    ds = npz.load(path)
    assert (ds.targets, ds.per_step) == (("speed", "angle"), True)
    np.testing.assert_array_equal(ds.y, y)
    np.savez(path, x=X, y=y, targets=["speed"])
    with pytest.raises(DataError, match="y has 2 targets, but 1 are named"):
        npz.load(path)


@pytest.mark.parametrize("rate", [50, 12.5, np.array([100.0])])
def test_the_rate(path, rate):
    np.savez(path, x=X, y=Y, rate=rate)
    assert npz.load(path).rate == npz.load(path, rate=float(np.squeeze(rate))).rate == np.squeeze(rate)
    with pytest.raises(DataError, match="its array rate is .*, but the setting 20; leave one of them out"):
        npz.load(path, rate=20.0)
    np.savez(path, x=X, y=Y)
    assert (npz.load(path).rate, npz.load(path, rate=20.0).rate) == (0.0, 20.0)


@pytest.mark.parametrize(
    ("rate", "says"),
    [
        (np.full(6, 50.0), r"rate is float64 \[6\]; give one number, steps a second"),
        ("50 Hz", "rate is <U5 "),
        (-1, "rate is -1.0"),
        (np.nan, "rate is nan"),
    ],
)
def test_what_is_no_rate(path, rate, says):
    np.savez(path, x=X, y=Y, rate=rate)
    with pytest.raises(DataError, match=says):
        npz.load(path)


def test_classes_that_do_not_count(path):
    np.savez(path, x=X, y=np.array(["run", "none", "walk", "run", "none", "walk"]))
    ds = npz.load(path, ignore=["none"])
    assert (ds.classes, ds.n) == (("run", "walk"), 4)
    np.savez(path, x=X, y=np.array([["run", "none", "walk", "none"]] * 6))
    ds = npz.load(path, ignore=["none"])
    assert ds.n == 6 and ds.counted.sum() == 12
    with pytest.raises(DataError, match="ignore names `rest`, which is no class; there are none, run, walk"):
        npz.load(path, ignore=["rest"])


def test_samples_of_few_steps_are_told_by_their_features(path):
    x = np.sin(0.3 * np.arange(64)) + np.arange(6.0)[:, None, None] + 9 * (np.arange(5) % 2)[None, :, None]
    np.savez(path, x=x)
    with pytest.raises(DataError, match="channels first"):
        npz.load_samples(path)
    np.savez(path, x=x, features=[f"bin {i}" for i in range(64)])
    assert npz.load_samples(path)[0].shape == (6, 5, 64)


def test_fortran_order_float64_and_big_endian(path):
    np.savez(path, x=np.asfortranarray(X.astype(">f8")), y=Y.astype(">i2"))
    ds = npz.load(path)
    assert ds.x.dtype == np.float32
    np.testing.assert_array_equal(ds.x, X)


def test_pickled_objects_are_refused(path):
    np.savez(path, x=X, y=np.array(["a", 1, None, "a", 1, None], object))
    with pytest.raises(DataError, match="`y` holds pickled objects, which are refused"):
        npz.load(path)


def test_missing_files_and_arrays(path):
    with pytest.raises(DataError, match=r"mine\.npz: no such file"):
        npz.load(path)
    np.savez(path, x=X)
    with pytest.raises(DataError, match="has no array `y`"):
        npz.load(path)
    np.savez(path, x=X, y=Y, groups=Y)
    with pytest.raises(DataError, match="holds `groups`, which is not known; name the arrays x, y"):
        npz.load(path)
    np.savez(path, x=X, y=Y, classes=[["a"]])
    with pytest.raises(DataError, match=r"classes has the shape \[1, 1\]"):
        npz.load(path)


def test_not_a_number_is_located(path):
    x = X.copy()
    x[4, 2, 1] = np.nan
    np.savez(path, x=x, y=Y)
    with pytest.raises(DataError, match=r"^mine\.npz: .* window 4, step 2, channel 1"):
        npz.load(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_truncation_is_one_clear_sentence(path, save):
    save(path, x=X, y=Y)
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match="no readable .npz file, cut short or damaged"):
            npz.load(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_flipped_bytes_end_in_a_data_error_or_in_data(path, save):
    save(path, x=X, y=Y)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(600):
        flipped = bytearray(whole)
        flipped[rng.integers(len(whole))] = rng.integers(256)
        path.write_bytes(flipped)
        try:
            npz.load(path)
        except DataError:
            refused += 1
    assert refused > 300


HUGE = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000, 1000), }"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (member(HUGE, b"\0" * 8), "`x` declares float32 .* not what the file holds"),
        (member("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -2), }", b"\0" * 8), "no readable"),
        (member("{'descr': '<U0', 'fortran_order': False, 'shape': (10000000000,), }"), "declares <U0"),
        (member("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 10**9), }"), "no readable"),
        (member("{'descr': '<q9', 'fortran_order': False, 'shape': (1,), }"), "no readable"),
        (member("(" * 5000), "no readable"),
        (member("{}"), "no readable"),
        (b"\x93NUMPY\x09\x00", "no readable"),
        (b"plain text", "no readable"),
        (member("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", b"\0" * 8), "x has the dtype"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_members_that_lie(path, content, says):
    np.savez(path, y=Y)
    y = io.BytesIO()
    np.save(y, Y)
    write(path, {"x.npy": content, "y.npy": y.getvalue()})
    with pytest.raises(DataError, match=says):
        npz.load(path)


def test_a_bomb_is_refused_before_it_is_read(path, monkeypatch):
    monkeypatch.setattr(npz, "MAX_BYTES", 1 << 20)
    np.savez_compressed(path, x=np.zeros((1000, 1000, 2), np.float32), y=np.arange(1000))
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("was read"))
    with pytest.raises(DataError, match="declares 800.* bytes, above the limit of 1048576"):
        npz.load(path)


def test_an_npy_is_not_an_npz(path):
    with path.open("wb") as stream:
        np.save(stream, X)
    with pytest.raises(DataError, match="no readable .npz"):
        npz.load(path)
