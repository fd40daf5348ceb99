"""Folds by names, by groups and by files."""

import json

import pytest

from keras_dl.data.segmentation import count_folds, divide, fold, read_groups

NAMES = [f"p{patient}_{scan}" for patient in range(7) for scan in "abc"[: 1 + patient % 3]]


def test_groups_stay_together():
    groups = read_groups("[^_]+", NAMES)
    left_out = []
    for number in range(5):
        training, validation = fold(NAMES, number, groups=groups)
        assert sorted(training + validation) == sorted(NAMES)
        assert not {groups[name] for name in training} & {groups[name] for name in validation}
        left_out += validation
    assert sorted(left_out) == sorted(NAMES)


def test_groups_of_one_are_names():
    groups = {name: name for name in NAMES}
    assert all(fold(NAMES, number, groups=groups) == fold(NAMES, number) for number in range(5))


def test_files_of_groups(tmp_path):
    expected = read_groups("[^_]+", NAMES)
    (tmp_path / "a.csv").write_text("name,patient\n" + "".join(f"{n}, {g}\n" for n, g in expected.items()))
    (tmp_path / "a.json").write_text(json.dumps(expected))
    assert read_groups(tmp_path / "a.csv", NAMES) == expected == read_groups(str(tmp_path / "a.json"), NAMES)
    splits = [{"train": NAMES[:5], "val": NAMES[5:]}, {"train": NAMES[5:], "val": NAMES[:5]}]
    (tmp_path / "splits_final.json").write_text(json.dumps(splits))
    folds = read_groups(tmp_path / "splits_final.json", NAMES)
    assert fold(NAMES, 1, num_folds=2, groups=folds) == (sorted(NAMES[5:]), sorted(NAMES[:5]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("p0_a,0\n", "a.csv should hold a group for each case. Received: none for p1_a"),
        ("p0_a,0\np0_a,1\n", "lines `name,group`. Received: p0_a twice"),
        ("p0_a\n", "lines `name,group`. Received: p0_a, which has 1 entries"),
    ],
)
def test_files_that_are_refused(tmp_path, content, message):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_groups(tmp_path / "a.csv", NAMES)


def test_groups_that_are_refused():
    with pytest.raises(ValueError, match="does not match p0_a"):
        read_groups("q", NAMES)
    with pytest.raises(ValueError, match="at least 5 different groups, .*Received: 1 groups"):
        fold(NAMES, 0, groups=dict.fromkeys(NAMES, "one"))
    with pytest.raises(ValueError, match="a group for each case and no other. Received: another set by p0_a"):
        fold(NAMES, 0, groups=dict.fromkeys(NAMES[1:], 1))
    both = [{"train": NAMES, "val": NAMES[:1]}] * 5
    with pytest.raises(ValueError, match="two parts of the cases. Received: p0_a in both parts"):
        fold(NAMES, 0, groups=both)
    with pytest.raises(ValueError, match="there should be 5 folds. Received: 1"):
        fold(NAMES, 0, groups=both[:1])


def test_few_groups_make_as_many_folds():
    """Two to four patients are left out one after another, with all of their scans."""
    names = [f"p{patient}_{scan}" for patient in range(3) for scan in range(4)]
    groups = read_groups("[^_]+", names)
    assert count_folds(names, groups) == 3
    left_out = [divide(names, number, groups)[1] for number in range(3)]
    assert sorted(sum(left_out, [])) == names and all(len({groups[n] for n in part}) == 1 for part in left_out)
    with pytest.raises(ValueError, match="a fold from 0 to 2. Received: 3 groups, 3 of them different, and fold 3"):
        divide(names, 3, groups)
    assert divide(names, 0, dict.fromkeys(names, "one")) == (names, names)
    with pytest.raises(ValueError, match="at least 5 different groups, .*Received: 1 groups"):
        divide(names, 1, dict.fromkeys(names, "one"))


def test_files_say_how_many_folds_there_are():
    folds = [{"train": NAMES[number:], "val": NAMES[:number]} for number in range(1, 8)]
    assert count_folds(NAMES, folds) == 7
    assert divide(NAMES, 6, folds) == (sorted(NAMES[7:]), sorted(NAMES[:7]))
    assert divide(NAMES, 0, folds[:1]) == (sorted(NAMES[1:]), NAMES[:1])
    with pytest.raises(ValueError, match="there should be 7 folds. Received: 7, and fold 7"):
        divide(NAMES, 7, folds)
