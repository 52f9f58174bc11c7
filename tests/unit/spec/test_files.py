"""The specs folder: which files count, in which order, and what is never opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError, UsageError
from engine.spec import files
from engine.spec.files import find, version_key, version_of

SPEC = 'version: "{0}"\ndescription: d\nsteps: []\n'


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_text(SPEC.format(name.split("_")[0]), encoding="utf-8")
    return folder


def test_files_come_in_natural_order_of_their_versions(tmp_path: Path) -> None:
    names = ["10_a.yaml", "9_b.yml", "001_c.yaml", "20240131120000_d.yaml", "9.1_e.yaml", "V12_f.YAML"]
    listing = find(write(tmp_path, *names))
    assert [f.version for f in listing.files] == ["001", "9", "9.1", "10", "20240131120000", "V12"]
    assert listing.diagnostics == ()
    assert all(f.source is not None and f.diagnostics == () for f in listing.files)


def test_what_begins_with_an_underscore_or_dot_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, "001_a.yaml", "_notes.yaml", ".hidden.yaml", "readme.md", "data.csv")
    (tmp_path / "002_folder.yaml").mkdir()
    assert [f.path.name for f in find(tmp_path).files] == ["001_a.yaml"]


@pytest.mark.parametrize("name", ["notes.yaml", "notes_of_may.yaml", "003.yaml", "möbel_1.yaml"])
def test_a_name_without_a_version_is_a_finding(tmp_path: Path, name: str) -> None:
    found = find(write(tmp_path, name)).files[0]
    assert (found.version, found.source) == ("", None)
    assert [(d.rule, d.severity) for d in found.diagnostics] == [("VC102", "error")]
    assert "begins with `_`" in found.diagnostics[0].hint


@pytest.mark.parametrize(
    ("one", "two"), [("001_a.yaml", "1_b.yaml"), ("v2_a.yaml", "V2_b.yaml"), ("3_a.yaml", "3_a.yml")]
)
def test_two_files_of_one_version_are_a_finding_at_the_second(tmp_path: Path, one: str, two: str) -> None:
    (found,) = find(write(tmp_path, one, two)).diagnostics
    assert found.rule == "VC101"
    assert found.span is not None
    assert (found.span.line, found.span.column) == (1, 10)
    assert len(found.related) == 1
    assert {Path(found.span.source.name).name, Path(found.related[0].span.source.name).name} == {one, two}


def test_one_file_may_be_asked_for(tmp_path: Path) -> None:
    write(tmp_path, "001_a.yaml", "002_b.yaml")
    assert [f.version for f in find(tmp_path / "002_b.yaml").files] == ["002"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: \xe9\n", "the file is not UTF-8: byte 0xe9 at byte offset 3"),
        ("a: b\n".encode("utf-16"), "the file is in UTF-16"),
        (b"\xfe\xff\x00a", "the file is in UTF-16"),
        ("a: b\n".encode("utf-16-le"), "looks like UTF-16"),
        ("a: b\n".encode("utf-16-be"), "looks like UTF-16"),
        (b"a: " + b"x" * (1 << 20), "the file has more than 1,048,576 bytes"),
    ],
)
def test_bytes_that_are_no_spec_are_a_finding(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "001_a.yaml").write_bytes(data)
    found = find(tmp_path).files[0]
    assert found.source is None
    assert found.diagnostics[0].rule == "SP101"
    assert message in found.diagnostics[0].message


def test_the_place_of_a_bad_byte_is_told(tmp_path: Path) -> None:
    (tmp_path / "001_a.yaml").write_bytes("a: 😀\nb: ü".encode() + b"\xff\n")
    span = find(tmp_path).files[0].diagnostics[0].span
    assert span is not None
    assert (span.line, span.column) == (2, 5)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "001_a.yaml").write_bytes(b"\xef\xbb\xbfversion: '1'\r\n")
    source = find(tmp_path).files[0].source
    assert source is not None
    assert source.text == "version: '1'\r\n"


def test_a_missing_folder_and_an_empty_one_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no"):
        find(tmp_path / "nowhere")
    with pytest.raises(EngineError, match="there are no specs") as caught:
        find(tmp_path)
    assert caught.value.exit_code == 1
    with pytest.raises(EngineError):
        find(tmp_path / "a\x00b")


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "specs", tmp_path / "other"
    inside.mkdir()
    outside.mkdir()
    write(outside, "001_a.yaml")
    (inside / "001_a.yaml").symlink_to(outside / "001_a.yaml")
    with pytest.raises(EngineError, match="leads out of the folder"):
        find(inside)


def test_a_link_that_stays_inside_is_read(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    write(tmp_path / "..data", "001_a.yaml")
    (tmp_path / "001_a.yaml").symlink_to(tmp_path / "..data" / "001_a.yaml")
    assert find(tmp_path).files[0].source is not None


def test_a_link_to_nothing_and_a_pipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "001_a.yaml").symlink_to(tmp_path / "gone")
    with pytest.raises(EngineError, match="can't be read"):
        find(tmp_path)
    (tmp_path / "001_a.yaml").unlink()
    os.mkfifo(tmp_path / "001_a.yaml")
    with pytest.raises(EngineError, match="not a regular file"):
        find(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    write(tmp_path, "001_a.yaml")
    (tmp_path / "001_a.yaml").chmod(0)
    with pytest.raises(EngineError, match="permission denied"):
        find(tmp_path)


def test_a_set_of_specs_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_SET", 60)
    write(tmp_path, "001_a.yaml", "002_b.yaml")
    with pytest.raises(EngineError, match="have more than"):
        find(tmp_path)


def test_versions_of_names() -> None:
    assert version_of("003_data_transfer.yaml") == "003"
    assert version_of("2024-01-31_x.yaml") == "2024-01-31"
    assert version_of("V1.2_x.yaml") == "V1.2"
    assert version_of("x.yaml") == ""


@pytest.mark.parametrize(
    ("less", "more"),
    [("9", "10"), ("1.9", "1.10"), ("1", "1.1"), ("a9", "a10"), ("99", "20240131"), ("9", "v1")],
)
def test_numbers_in_versions_go_by_size(less: str, more: str) -> None:
    assert version_key(less) < version_key(more)


@given(st.integers(0, 10**30), st.integers(0, 10**30), st.integers(0, 5))
def test_versions_that_are_numbers_go_as_numbers_do(one: int, two: int, zeros: int) -> None:
    assert (version_key("0" * zeros + str(one)) < version_key(str(two))) == (one < two)
