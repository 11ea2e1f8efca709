# SPDX-License-Identifier: Apache-2.0
import sys

import numpy as np
import pytest

from edgernn.data import csv, split
from edgernn.errors import ConfigError, DataError, MissingExtraError

pytest.importorskip("pandas")

AXES = ("ax", "ay")


@pytest.fixture
def write(tmp_path):
    def file(text, name="a.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return file


def rows(count, label, begin=0):
    return "".join(f"{i},{-i},{label}\n" for i in range(begin, begin + count))


HEADER = "ax,ay,what\n"


def test_windows_do_not_span_a_change_of_label(write):
    path = write(HEADER + rows(5, "walk") + rows(3, "sit", 5) + rows(2, "walk", 8))
    ds = csv.load(path, columns=AXES, label="what", window=2, stride=2)
    assert (ds.name, ds.classes, ds.features, ds.per_step) == ("a.csv", ("sit", "walk"), AXES, False)
    np.testing.assert_array_equal(ds.start, [0, 2, 5, 8])
    np.testing.assert_array_equal(ds.y, [1, 1, 0, 1])
    np.testing.assert_array_equal(ds.x[2], [[5, -5], [6, -6]])
    np.testing.assert_array_equal(ds.recording, [0, 0, 0, 0])
    assert ds.group is None


def test_labels_per_step(write):
    path = write(HEADER + rows(3, "walk") + rows(4, "sit", 3))
    ds = csv.load(path, columns=AXES, label="what", window=4, stride=3, per_step=True)
    assert ds.per_step
    np.testing.assert_array_equal(ds.y, [[1, 1, 1, 0], [0, 0, 0, 0]])


def test_without_window_a_stretch_is_a_window(write):
    ds = csv.load(write(HEADER + rows(5, 2) + rows(3, 10)), columns=AXES, label="what")
    assert ds.classes == ("2", "10") and ds.x.shape == (2, 8, 2)
    np.testing.assert_array_equal(ds.lengths, [5, 3])


def test_a_folder_has_a_recording_a_file(write, tmp_path):
    write(HEADER + rows(4, "a"), "b.csv")
    write(HEADER + rows(3, "b"), "a.csv")
    write("not read", "notes.txt")
    ds = csv.load(tmp_path, columns=AXES, label="what", window=3)
    np.testing.assert_array_equal(ds.recording, [0, 1])
    np.testing.assert_array_equal(ds.y, [1, 0])


def test_recording_and_group_columns(write):
    lines = ["s,p,ax,what"]
    lines += [f"{s},{p},{i},{'x' if s else 'y'}" for i in range(4) for s, p in ((1, "eva"), (0, "bob"))]
    path = write("\n".join(lines))
    ds = csv.load(path, columns=["ax"], label="what", recording="s", group="p", window=2)
    np.testing.assert_array_equal(ds.x[:, :, 0], [[0, 1], [2, 3], [0, 1], [2, 3]])
    np.testing.assert_array_equal(ds.recording, [0, 0, 1, 1])
    assert ds.group is not None and ds.group.tolist() == ["eva", "eva", "bob", "bob"]
    by_group = csv.load(path, columns=["ax"], label="what", group="p", window=2)
    assert by_group.digest() == ds.digest()
    mixed = write("s,p,ax,what\n1,eva,0,x\n1,bob,0,y\n")
    with pytest.raises(DataError, match=r"s 1: has rows of the groups `bob` and `eva`"):
        csv.load(mixed, columns=["ax"], label="what", recording="s", group="p")


def test_targets_at_a_horizon(write):
    """The worked example of the forecast."""
    path = write("v\n10\n20\n30\n40\n50\n60\n")
    ds = csv.load(path, columns=["v"], target=["v"], window=3, stride=1, horizon=1)
    assert (ds.task, ds.per_step, ds.targets) == ("regression", False, ("v",))
    np.testing.assert_array_equal(ds.x[:, :, 0], [[10, 20, 30], [20, 30, 40], [30, 40, 50]])
    np.testing.assert_array_equal(ds.y, [[40], [50], [60]])
    here = csv.load(path, columns=["v"], target=["v"], window=3, stride=3)
    np.testing.assert_array_equal(here.y, [[30], [60]])
    with pytest.raises(DataError, match=r"has 6 rows, too few for a horizon of 6"):
        csv.load(path, columns=["v"], target=["v"], horizon=6)


def test_targets_of_every_step(write):
    text = "v,w\n" + "".join(f"{i},{10 * i}\n" for i in range(1, 8))
    options = {"columns": ["v"], "target": ["w", "v"], "per_step": True}
    ds = csv.load(write(text), **options, window=3, stride=2, horizon=1)
    assert (ds.task, ds.per_step, ds.targets) == ("regression", True, ("w", "v"))
    np.testing.assert_array_equal(ds.x[:, :, 0], [[1, 2, 3], [3, 4, 5]])
    np.testing.assert_array_equal(ds.y, [[[20, 2], [30, 3], [40, 4]], [[40, 4], [50, 5], [60, 6]]])
    here = csv.load(write(text), **options, window=3, stride=2)
    np.testing.assert_array_equal(here.y[:, :, 1], here.x[:, :, 0])


def test_targets_of_every_step_of_a_short_recording(write):
    path = write("r,v\n" + "a,1\n" * 5 + "b,7\nb,8\nb,9\n")
    ds = csv.load(path, columns=["v"], target=["v"], recording="r", per_step=True, horizon=1)
    np.testing.assert_array_equal(ds.lengths, [4, 2])
    np.testing.assert_array_equal(ds.y[1, :, 0], [8, 9, 0, 0])


def test_as_many_targets_as_steps_are_per_window(write):
    ds = csv.load(write("a,b\n1,2\n3,4\n"), columns=["a"], target=["a", "b"], window=2)
    assert not ds.per_step
    np.testing.assert_array_equal(ds.y, [[3, 4]])


def test_recordings_are_numbered_by_their_first_time(write, tmp_path):
    for name, begin in (("a.csv", 100), ("b.csv", 50), ("c.csv", 100), ("d.csv", 0)):
        write("t,v\n" + "".join(f"{begin + i},{begin}.{ord(name[0])}\n" for i in range(2)), name)
    options = {"columns": ["v"], "target": ["v"], "window": 2}
    ds = csv.load(tmp_path, **options, time="t")
    np.testing.assert_array_equal(ds.recording, [0, 1, 2, 3])
    np.testing.assert_allclose(ds.y[:, 0], [0.100, 50.98, 100.97, 100.99], rtol=1e-6)  # decimals as float32
    assert ds.rate == 1
    np.testing.assert_array_equal(split.by_time(ds).test, [3])
    by_file = csv.load(tmp_path, **options)
    np.testing.assert_allclose(by_file.y[:, 0], [100.97, 50.98, 100.99, 0.100], rtol=1e-6)  # decimals as float32


def test_seconds_by_rate_or_by_the_time_column(write):
    text = "t,ax,what\n" + "".join(f"{i / 4},{i},{i // 8}\n" for i in range(16))
    path = write(text)
    by_rate = csv.load(path, columns=["ax"], label="what", rate=4, window="1s", stride="0.5s")
    assert by_rate.x.shape == (6, 4, 1)
    by_time = csv.load(path, columns=["ax"], label="what", time="t", window="1s", stride="0.5s")
    assert by_time.digest() == by_rate.digest()
    with pytest.raises(ConfigError, match="window is `1s`, but the rate is not known"):
        csv.load(path, columns=["ax"], label="what", window="1s")
    with pytest.raises(DataError, match="line 4, column `ax` does not grow"):
        csv.load(write("ax,what\n0,a\n2,b\n1,a\n"), columns=["ax"], label="what", time="ax")


def test_a_window_longer_than_all_recordings(write):
    with pytest.raises(ConfigError, match="window is 10 steps, but the longest recording has 7"):
        csv.load(write(HEADER + rows(4, "a") + rows(3, "b")), columns=AXES, label="what", window=10)


def test_labels_stay_text(write):
    ds = csv.load(write("ax,what\n1,NA\n2,None\n3,007\n"), columns=["ax"], label="what", window=1)
    assert ds.classes == ("007", "NA", "None")


def test_bom_spaces_and_blank_lines(write):
    ds = csv.load(write("\ufeffax, what\r\n1, a\r\n\r\n2, b\r\n\r\n"), columns=["ax"], label="what", window=1)
    assert ds.classes == ("a", "b") and ds.n == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ax,ay,what\n1,2,a\n3,,b\n", r"a\.csv: line 3, column `ay` holds ``"),
        ("ax,ay,what\n1,2,a\n\n3,nan,b\n", r"line 4, column `ay` holds `nan`"),
        ("ax,ay,what\n1,-inf,a\n3,4,b\n", r"line 2, column `ay` holds `-inf`"),
        ("ax,ay,what\n1,1e39,a\n3,4,b\n", r"line 2, column `ay` holds `1e39`"),
        ("ax,ay,what\n1,2,a\n3,4 g,b\n", r"line 3, column `ay` holds `4 g`"),
        ("ax,ay,what\n1,2,a\n3,4,\n", r"line 3, column `what` is empty"),
        ("ax,ay,what\n1,2,a\n3,4\n", r"line 3, column `what` is empty"),
        ("ax,ay,what\n1,2,a\n3,4,b,5\n", r"not a readable CSV file \(.*line 3, saw 4\)"),
        ("ax,ay,what\n1,2,a,4\n3,4,b,5\n", "more cells than the header has names"),
        ("ax;ay;what\n1;2;a\n", "has no column `ax`; its columns are ax;ay;what"),
        ("ax,ay,what\n", "has no rows below the header"),
        ("", "not a readable CSV file"),
        ("ax,ay,what\n1,2,a\n3,4,a\n", "all windows are of one class"),
    ],
)
def test_bad_files_are_located(write, text, says):
    path = write(text)
    with pytest.raises(DataError, match=says) as caught:
        csv.load(path, columns=AXES, label="what")
    assert "\n" not in str(caught.value) and "a.csv: " in str(caught.value)


def test_unreadable_paths(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        csv.load(tmp_path / "none.csv", columns=AXES, label="what")
    with pytest.raises(DataError, match=r"holds no \*\.csv file"):
        csv.load(tmp_path, columns=AXES, label="what")
    (tmp_path / "a.csv").write_bytes(b"ax,ay,what\n\xff\xfe,1,2\n")
    with pytest.raises(DataError, match="not a readable CSV file"):
        csv.load(tmp_path, columns=AXES, label="what")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"label": "what", "target": ["ax"]},
        {"label": "what", "horizon": 1},
        {"target": ["ax"], "horizon": -1},
        {"label": "what", "columns": ()},
    ],
)
def test_contradicting_options(write, options):
    with pytest.raises(ConfigError):
        csv.load(write(HEADER), **{"columns": AXES, **options})


def test_without_pandas(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install '\.\[data\]'"):
        csv.load(write(HEADER + rows(3, "a")), columns=AXES, label="what")


@pytest.mark.parametrize(
    ("times", "options", "says"),
    [
        (([0, 1, 2, 3], [0, 2, 4, 6]), {}, "has 0.5 rows a second, the others 1; resample it"),
        (([0, 1, 2, 3], [0, 1, 2, 3]), {"rate": 10.0}, "rate is 10 Hz, but the time column gives 1; leave out one"),
    ],
)
def test_rates_that_disagree(tmp_path, times, options, says):
    for number, column in enumerate(times):
        rows = "".join(f"{t},{t},{'ab'[number]}\n" for t in [*column, *(column[-1] + 1 + i for i in range(2 - number))])
        (tmp_path / f"{number}.csv").write_text("t,v,c\n" + rows)
    with pytest.raises(DataError, match=says):
        csv.load(tmp_path, columns=["v"], label="c", time="t", window=2, **options)


def test_a_window_that_only_the_horizon_makes_too_long(write):
    path = write("v\n" + "1\n2\n3\n4\n5\n")
    with pytest.raises(ConfigError, match="1 steps of horizon left out: window is 5 steps, but the longest .* has 4"):
        csv.load(path, columns=["v"], target=["v"], window=5, horizon=1)
    with pytest.raises(DataError, match="has 5 rows, too few for a horizon of 7"):
        csv.load(path, columns=["v"], target=["v"], window=3, horizon=7)
