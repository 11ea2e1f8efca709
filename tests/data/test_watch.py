# SPDX-License-Identifier: Apache-2.0
import importlib.util

import numpy as np
import pytest

from edgernn.data import split, watch
from edgernn.errors import ConfigError, DataError, MissingExtraError

pytest.importorskip("seglearn")


def test_the_recordings():
    ds = watch.load(window="4s", stride="2s", decimate=2)
    assert ds.x.shape == (2229, 100, 6)
    assert ds.classes == ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")
    assert ds.features == ("ax", "ay", "az", "wx", "wy", "wz")
    assert ds.group is not None
    assert np.unique(ds.group).tolist() == [f"person {n:02}" for n in range(1, 11)]
    assert len(np.unique(ds.recording)) == 140
    # The first recording: 1333 samples at 50 Hz, exercise 0, person 7.
    first = ds.take(np.flatnonzero(ds.recording == 0))
    np.testing.assert_array_equal(first.start, np.arange(0, 666 - 100 + 1, 50))
    assert set(first.y.tolist()) == {0} and first.group is not None and set(first.group.tolist()) == {"person 07"}
    assert ds.digest() == "cab79f33f84f91a83cbfb5237682f7d0d3d31dd6d6f52f37162e5847a2291824"


def test_decimation_averages_blocks():
    whole = watch.load("2s", "2s", 1)
    halved = watch.load("2s", "2s", 2)
    assert whole.x.shape[1] == 100 and halved.x.shape[1] == 50
    means = whole.x[0].astype(np.float64).reshape(50, 2, 6).mean(axis=1)
    # Float32 windows averaged here against float64 samples averaged there.
    np.testing.assert_allclose(halved.x[0], means, rtol=0, atol=1e-6)


def test_recordings_shorter_than_the_window_are_padded():
    ds = watch.load(2618 // 4, "1s", 4)
    assert ds.n == 140 and ds.x.shape[1] == 2618 // 4
    assert ds.lengths.min() == 947 // 4


def test_a_window_longer_than_all_recordings_is_refused():
    with pytest.raises(ConfigError, match="window is 12500 steps, but the longest recording has 654"):
        watch.load("1000s", "1s", 4)


def test_the_default_split_is_fixed_and_keeps_people_apart():
    ds = watch.load()
    parts = split.make(ds)
    assert ds.group is not None
    assert np.unique(ds.group[parts.validation]).tolist() == ["person 03", "person 08"]
    assert np.unique(ds.group[parts.test]).tolist() == ["person 02", "person 06"]
    assert len(parts.train) + len(parts.validation) + len(parts.test) == ds.n


@pytest.mark.parametrize("options", [{"decimate": 0}, {"decimate": 5000}, {"window": "0s"}, {"stride": -1}])
def test_wrong_options(options):
    with pytest.raises(ConfigError):
        watch.load(**options)


def test_without_seglearn(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install '\.\[data\]'"):
        watch.load()


def test_another_version(monkeypatch, tmp_path):
    monkeypatch.setattr(watch, "file", lambda: tmp_path / "watch_dataset.npy")
    with pytest.raises(DataError, match=r"can't be read .*pip install seglearn==1.2.5"):
        watch.load()
    (tmp_path / "watch_dataset.npy").write_bytes(b"other")
    with pytest.raises(DataError, match="is not the file of seglearn 1.2.5"):
        watch.load()
