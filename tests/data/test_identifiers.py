"""Identifiers in several spellings."""

import warnings

import pytest

from skmmcl.data._identifiers import canonical, match_identifiers
from skmmcl.exceptions import DataError


@pytest.mark.parametrize(
    "pair",
    [("007", "7"), ("sub-01", "01"), ("sub-01", "sub-1"), ("sub-01", "1"), ("sub01", "SUB-01"),
     ("S1", "s1"), ("s1", "s1  "), ("1", "1.0"), ("0012", "12.0"), (7, "007"), (7.0, "7"),
     ("PX003", "sub-PX003"), ("NDAR_INV01A", "sub-NDARINV01A"), ("subj_3", "3"), ("S-01", "s1"),
     ("002_S_0413", "2_s_413")],
)  # fmt: skip
def test_one_subject(pair):
    with pytest.warns(UserWarning, match=r"a\.csv spells 1 of 2 subjects otherwise than .*matched"):
        assert match_identifiers([pair[0], "x"], ["x", pair[1]], source="a.csv").tolist() == [1, 0]


@pytest.mark.parametrize(
    "pair",
    [("1_11", "11_1"), ("1.05", "1.5"), ("10", "1"), ("100", "1"), ("s1", "1"), ("subtle", "tle"),
     ("0", "00a"), ("1-2", "12"), ("a1", "a10"), ("sub-1", "sub-10")],
)  # fmt: skip
def test_two_subjects(pair):
    assert canonical(pair[0]) != canonical(pair[1])
    with pytest.raises(DataError, match=r"have no subject in common: '.*' in the one, '"):
        match_identifiers(pair[:1], pair[1:])


def test_exact_spellings_go_first_and_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert match_identifiers(["1", "01"], ["01", "1"]).tolist() == [1, 0]
        assert match_identifiers(["1"], ["01", "1", "001"]).tolist() == [1]
        assert match_identifiers([3, 9], ["1", "3"]).tolist() == [1, -1]
        assert match_identifiers([], ["1"]).tolist() == []


@pytest.mark.parametrize(
    ("ids", "known"),
    [(["1", "01"], ["1"]), (["01"], ["1", "001"]), (["1", "01", "02"], ["1", "2"]),
     (["S1", "s1"], ["sub-s1"]), (["7.0", "007"], ["7"])],
)  # fmt: skip
def test_subjects_are_never_merged(ids, known):
    with pytest.raises(DataError, match="not clear who is who"):
        match_identifiers(ids, known)


def test_errors_show_five_of_each():
    with pytest.raises(DataError, match=r"'a0', 'a1', 'a2', 'a3', 'a4', ... \(7 in all\) in the"):
        match_identifiers([f"a{i}" for i in range(7)], ["b0"])
    with pytest.raises(DataError, match=r"p\.tsv lists subject 's1' more than once"):
        match_identifiers(["s1"], ["s1", "s1"], reference="p.tsv")
