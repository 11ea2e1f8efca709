# SPDX-License-Identifier: Apache-2.0
import sys
from dataclasses import fields

import numpy as np
import pytest

from edgernn.data import csv, split
from edgernn.data.csv import Cutting
from edgernn.data.text.reading import Reading
from edgernn.errors import ConfigError, DataError, MissingExtraError

pytest.importorskip("pandas")

AXES = ("ax", "ay")
CUTTING = {field.name for field in fields(Cutting)}


@pytest.fixture
def write(tmp_path):
    def file(text, name="a.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return file


def load(path, columns, **options):
    cutting = {key: options.pop(key) for key in CUTTING & set(options)}
    return csv.load(path, Reading(tuple(columns), **options), Cutting(**cutting))


def rows(count, label, begin=0):
    return "".join(f"{i},{-i},{label}\n" for i in range(begin, begin + count))


HEADER = "ax,ay,what\n"


def test_windows_do_not_span_a_change_of_label(write):
    path = write(HEADER + rows(5, "walk") + rows(3, "sit", 5) + rows(2, "walk", 8))
    ds = load(path, columns=AXES, label="what", window=2, stride=2)
    assert (ds.name, ds.classes, ds.features, ds.per_step) == ("a.csv", ("sit", "walk"), AXES, False)
    np.testing.assert_array_equal(ds.start, [0, 2, 5, 8])
    np.testing.assert_array_equal(ds.y, [1, 1, 0, 1])
    np.testing.assert_array_equal(ds.x[2], [[5, -5], [6, -6]])
    np.testing.assert_array_equal(ds.recording, [0, 0, 0, 0])
    assert ds.group is None


def test_labels_per_step(write):
    path = write(HEADER + rows(3, "walk") + rows(4, "sit", 3))
    ds = load(path, columns=AXES, label="what", window=4, stride=3, per_step=True)
    assert ds.per_step
    np.testing.assert_array_equal(ds.y, [[1, 1, 1, 0], [0, 0, 0, 0]])


def test_without_window_a_stretch_is_a_window(write):
    ds = load(write(HEADER + rows(5, 2) + rows(3, 10)), columns=AXES, label="what")
    assert ds.classes == ("2", "10") and ds.x.shape == (2, 5, 2)
    np.testing.assert_array_equal(ds.lengths, [5, 3])


def test_a_folder_has_a_recording_a_file(write, tmp_path):
    write(HEADER + rows(4, "a"), "b.csv")
    write(HEADER + rows(3, "b"), "a.csv")
    write("not read", "notes.txt")
    ds = load(tmp_path, columns=AXES, label="what", window=3)
    np.testing.assert_array_equal(ds.recording, [0, 1])
    np.testing.assert_array_equal(ds.y, [1, 0])


def test_recording_and_group_columns(write):
    lines = ["s,p,ax,what"]
    lines += [f"{s},{p},{i},{'x' if s else 'y'}" for i in range(4) for s, p in ((1, "eva"), (0, "bob"))]
    path = write("\n".join(lines))
    ds = load(path, columns=["ax"], label="what", recording="s", group="p", window=2)
    np.testing.assert_array_equal(ds.x[:, :, 0], [[0, 1], [2, 3], [0, 1], [2, 3]])
    np.testing.assert_array_equal(ds.recording, [0, 0, 1, 1])
    assert ds.group is not None and ds.group.tolist() == ["eva", "eva", "bob", "bob"]
    by_group = load(path, columns=["ax"], label="what", group="p", window=2)
    assert by_group.digest() == ds.digest()
    mixed = write("s,p,ax,what\n1,eva,0,x\n1,bob,0,y\n")
    with pytest.raises(DataError, match=r"s 1: has rows of the groups `bob` and `eva`"):
        load(mixed, columns=["ax"], label="what", recording="s", group="p")


def test_targets_at_a_horizon(write):
    """The worked example of the forecast."""
    path = write("v\n10\n20\n30\n40\n50\n60\n")
    ds = load(path, columns=["v"], target=["v"], window=3, stride=1, horizon=1)
    assert (ds.task, ds.per_step, ds.targets) == ("regression", False, ("v",))
    np.testing.assert_array_equal(ds.x[:, :, 0], [[10, 20, 30], [20, 30, 40], [30, 40, 50]])
    np.testing.assert_array_equal(ds.y, [[40], [50], [60]])
    here = load(path, columns=["v"], target=["v"], window=3, stride=3)
    np.testing.assert_array_equal(here.y, [[30], [60]])
    with pytest.raises(DataError, match=r"has 6 rows, too few for a horizon of 6"):
        load(path, columns=["v"], target=["v"], horizon=6)


def test_targets_of_every_step(write):
    text = "v,w\n" + "".join(f"{i},{10 * i}\n" for i in range(1, 8))
    options = {"columns": ["v"], "target": ["w", "v"], "per_step": True}
    ds = load(write(text), **options, window=3, stride=2, horizon=1)
    assert (ds.task, ds.per_step, ds.targets) == ("regression", True, ("w", "v"))
    np.testing.assert_array_equal(ds.x[:, :, 0], [[1, 2, 3], [3, 4, 5]])
    np.testing.assert_array_equal(ds.y, [[[20, 2], [30, 3], [40, 4]], [[40, 4], [50, 5], [60, 6]]])
    here = load(write(text), **options, window=3, stride=2)
    np.testing.assert_array_equal(here.y[:, :, 1], here.x[:, :, 0])


def test_targets_of_every_step_of_a_short_recording(write):
    path = write("r,v\n" + "a,1\n" * 5 + "b,7\nb,8\nb,9\n")
    ds = load(path, columns=["v"], target=["v"], recording="r", per_step=True, horizon=1)
    np.testing.assert_array_equal(ds.lengths, [4, 2])
    np.testing.assert_array_equal(ds.y[1, :, 0], [8, 9, 0, 0])


def test_as_many_targets_as_steps_are_per_window(write):
    ds = load(write("a,b\n1,2\n3,4\n"), columns=["a"], target=["a", "b"], window=2)
    assert not ds.per_step
    np.testing.assert_array_equal(ds.y, [[3, 4]])


def test_recordings_are_numbered_by_their_first_time(write, tmp_path):
    for name, begin in (("a.csv", 100), ("b.csv", 50), ("c.csv", 100), ("d.csv", 0)):
        write("t,v\n" + "".join(f"{begin + i},{begin + i}.{ord(name[0])}\n" for i in range(4)), name)
    options = {"columns": ["v"], "target": ["v"], "window": 2}
    ds = load(tmp_path, **options, time="t", time_unit="s")
    np.testing.assert_array_equal(ds.recording, [0, 0, 1, 1, 2, 2, 3, 3])
    np.testing.assert_allclose(ds.y[::2, 0], [1.100, 51.98, 101.97, 101.99], rtol=1e-6)  # decimals as float32
    assert ds.rate == 1
    np.testing.assert_array_equal(split.by_time(ds).test, [6, 7])
    by_file = load(tmp_path, **options)
    np.testing.assert_allclose(by_file.y[::2, 0], [101.97, 51.98, 101.99, 1.100], rtol=1e-6)  # decimals as float32


def test_seconds_by_rate_or_by_the_time_column(write):
    text = "t,ax,what\n" + "".join(f"{i / 4},{i},{i // 8}\n" for i in range(16))
    path = write(text)
    by_rate = load(path, columns=["ax"], label="what", rate=4, window="1s", stride="0.5s")
    assert by_rate.x.shape == (6, 4, 1)
    by_time = load(path, columns=["ax"], label="what", time="t", time_unit="s", window="1s", stride="0.5s")
    assert by_time.digest() == by_rate.digest()
    with pytest.raises(ConfigError, match="window is `1s`, but the rate is not known"):
        load(path, columns=["ax"], label="what", window="1s")
    with pytest.raises(DataError, match="line 6, column `ax` does not grow"):
        load(write("ax,what\n0,a\n2,b\n4,b\n9,b\n6,a\n"), columns=["ax"], label="what", time="ax", time_unit="s")


def test_a_window_longer_than_all_recordings(write):
    with pytest.raises(ConfigError, match="window is 10 steps, but the longest recording has 7"):
        load(write(HEADER + rows(4, "a") + rows(3, "b")), columns=AXES, label="what", window=10)


def test_labels_stay_text(write):
    ds = load(write("ax,what\n1,NA\n2,None\n3,007\n"), columns=["ax"], label="what", window=1)
    assert ds.classes == ("007", "NA", "None")


def test_bom_spaces_and_blank_lines(write):
    ds = load(write("\ufeffax, what\r\n1, a\r\n\r\n2, b\r\n\r\n"), columns=["ax"], label="what", window=1)
    assert ds.classes == ("a", "b") and ds.n == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ax,ay,what\n1,2,a\n3,,b\n", r"a\.csv: line 3, column `ay` is empty; give missing"),
        ("ax,ay,what\n1,2,a\n\n3,nan,b\n", r"line 4, column `ay` holds `nan`"),
        ("ax,ay,what\n1,-inf,a\n3,4,b\n", r"line 2, column `ay` holds `-inf`"),
        ("ax,ay,what\n1,1e39,a\n3,4,b\n", r"line 2, column `ay` holds `1e39`"),
        ("ax,ay,what\n1,2,a\n3,4 g,b\n", r"line 3, column `ay` holds `4 g`"),
        ("ax,ay,what\n1,2,a\n3,4,\n", r"line 3, column `what` is empty"),
        ("ax,ay,what\n1,2,a\n3,4\n", r"line 3, column `what` is empty"),
        ("ax,ay,what\n1,2,a\n3,4,b,5\n", "line 3 has more cells than the 3 of the others"),
        ("ax,ay,what\n1,2,a,4\n3,4,b,5\n", "header names 3 columns, but its rows have 4 cells"),
        ("ax;az;what\n1;2;a\n", "has no column `ay`; its columns are ax, az, what"),
        ("ax,ay,what\n", "has no rows below the header"),
        ("", "is empty; leave it out"),
        ("ax,ay,what\n1,2,a\n3,4,a\n", "all windows are of one class"),
    ],
)
def test_bad_files_are_located(write, text, says):
    path = write(text)
    with pytest.raises(DataError, match=says) as caught:
        load(path, columns=AXES, label="what")
    assert "\n" not in str(caught.value) and "a.csv: " in str(caught.value)


def test_unreadable_paths(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        load(tmp_path / "none.csv", columns=AXES, label="what")
    with pytest.raises(DataError, match=r"holds no file that ends in \.csv"):
        load(tmp_path, columns=AXES, label="what")
    (tmp_path / "a.csv").write_bytes(b"ax,ay,what\n\x00\xfe\x01,1,2\n")
    with pytest.raises(DataError, match="holds zero bytes, so it is no text"):
        load(tmp_path, columns=AXES, label="what")


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
        load(write(HEADER), **{"columns": AXES, **options})


def test_without_pandas(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install '\.\[data\]'"):
        load(write(HEADER + rows(3, "a")), columns=AXES, label="what")


@pytest.fixture
def two_rates(tmp_path):
    for number, step in enumerate((1, 2)):
        lines = "".join(f"{step * i},{i},{'ab'[i // 10]}\n" for i in range(20))
        (tmp_path / f"{number}.csv").write_text("t,v,c\n" + lines)
    return tmp_path


def test_rates_that_disagree_are_resampled_to_the_one_that_is_given(two_rates):
    options = {"columns": ["v"], "label": "c", "time": "t", "time_unit": "s", "window": 2}
    with pytest.raises(DataError, match="1.csv: has 0.5 rows a second, .*0.csv 1; give rate = 1"):
        load(two_rates, **options)
    ds = load(two_rates, **options, rate=1.0)
    assert ds.rate == 1 and "1 of 2 recordings are resampled from 0.5 to 1 Hz; that adds no information" in ds.notes
    np.testing.assert_array_equal(ds.x[ds.recording == 1][:3, :, 0], [[0, 0.5], [1, 1.5], [2, 2.5]])


@pytest.mark.parametrize("rate", [0, 5, 10])
def test_single_rows_that_are_missing_are_filled_where_a_rate_is_given(write, rate):
    kept = [row for row in range(400) if row not in range(101, 131, 3)]
    path = write("t,v,c\n" + "".join(f"{row / 10},{row},{'ab'[row // 200]}\n" for row in kept))
    ds = load(path, columns=["v"], label="c", time="t", time_unit="s", window=10, stride=10, rate=rate)
    told = (
        "column `t` says that 10 single rows are missing among 390; give rate = 10 to fill them by resampling, or gap"
    )
    assert [note for note in ds.notes if "missing" in note] == ([] if rate else [f"{told} = 1.5 to cut there"])
    if rate == 10:
        np.testing.assert_allclose(ds.x[10:14, :, 0], np.arange(100, 140).reshape(4, 10), atol=1e-4)


def test_a_window_that_only_the_horizon_makes_too_long(write):
    path = write("v\n" + "1\n2\n3\n4\n5\n")
    with pytest.raises(ConfigError, match="1 steps of horizon left out: window is 5 steps, but the longest .* has 4"):
        load(path, columns=["v"], target=["v"], window=5, horizon=1)
    with pytest.raises(DataError, match="has 5 rows, too few for a horizon of 7"):
        load(path, columns=["v"], target=["v"], window=3, horizon=7)


# What folders and names say


@pytest.fixture
def tree(tmp_path):
    def files(**texts):
        for name, text in texts.items():
            path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return files


V = "v\n" + "".join(f"{i}.5\n" for i in range(4))


def test_classes_and_people_in_the_path(tree):
    base = tree(walk__eva_1_dot_csv=V, walk__bob_1_dot_csv=V, sit__eva_2_dot_csv=V)
    with pytest.raises(DataError, match=r'has no column `what`.*write path = ".*/{label}/\*.csv"'):
        load(base, ["v"], label="what")
    ds = load(f"{base}/{{label}}/{{group}}_*.csv", ["v"], window=2)
    assert ds.classes == ("sit", "walk") and ds.group.tolist() == ["eva"] * 2 + ["bob"] * 2 + ["eva"] * 2
    assert ds.notes == ("3 files read as CSV: one column",)
    named = load(f"{base}/{{activity}}/{{person}}_*.csv", ["v"], window=2, label="activity", group="person")
    assert named.digest() == ds.digest()
    with pytest.raises(ConfigError, match="path has {person}, which no key names"):
        load(f"{base}/{{label}}/{{person}}_*.csv", ["v"])
    with pytest.raises(ConfigError, match="label names the column `v`, but path has {label}"):
        load(f"{base}/{{label}}/*.csv", ["v"], label="v")


def test_the_parts_of_a_given_split(tree):
    base = tree(Train__a1_dot_csv=V, Train__b1_dot_csv=V, test__a2_dot_csv=V, test__b2_dot_csv=V)
    ds = load(f"{base}/{{split}}/{{label}}[0-9].csv", ["v"])
    assert ds.split.tolist() == ["train", "train", "test", "test"] and ds.classes == ("a", "b")


def test_files_of_one_recording_are_on_one_side(tree):
    base = tree(a__r1_1_dot_csv=V, a__r1_2_dot_csv=V, b__r2_1_dot_csv=V)
    ds = load(f"{base}/{{label}}/{{recording}}_*.csv", ["v"])
    np.testing.assert_array_equal(ds.recording, [0, 0, 1])


def test_a_column_that_the_path_tells_too(tree):
    base = tree(a__x_dot_csv="v,label\n1.5,q\n", b__x_dot_csv="v,label\n1.5,q\n")
    with pytest.raises(DataError, match="has a column `label`, and path has {label}"):
        load(f"{base}/{{label}}/*.csv", ["v"])


# Several sensors


def sensor(rate, name, count, what=""):
    return f"t,{name}{',what' * bool(what)}\n" + "".join(
        f"{i / rate},{i / rate * 10}{',' * bool(what)}{what[i * len(what) // count :][:1]}\n" for i in range(count)
    )


def test_sensors_in_files_of_their_own_by_row(tree):
    base = tree(acc_1_dot_csv=sensor(10, "ax", 8, "ab"), gyro_1_dot_csv=sensor(10, "gx", 8))
    with pytest.raises(DataError, match=r'but other files have; .* write path = ".*/{sensor}_{recording}.csv"'):
        load(base, ["ax", "gx"], label="what")
    ds = load(f"{base}/{{sensor}}_{{recording}}.csv", ["gx", "ax"], label="what", window=4)
    assert ds.features == ("gx", "ax") and ds.n == 2
    np.testing.assert_array_equal(ds.x[..., 0], ds.x[..., 1])


def test_sensors_of_two_rates_by_time(tree):
    base = tree(acc_1_dot_csv=sensor(100, "x", 80, "ab"), gyro_1_dot_csv=sensor(50, "x", 39))
    path = f"{base}/{{sensor}}_{{recording}}.csv"
    with pytest.raises(DataError, match=r"the sensors acc, gyro have a column `x`; name one as `acc.x`"):
        load(path, ["x"], label="what")
    with pytest.raises(
        DataError, match=r"acc_1.csv: has 80 rows, .*gyro_1.csv 39; name the column of the time by time"
    ):
        load(path, ["acc.x", "gyro.x"], label="what")
    ds = load(path, ["acc.x", "gyro.x"], label="what", time="t", window=37)
    assert ds.rate == 100
    np.testing.assert_allclose(ds.x[..., 1], ds.x[..., 0], atol=1e-5)  # interpolated in float64, kept in float32


def test_single_rows_of_a_second_sensor_are_filled(tree):
    rows = sensor(10, "gx", 80).splitlines(keepends=True)
    base = tree(acc_1_dot_csv=sensor(10, "ax", 80, "ab"), gyro_1_dot_csv="".join(rows[:31] + rows[32:]))
    ds = load(f"{base}/{{sensor}}_{{recording}}.csv", ["ax", "gx"], label="what", time="t", time_unit="s", window=40)
    np.testing.assert_allclose(ds.x[..., 1], ds.x[..., 0], atol=1e-5)  # interpolated in float64, kept in float32
    assert not [note for note in ds.notes if "missing" in note]


def test_a_recording_that_lacks_a_sensor(tree):
    base = tree(acc_1_dot_csv=V, gyro_1_dot_csv=V, acc_2_dot_csv=V)
    with pytest.raises(DataError, match="acc_2.csv: has no file of the sensor gyro beside it"):
        load(f"{base}/{{sensor}}_{{recording}}.csv", ["acc.v", "gyro.v"], target=["acc.v"])


# Labels of intervals


def test_labels_of_intervals_in_rows(tree):
    base = tree(a_dot_csv=V, b_dot_csv=V)
    marks = base / "marks.csv"
    marks.write_text("file,label,begin,end\na.csv,x,0,2\nb,y,2,4\n")
    options = {"columns": ["v"], "annotations": str(marks)}
    ds = load(base, **options)
    assert ds.classes == ("x", "y") and "4 of 8 steps have no label and don't count" in ds.notes
    np.testing.assert_array_equal(ds.x[..., 0], [[0.5, 1.5], [2.5, 3.5]])
    np.testing.assert_array_equal(ds.start, [0, 2])
    steps = load(base, **options, per_step=True)
    np.testing.assert_array_equal(steps.ignored, [[0, 0, 1, 1], [1, 1, 0, 0]])
    assert load(base, **options, unlabelled="none").classes == ("none", "x", "y")
    assert load(base, **options, unlabelled="none", ignore=("none",), per_step=True).digest() == steps.digest()


def test_labels_of_intervals_in_times(tree):
    times = "time;v\n" + "".join(f"09.03.2020 10:00:{i:02};{i},5\n" for i in range(20, 40))
    base = tree(rec__a_dot_csv=times)
    marks = base / "marks.csv"
    marks.write_text(
        "label;start;stop\nx;09.03.2020 10:00:20;09.03.2020 10:00:25\ny;09.03.2020 10:00:25;09.03.2020 10:00:31\n"
    )
    ds = load(base / "rec", ["v"], annotations=str(marks), time="time", time_unit="%d.%m.%Y %H:%M:%S")
    np.testing.assert_array_equal(ds.lengths, [5, 6])
    assert ds.rate == 1 and ds.notes[0] == "1 file read as CSV: separator `;`, decimal comma"


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("file,label,begin,end\nz.csv,x,0,2\n", {}, "line 2 is of `z.csv`, but no recording has this name"),
        ("file,label,begin,end\na.csv,x,0,9\n", {}, "has the row 9, but its recording has 0 to 4"),
        ("file,label,begin,end\na.csv,x,0.5,2\n", {}, "has the row 0.5, .* or write annotated_in"),
        ("file,label,begin,end\na.csv,x,2,1\n", {}, "ends before it begins"),
        ("file,label,begin,end\na.csv,x,0,3\na.csv,y,2,4\n", {}, "gives steps the label `y` that have `x` already"),
        ("file,label,begin,end\na.csv,,0,3\n", {}, "line 2, column `label` is empty"),
        ("file,label,begin\na.csv,x,0\n", {}, "has no column of the end of an interval; call one end or stop"),
        ("label,begin,end\nx,0,2\n", {}, "has no column of the file, but there are 2 recordings"),
        ("file,label,begin,end\na.csv,x,0,2\n", {"annotated_in": "time"}, "no column of the time is named"),
    ],
)
def test_intervals_that_fit_no_recording(tree, text, options, says):
    base = tree(rec__a_dot_csv=V, rec__b_dot_csv=V, marks_dot_csv=text)
    with pytest.raises((DataError, ConfigError), match=says):
        load(base / "rec", ["v"], annotations=str(base / "marks.csv"), **options)


def test_a_label_a_recording(tree):
    base = tree(rec__a_dot_csv=V, rec__b_dot_csv=V, rec__c_dot_csv=V, marks_dot_csv="file,label\na.csv,x\nb,y\n")
    ds = load(base / "rec", ["v"], annotations=str(base / "marks.csv"))
    assert ds.classes == ("x", "y") and ds.lengths.tolist() == [4, 4] and ds.y.tolist() == [0, 1]
    assert "4 of 12 steps have no label and don't count, among them 1 whole recordings" in ds.notes
    (base / "marks.csv").write_text("a.csv,x\nb.csv,y\n")
    with pytest.raises(DataError, match="or name all in order by annotation_columns; its columns are a.csv, x"):
        load(base / "rec", ["v"], annotations=str(base / "marks.csv"))
    with pytest.raises(DataError, match="its first row, a.csv, x, is of a recording but read as names"):
        load(base / "rec", ["v"], annotations=str(base / "marks.csv"), annotation_columns=("file", "label"))
    (base / "marks.csv").write_text("file,label\na.csv,x\na.csv,y\n")
    with pytest.raises(DataError, match="line 3: gives steps the label `y` that have `x` already"):
        load(base / "rec", ["v"], annotations=str(base / "marks.csv"))


def test_intervals_that_may_be_seconds(tree):
    base = tree(rec__a_dot_csv="v\n" + "1\n2\n3\n" * 50, marks_dot_csv="label,begin,end\nx,0,1\ny,1,3\n")
    options = {"annotations": str(base / "marks.csv"), "rate": 50.0}
    with pytest.raises(
        DataError, match=r"end at row 3 of 150, and it lasts 3 s: if they are seconds, write them as rows"
    ):
        load(base / "rec", ["v"], **options)
    assert load(base / "rec", ["v"], **options, annotated_in="rows", shortest=1).lengths.tolist() == [1, 2]


def test_intervals_without_names(tree):
    """Rows of integers between spaces, as HAPT has them; the recordings are told by their numbers."""
    base = tree(rec__acc_exp01_user01_dot_txt="1.5 2\n" * 8, rec__acc_exp02_user01_dot_txt="3.5 4\n" * 8)
    marks = base / "labels.txt"
    marks.write_text("1 1 5 0 4\n1 1 4 4 8\n2 1 5 1 3\n")
    path, options = f"{base}/rec/acc_exp{{recording}}_user{{group}}.txt", {"annotations": str(marks)}
    with pytest.raises(DataError, match=r"name its 5 columns in order by annotation_columns, such as"):
        load(path, ["1", "2"], **options)
    with pytest.raises(DataError, match="has 5 columns, but annotation_columns names 2"):
        load(path, ["1", "2"], **options, annotation_columns=("file", "label"))
    ds = load(path, ["1", "2"], **options, annotation_columns=("file", "who", "label", "begin", "end"))
    assert ds.classes == ("4", "5") and ds.lengths.tolist() == [4, 4, 2] and ds.y.tolist() == [1, 0, 1]
    # Names of its own are replaced.
    marks.write_text("exp user act t0 t1\n1 1 5 0 4\n1 1 4 4 8\n2 1 5 1 3\n")
    again = load(path, ["1", "2"], **options, annotation_columns=("file", "who", "label", "begin", "end"))
    assert again.digest() == ds.digest()


# Labels, stretches and what is left out


def test_stretches_shorter_than_the_window_are_left_out_and_counted(write):
    path = write(HEADER + rows(5, "a") + rows(1, "b") + rows(4, "a") + rows(4, "b"))
    ds = load(path, AXES, label="what", window=4)
    np.testing.assert_array_equal(ds.lengths, [4, 4, 4])
    assert "1 of 4 stretches of one label (1 of 14 steps) are shorter than 4 steps and left out" in ds.notes[1]
    short = load(path, AXES, label="what", window=4, shortest=1)
    assert short.n == 4 and "1 windows are shorter than 4 steps" in short.notes
    with pytest.raises(
        DataError, match="no stretch has the 6 steps of a window; the longest has 5: give a shorter window"
    ):
        load(path, AXES, label="what", window=6)
    with pytest.raises(DataError, match="no stretch of the class `b` has the 5 steps of a window; the longest has 4"):
        load(path, AXES, label="what", window=5)


def test_a_class_that_does_not_count(write):
    path = write(HEADER + rows(4, "a") + rows(3, "none") + rows(5, "b"))
    ds = load(path, AXES, label="what", ignore=("none",))
    assert ds.classes == ("a", "b") and ds.n == 2
    steps = load(path, AXES, label="what", ignore=("none",), per_step=True, window=6)
    assert steps.classes == ("a", "b") and steps.ignored.sum() == 3
    with pytest.raises(ConfigError, match="ignore names the class `nothing`, which no step has; there are a, b, none"):
        load(path, AXES, label="what", ignore=("nothing",))


@pytest.mark.parametrize(
    ("labels", "classes"),
    [(("1.0", "2.0"), ("1", "2")), (("1", "1.0", "2"), ("1", "2")), ((" walk ", "sit"), ("sit", "walk"))],
)
def test_labels_as_numbers_and_with_spaces(write, labels, classes):
    path = write("v;what\n" + "".join(f"{i}.5;{label}\n" for i, label in enumerate(labels)))
    assert load(path, ["v"], label="what").classes == classes


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (("Walking", "walking"), "`Walking` and `walking` differ only by case, spaces, zeros or code"),
        (("1", "01"), "differ only by case"),
        (("a\x1b[0m", "b"), r"the label `a\\x1b\[0m` has control characters"),
    ],
)
def test_labels_that_are_refused(write, labels, says):
    path = write("v;what\n" + "".join(f"{i}.5;{label}\n" for i, label in enumerate(labels)))
    with pytest.raises(DataError, match=says) as caught:
        load(path, ["v"], label="what")
    assert str(caught.value).isprintable()


def test_an_empty_label(write):
    path = write("v,what\n1.5,a\n2.5,\n3.5,b\n")
    with pytest.raises(DataError, match='line 3, column `what` is empty; .* give unlabelled = "none" as its class'):
        load(path, ["v"], label="what")
    assert load(path, ["v"], label="what", unlabelled="rest").classes == ("a", "b", "rest")
    np.testing.assert_array_equal(load(path, ["v"], label="what", missing="drop").start, [0, 2])


# Missing values and times


def test_rows_that_are_dropped_cut_the_recording(write):
    path = write("v\n" + "".join(f"{'NaN' if i == 5 else i + 0.5}\n" for i in range(12)))
    ds = load(path, ["v"], target=["v"], missing="drop", window=2)
    np.testing.assert_array_equal(ds.start, [0, 2, 6, 8, 10])
    held = load(path, ["v"], target=["v"], window=6, missing="hold")
    assert held.n == 2


def test_no_window_spans_a_gap(write):
    path = write("t,v\n" + "".join(f"{(i + 50 * (i >= 12)) / 50},{i}\n" for i in range(24)))
    ds = load(path, ["v"], target=["v"], time="t", window=5)
    np.testing.assert_array_equal(ds.x[:, 0, 0], [0, 5, 12, 17])
    np.testing.assert_array_equal(ds.start, [0, 5, 62, 67])


def test_one_form_in_all_files(tree):
    with pytest.raises(DataError, match="a.csv with separator `,`; give separator"):
        load(tree(a_dot_csv="v,w\n1.5,2\n2.5,3\n", b_dot_csv="v;w\n1.5;2\n2.5;3\n"), ["v"], target=["w"])
    with pytest.raises(DataError, match="has decimal commas, but .* has points"):
        load(tree(a_dot_csv="v;w\n1.5;2\n2.5;3\n", b_dot_csv="v;w\n1,5;2\n2,5;3\n"), ["v"], target=["w"])


def test_names_with_control_characters(write):
    with pytest.raises(ConfigError, match="the name `a\\\\x07` has control characters"):
        load(write("a,b\n1.5,2\n"), ["a\x07"], target=["b"])


# What was accepted and wrong, or refused for another reason than the cause


def of_three(*cells):
    return "v,w,what\n" + "".join(f"{line}\n" for line in cells)


@pytest.mark.parametrize(
    ("cells", "options", "says"),
    [
        (["1.5,2,x", "2.5,1,NaN"], {}, r'label `NaN` looks like a missing one; give ignore = \["NaN"\]'),
        (["1.5,2,caf\u00e9", "2.5,1,cafe\u0301"], {}, "differ only by case, spaces, zeros or code"),
        ([f"1.5,2,{number}.25" for number in range(30)], {}, "30 different values, all numbers; .* by target"),
        (["1.5,2,x", "2.5,1,y"], {"ignore": ("x", "y")}, "ignore leaves fewer than two classes"),
        (["1.5,2,1", "2.5,1,0"], {"columns": ["v", "what"]}, "columns has the label `what`, so the model"),
        (["1.5,2,x", '2.5,1,"y'], {}, "look for a missing quote$"),
    ],
)
def test_the_cause_is_named(tree, cells, options, says):
    base = tree(a_dot_csv=of_three(*cells))
    with pytest.raises((DataError, ConfigError), match=says):
        load(base, **{"columns": ["v"], "label": "what", **options})


def test_a_missing_label_is_left_out_by_ignore(tree):
    base = tree(a_dot_csv=of_three("1.5,2,x", "2.5,1,NaN", "3.5,1,y"))
    assert load(base, ["v"], label="what", ignore=("NaN",)).classes == ("x", "y")


def test_targets_are_not_offered_to_be_filled(tree):
    base = tree(a_dot_csv=of_three("1.5,2,3.5", "2.5,1,", "3.5,1,2.5"))
    with pytest.raises(DataError, match=r'is empty; give missing = "drop" \(the row is left out\)$'):
        load(base, ["v"], target=["what"])
    assert load(base, ["v"], target=["what"], missing="drop", window=1).y.ravel().tolist() == [3.5, 2.5]


def test_utf_32_and_commas_between_seconds_and_fraction(tree):
    base = tree()
    text = "t;v;what\n" + "".join(f"09.03.2020 10:00:00,{row * 20:03};{row}.5;{'xy'[row // 4]}\n" for row in range(8))
    (base / "a.csv").write_bytes(text.encode("utf-32"))
    ds = load(base, ["v"], label="what", time="t")
    assert ds.rate == 50 and ds.classes == ("x", "y") and ds.x.ravel().tolist() == [row + 0.5 for row in range(8)]


def test_the_hour_that_comes_twice(tree):
    """Behind the begin of the recording or in front of it, it is the end of summer time."""
    local = [f"2023-10-29 {2 + minute // 60:02}:{minute % 60:02}:00" for minute in range(30, 60)]
    local += [f"2023-10-29 02:{minute:02}:00" for minute in range(60)]
    base = tree(a_dot_csv="t,v,what\n" + "".join(f"{time},1.5,x\n" for time in local))
    with pytest.raises(DataError, match="line 32.*goes back by an hour, as at the end of summer time"):
        load(base, ["v"], label="what", time="t")


def test_a_rate_that_would_fill_the_memory(tree):
    base = tree(a_dot_csv="t,v,what\n" + "".join(f"{5 + row / 50:.2f},1.5,{'xy'[row // 20]}\n" for row in range(40)))
    with pytest.raises(DataError, match="rate is 1e.09, but column `t` has 50 rows a second; give a lower rate"):
        load(base, ["v"], label="what", time="t", rate=1e9)
    assert load(base, ["v"], label="what", time="t", rate=500.0).rate == 500
    with pytest.raises(DataError, match="a.csv: gives no step at 0.001 Hz; leave it out, or give a higher rate"):
        load(base, ["v"], label="what", time="t", rate=0.001)
