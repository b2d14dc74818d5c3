"""What a user may name as a source, and what is said about the rest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drivers.errors import AccessDenied, CameraError, NotFound, Unsupported
from drivers.folder import FolderSource, write_folder
from drivers.open import open_source, sessions_in
from drivers.session import SessionSource, SessionWriter
from drivers.source import frames_of
from tests.drivers.recordings import INFO, assert_same_sets, noise_rig, noise_sets, record


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder of recordings: a session, an unfinished one, a frame folder, and other files."""
    (tmp_path / "sub-01").mkdir()
    record(tmp_path / "sub-01" / "a.mcap", noise_sets(2))
    SessionWriter(tmp_path / "sub-01" / "b.mcap", noise_rig(), INFO).write(noise_sets(1)[0])
    write_folder(tmp_path / "sub-01" / "c", noise_sets(2), INFO)
    for name in ("notes.txt", "rosbag.db3", "orbbec.bag", "a.mcap.bak"):
        (tmp_path / name).write_text("no recording")
    (tmp_path / "folder.mcap").mkdir()
    return tmp_path


def test_recordings_open_by_what_they_are(shelf: Path) -> None:
    session = open_source(str(shelf / "sub-01" / "a.mcap"))
    folder = open_source(shelf / "sub-01" / "c")
    assert isinstance(session, SessionSource)
    assert isinstance(folder, FolderSource)
    assert isinstance(open_source(shelf / "sub-01" / "b.mcap.part"), SessionSource)
    assert_same_sets(list(frames_of(session)), list(frames_of(folder)))


def test_recordings_are_found(shelf: Path) -> None:
    found = sessions_in(shelf)
    assert [path.relative_to(shelf).as_posix() for path in found] == ["sub-01/a.mcap", "sub-01/b.mcap.part", "sub-01/c"]
    assert sessions_in(shelf / "sub-01" / "c") == [shelf / "sub-01" / "c"]
    with pytest.raises(NotFound):
        sessions_in(shelf / "none")


@pytest.mark.parametrize(
    ("uri", "kind", "said"),
    [
        ("rtsp://host/stream", Unsupported, "no kind of source is called rtsp://"),
        ("rosbag.db3", Unsupported, "convert it to a frame folder"),
        ("orbbec.bag", Unsupported, "convert it to a frame folder"),
        ("notes.txt", NotFound, "not a recording; give a session"),
        ("a.mcap.bak", NotFound, "not a recording"),
        ("none.mcap", NotFound, "no such recording"),
        ("none", NotFound, "no such recording"),
        (".", NotFound, r"holds 3 recordings but is none; give one, such as .*a\.mcap"),
    ],
)
def test_what_cannot_be_opened_says_why(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, uri: str, kind: type[Exception], said: str
) -> None:
    monkeypatch.chdir(shelf)
    with pytest.raises(kind, match=said) as caught:
        open_source(uri)
    assert "\n" not in str(caught.value)
    assert uri in str(caught.value)


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root reads everything: the refusal is what the system would answer another user."""

    def refused(self: Path, **_: object) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "exists", refused)
    with pytest.raises(AccessDenied, match=re.escape(str(tmp_path))):
        open_source(tmp_path)


@pytest.mark.parametrize(
    "uri", ["realsense://[12345]", "orbbec://[12345]?laser=true", "counterfactual://[flattened]?of=x"]
)
def test_brackets_around_a_serial_number_are_no_bug(uri: str) -> None:
    with pytest.raises(CameraError, match="leave the brackets out"):
        open_source(uri)


@pytest.mark.parametrize("name", ["none.bag", "none.db3", "none.mcap"])
def test_what_is_not_there_is_not_called_unreadable(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=name):
        open_source(str(tmp_path / name))
