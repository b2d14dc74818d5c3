"""From what the user names (a URI or a path) to a source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from drivers.errors import CameraError, NotFound, Unsupported
from drivers.folder import CAMERA_FILE, FolderSource
from drivers.live import LiveStream
from drivers.orbbec_bag import OrbbecBagSource, recorded_by_orbbec
from drivers.realsense_recording import RealSenseRecording, is_realsense_recording
from drivers.session import PART, SessionSource
from drivers.session_reader import opening_error
from drivers.source import Source
from drivers.supervision import Supervised

if TYPE_CHECKING:
    from drivers.faults import FaultyCamera

SESSION_SUFFIX: Final = ".mcap"

_CAMERAS: Final = frozenset({"orbbec", "realsense"})

_KNOWN: Final = "a session (.mcap), a frame folder, a camera (realsense://, orbbec://) or a simulated one (sim://live)"
_FOREIGN_SUFFIXES: Final = {
    ".bag": "a camera SDK's recording",
    ".db3": "a ROS 2 recording",
}


def open_source(uri: str | Path) -> Source:
    """The source that a URI or path names, not yet opened.

    Raises NotFound where there is no such thing, `Unsupported` where this version cannot read it.
    """
    scheme, separator, _ = str(uri).partition("://")
    if separator:
        return _from_scheme(scheme.lower(), str(uri))
    return _from_path(Path(uri))


def opener_of(uri: str) -> Callable[[str], Source]:
    """What makes the source that a URI names, again and again: `drivers.supervision` asks for the serial number of the
    camera it had, so that no other one takes its place. Raises as `open_source`."""
    scheme = uri.partition("://")[0].lower()
    if scheme == "faults":
        return _faulty(uri).source

    def opener(serial: str) -> Source:
        if scheme in _CAMERAS and serial and not (parts := urlsplit(uri)).netloc:
            return open_source(urlunsplit(parts._replace(netloc=serial)))
        return open_source(uri)

    return opener


def open_live(uri: str) -> Source:
    """For whoever looks on: of a camera the newest frame set, and the camera is brought back after troubles; of a
    recording every set. Not yet opened. Raises as `open_source`."""
    return LiveStream(open_supervised(uri))


def open_supervised(uri: str) -> Source:
    """As `open_source`; a camera comes `Supervised`. A simulated one does not: it compiles as it opens, and that is no
    hang."""
    scheme, separator, _ = uri.partition("://")
    supervised = bool(separator) and (scheme.lower() == "faults" or scheme.lower() in _CAMERAS)
    return Supervised(opener_of(uri)) if supervised else open_source(uri)


def sessions_in(folder: Path) -> list[Path]:
    """Every recording below a folder, sorted: sessions, unfinished ones (`.mcap.part`), frame folders.

    A folder that is a frame folder itself gives itself. Raises NotFound, AccessDenied.
    """
    if not folder.is_dir():
        raise NotFound(f"{folder}: no such folder; check the path")
    try:
        found = [path for path in folder.rglob("*") if is_session(path) and path.is_file()]
        found += [path.parent for path in folder.rglob(CAMERA_FILE)]
    except OSError as error:
        raise opening_error(folder, error) from error
    return sorted(found)


def is_session(path: Path) -> bool:
    """Whether a name is a session's, finished (`.mcap`) or not (`.mcap.part`)."""
    return path.name.removesuffix(PART).endswith(SESSION_SUFFIX)


def _from_scheme(scheme: str, uri: str) -> Source:
    try:
        urlsplit(uri)
    except ValueError:  # a serial number in the brackets that manuals write around it
        raise CameraError(f"{uri}: leave the brackets out, as in realsense://123456789") from None
    if scheme == "sim":
        from drivers.simulated.camera import from_uri  # the simulator is loaded by whoever asks for it

        source: Source = from_uri(uri)
        return source
    if scheme == "counterfactual":
        from drivers.counterfactual import from_uri as changed_from_uri

        return changed_from_uri(uri, open_source)
    if scheme == "faults":
        return _faulty(uri).source()
    if scheme == "realsense":
        from drivers.realsense import from_uri as realsense_from_uri

        return realsense_from_uri(uri)
    if scheme == "orbbec":
        from drivers.orbbec import from_uri as orbbec_from_uri

        return orbbec_from_uri(uri)
    raise Unsupported(f"{uri}: no kind of source is called {scheme}://; give {_KNOWN}")


def _faulty(uri: str) -> FaultyCamera:
    from drivers.faults import from_uri

    return from_uri(uri, open_source)


def _from_path(path: Path) -> Source:
    try:
        path.stat()
    except OSError as error:
        raise opening_error(path, error) from error
    if path.suffix in _FOREIGN_SUFFIXES and path.is_file() and is_realsense_recording(path):
        return RealSenseRecording(path)
    if path.suffix == ".bag" and path.is_file() and recorded_by_orbbec(path):
        return OrbbecBagSource(path)
    if path.suffix in _FOREIGN_SUFFIXES:
        kind = _FOREIGN_SUFFIXES[path.suffix]
        raise Unsupported(f"{path}: {kind} is not read by this version; convert it to a frame folder of PNG files")
    if is_session(path):
        return SessionSource(path)
    if path.is_dir():
        return _from_folder(path)
    raise NotFound(f"{path}: not a recording; give {_KNOWN}")


def is_frame_folder(path: Path) -> bool:
    """Whether a folder holds a camera file. Raises AccessDenied where that cannot be seen."""
    try:
        return (path / CAMERA_FILE).exists()
    except OSError as error:
        raise opening_error(path, error) from error


def _from_folder(path: Path) -> Source:
    inside = [] if is_frame_folder(path) else sessions_in(path)
    if inside:
        raise NotFound(f"{path}: holds {len(inside)} recordings but is none; give one, such as {inside[0]}")
    return FolderSource(path)
