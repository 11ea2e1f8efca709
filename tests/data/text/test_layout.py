# SPDX-License-Identifier: Apache-2.0
import os
import re

import pytest

from edgernn.data.text import layout
from edgernn.errors import ConfigError, DataError


@pytest.fixture
def make(tmp_path):
    def files(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("v\n1\n")
        return tmp_path

    return files


def names(found, base):
    return [source.path.relative_to(base).as_posix() for source in found.sources]


def test_a_folder_gives_its_tables_and_those_below(make):
    base = make("b.csv", "sub/a.CSV", ".hidden.csv", "__MACOSX/x.csv", "notes.txt", "image.png")
    found = layout.find(base)
    assert names(found, base) == ["b.csv", "sub/a.CSV"]
    assert found.notes == ("1 files that don't end in .csv left out",)


def test_other_endings_where_no_csv_is(make):
    base = make("a.txt", "b.TXT")
    assert names(layout.find(base), base) == ["a.txt", "b.TXT"]
    make("c.dat")
    with pytest.raises(DataError, match=r"end in \.dat and in \.txt; name those that are recordings"):
        layout.find(base)
    with pytest.raises(DataError, match=r"holds no file that ends in \.csv, \.txt"):
        layout.find(make("empty/x.png") / "empty")
    with pytest.raises(DataError, match="no such file or folder"):
        layout.find(base / "none")


def test_fields_of_a_pattern(make):
    base = make("walk/eva_1.csv", "sit/bob_2.csv", "sit/bob_3.txt", "sit/deep/bob_3.csv")
    found = layout.find(f"{base}/{{label}}/{{group}}_*.csv")
    assert names(found, base) == ["sit/bob_2.csv", "walk/eva_1.csv"]
    assert [dict(source.fields) for source in found.sources] == [
        {"label": "sit", "group": "bob"},
        {"label": "walk", "group": "eva"},
    ]
    assert found.names == ("label", "group")
    assert len(layout.find(f"{base}/**/{{_}}_[0-3].csv").sources) == 3
    with pytest.raises(DataError, match="fits no file"):
        layout.find(f"{base}/{{label}}.csv")


def test_a_name_that_fits_in_two_ways_is_refused(make):
    base = make("walk_up_1.csv", "sit_2.csv")
    with pytest.raises(DataError, match=r"walk_up_1.csv: fits `.*` in two ways, {label} is `walk` or `walk_up`"):
        layout.find(f"{base}/{{label}}_*.csv")
    found = layout.find(f"{base}/{{label}}_[0-9].csv")
    assert [source.fields["label"] for source in found.sources] == ["sit", "walk_up"]


@pytest.mark.parametrize("pattern", ["{label}/{label}.csv", "{}.csv", "{a b}.csv", "{label.csv", "[z-a].csv"])
def test_patterns_that_are_none(make, pattern):
    with pytest.raises(ConfigError, match="path"):
        layout.find(f"{make('x.csv')}/{pattern}")


def test_files_of_one_recording_have_one_key(make):
    base = make("acc_1.csv", "gyro_1.csv", "acc_2.csv", "gyro_2.csv")
    keys = [source.key for source in layout.find(f"{base}/{{sensor}}_*.csv").sources]
    assert keys[0] == keys[2] != keys[1] == keys[3]


def test_parts_of_a_split(make):
    (source,) = layout.find(f"{make('Training/a.csv')}/{{split}}/*.csv").sources
    assert layout.part(source, "Training") == "train" and layout.part(source, "dev") == "validation"
    with pytest.raises(DataError, match="`old` is no part of a split"):
        layout.part(source, "old")


@pytest.mark.parametrize(
    ("files", "pattern"),
    [
        (("walk/1.csv", "walk/2.csv", "sit/1.csv"), "{label}/*.csv"),
        (("walk_1.csv", "walk_2.csv", "sit_1.csv"), "{label}_*.csv"),
        (("walk1.csv", "walk2.csv", "sit1.csv"), "{label}[0-9]*.csv"),
        (("train/walk/1.csv", "train/sit/2.csv", "test/sit/1.csv"), "{split}/{label}/*.csv"),
        (("1.csv", "2.csv", "3.csv"), None),
        (("r1.csv", "r2.csv", "r3.csv"), None),
    ],
)
def test_classes_in_paths_are_suggested(make, files, pattern):
    base = make(*files)
    assert layout.suggestion(layout.find(f"{base}/**/*.csv")) == (pattern and f"{base}/{pattern}")


@pytest.mark.parametrize(
    ("files", "patterns"),
    [
        (("001-walk.csv", "002-sit.csv", "003-sit.csv"), ["{_}-{label}.csv"]),
        (("walking.csv", "sitting.csv"), ["{label}.csv"]),
        (("p1/walk.csv", "p1/sit.csv", "p2/walk.csv", "p2/sit.csv"), ["*/{label}.csv"]),
        (("ann/walk.csv", "ann/sit.csv", "bo/walk.csv", "bo/sit.csv"), ["{label}/*.csv", "*/{label}.csv"]),
        (("walk/1.csv", "sit/1.csv"), ["{label}/*.csv"]),
        (("1.csv", "2.csv"), []),
    ],
)
def test_what_is_suggested_is_taken(make, files, patterns):
    base = make(*files)
    hint = layout.lacking(layout.find(base))
    assert re.findall(r'path = "(.*?)"', hint) == [f"{base}/{pattern}" for pattern in patterns]
    for pattern in patterns:
        assert len(layout.find(f"{base}/{pattern}").sources) == len(files)


@pytest.mark.parametrize(
    ("files", "kept"),
    [
        (("train/a.csv", "test/a.csv"), "{split}/**/*.csv"),
        (("Training/walk/a.csv", "Test/walk/a.csv"), "{split}/**/*.csv"),
        (("walk/train/a.csv", "walk/val/a.csv", "sit/train/a.csv"), "*/{split}/**/*.csv"),
        (("beats_TRAIN.txt", "beats_TEST.txt"), "**/{_}_{split}.txt"),
        (("train.csv", "test.csv"), "**/{split}.csv"),
        (("train_walk_1.csv", "train_sit_2.csv", "test_walk_1.csv"), "**/{split}_*.csv"),
        (("Train-walk.csv", "Test-walk.csv"), "**/{split}-*.csv"),
    ],
)
def test_a_given_split_is_not_mixed(make, files, kept):
    base = make(*files)
    with pytest.raises(DataError, match="look like a given split") as caught:
        layout.find(base)
    keeping, anew = re.findall(r'path = "(.*?)"', str(caught.value))
    assert keeping == f"{base}/{kept}"
    found = layout.find(keeping)
    assert {layout.part(source, source.fields["split"]) for source in found.sources} > {"train"}
    assert len(found.sources) == len(layout.find(anew).sources) == len(files)


def test_folders_of_which_some_are_no_parts(make):
    assert len(layout.find(make("train/a.csv", "extra/a.csv")).sources) == 2
    assert len(layout.find(make("train/b.csv", "train/c.csv", "training.csv")).sources) == 5


def test_a_file_apart_is_no_recording(make):
    base = make("a.csv", "labels.csv")
    assert names(layout.find(base, apart=base / "labels.csv"), base) == ["a.csv"]
    assert "annotations = " in layout.lacking(layout.find(base))


def test_links_to_folders_are_not_followed(make):
    base = make("sub/a.csv")
    os.symlink(base, base / "sub" / "loop")
    assert names(layout.find(base), base) == ["sub/a.csv"]
    assert len(layout.find(f"{base}/**/*.csv").sources) == 1
