"""The studio driven by its keys, with a recorder that is made up and with the real one. Recordings are simulated."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLineEdit

from app.kiosk import form_memory
from app.kiosk.studio_view import COUNTDOWN_S, Step, StudioView
from app.kiosk.take_form import Setting, TakeForm, difference
from app.kiosk.take_list import KEPT, TakeModel
from app.settings import Settings
from app.studio import names
from app.studio.protocol import EXAMPLE
from app.studio.quality import Limits, judged
from app.studio.takes import StoredTake, relabel, take, takes_in
from drivers.errors import SessionError
from drivers.session import Labels, SessionReader, amend_labels
from pipeline.bundle import load_bundle
from pipeline.runner import Runner, Shown, State, Take
from tests.qt.recordings import record

LABELS = Labels(subject="0001", species="bona_fide", lighting="office", distance_m=0.4, operator="kl", consent="C-17")
SETTINGS = Settings(disk_stop_mb=0, disk_refuse_min=0, disk_warn_min=0)


@pytest.fixture(autouse=True)
def _own_user_folders() -> None:
    """The face finder's nets lie in the user's data folder: here it stays."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("studio") / "live.mcap", ("live", 6), labels=LABELS)


class FakeRecorder:
    """Records by copying a recording to where the take is to lie."""

    def __init__(self, recording: Path) -> None:
        self.recording = recording
        self.began: list[tuple[Path, Labels]] = []
        self.refuses: str | None = None
        with SessionReader(recording) as reader:
            self.now = State("running", "fake", info=reader.info, rig=reader.rig, age_s=0.0)

    def begin_take(self, path: Path, labels: Labels) -> None:
        if self.refuses:
            raise SessionError(self.refuses)
        self.began.append((path, labels))
        self.now = replace(self.now, take=Take(path, (path,), True, 0, 0.0, 0, 0, 0))

    def recorded(self, **changes: Any) -> None:
        assert self.now.take is not None
        self.now = replace(self.now, take=replace(self.now.take, **changes))

    def end_take(self) -> Take:
        path, labels = self.began[-1]
        shutil.copy(self.recording, path)
        amend_labels(path, labels)
        self.recorded(recording=False)
        assert self.now.take is not None
        return self.now.take

    def state(self) -> State:
        return self.now


class Studio:
    """A view with its recorder, and a clock that is moved by hand."""

    def __init__(self, recording: Path, folder: Path, qtbot: Any) -> None:
        self.now_s = 0.0
        self.recorder = FakeRecorder(recording)
        self.folder, self.qtbot = folder, qtbot
        self.view = StudioView(self.recorder, folder, SETTINGS, clock=lambda: self.now_s)
        qtbot.addWidget(self.view)
        self.view.resize(1190, 720)
        self.view.show()

    def refresh(self, shown: Shown | None = None) -> None:
        self.view.refresh(shown, self.recorder.state(), ())

    def wait(self, holds: Any) -> None:
        def refreshed() -> bool:
            self.refresh()
            return bool(holds())

        self.qtbot.waitUntil(refreshed, timeout=5000)

    def press_r(self) -> None:
        QTest.keyClick(self.view, Qt.Key.Key_R)

    def begin(self) -> None:
        """A take, past its countdown."""
        self.refresh()
        self.press_r()
        self.now_s += COUNTDOWN_S
        self.refresh()
        assert self.view.step is Step.RECORDING, self.view.message

    def record(self) -> Path:
        """One whole take of 60 good sets in 6 seconds."""
        self.begin()
        self.recorder.recorded(frames=60, good_frames=60, seconds=6.0, bytes=60_000_000)
        self.wait(lambda: self.view.step is Step.IDLE)
        path = self.recorder.began[-1][0]
        self.wait(lambda: self.view.takes.model.row_of(path) >= 0)
        return path


@pytest.fixture
def studio(recording: Path, tmp_path: Path, qtbot: Any) -> Iterator[Studio]:
    made = Studio(recording, tmp_path / "set", qtbot)
    made.view.form.fill(LABELS)
    yield made
    made.view.stop()


# Recording ------------------------------------------------------------------------------------------


def test_key_r_counts_down_records_and_ends_by_itself(studio: Studio) -> None:
    studio.refresh()
    studio.press_r()
    assert studio.view.step is Step.COUNTING
    studio.now_s += COUNTDOWN_S / 2
    studio.refresh()
    assert not studio.recorder.began
    studio.now_s += COUNTDOWN_S / 2
    studio.refresh()
    assert studio.view.step is Step.RECORDING
    path, labels = studio.recorder.began[0]
    assert labels == LABELS
    assert path == names.place(studio.folder, LABELS, 1, 1)
    assert studio.view._banner.isVisible()
    assert "RECORDING" in studio.view._banner.text()
    studio.recorder.recorded(frames=40, good_frames=40, seconds=4.9)
    studio.refresh()
    assert studio.view.step is Step.RECORDING
    studio.recorder.recorded(frames=50, good_frames=50, seconds=5.0)
    studio.wait(lambda: studio.view.step is Step.IDLE)
    assert "50 sets" in studio.view.message
    assert not studio.view._banner.isVisible()


def test_r_again_ends_a_take_and_breaks_off_a_countdown(studio: Studio) -> None:
    studio.refresh()
    studio.press_r()
    studio.press_r()
    assert studio.view.step is Step.IDLE
    studio.press_r()
    studio.now_s += COUNTDOWN_S
    studio.refresh()
    studio.press_r()
    studio.wait(lambda: studio.view.step is Step.IDLE)
    assert len(studio.recorder.began) == 1


def test_r_typed_into_a_field_is_a_letter(studio: Studio) -> None:
    line = studio.view.form.operator
    assert isinstance(line, QLineEdit)
    line.setFocus()
    QTest.keyClick(line, Qt.Key.Key_R)
    assert studio.view.step is Step.IDLE
    assert line.text().endswith("r")
    QTest.keyClick(line, Qt.Key.Key_Return)
    studio.refresh()
    studio.press_r()
    assert studio.view.step is Step.COUNTING
    assert not line.hasFocus()


def test_takes_are_numbered_from_what_is_on_disk_and_labels_are_kept(studio: Studio) -> None:
    first, second = studio.record(), studio.record()
    assert (first.name[-11:], second.name[-11:]) == ("run-01.mcap", "run-02.mcap")
    assert take(second).labels == LABELS


def test_good_sets_and_seconds_must_both_be_there(studio: Studio) -> None:
    studio.view.form.good_frames.setValue(30)
    studio.begin()
    studio.recorder.recorded(frames=200, good_frames=29, seconds=20.0)
    studio.refresh()
    assert studio.view.step is Step.RECORDING
    studio.recorder.recorded(good_frames=30)
    studio.wait(lambda: studio.view.step is Step.IDLE)


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ({"subject": ""}, "subject"),
        ({"subject": "J. Doe"}, "subject"),
        ({"species": "flat_print", "instrument": ""}, "instrument"),
        ({"lighting": ""}, "light"),
        ({"distance_m": None}, "distance"),
        ({"operator": ""}, "operator"),
        ({"consent": ""}, "consent"),
    ],
)
def test_a_form_that_is_not_complete_blocks_and_says_what_is_missing(
    studio: Studio, field: dict[str, Any], word: str
) -> None:
    form = studio.view.form
    for name, value in field.items():
        widget = getattr(form, name.removesuffix("_m"))
        if name == "distance_m":
            widget.setValue(0.0)
        elif hasattr(widget, "setCurrentText"):
            widget.setCurrentIndex(widget.findData(value)) if value else widget.setCurrentText("")
        else:
            widget.setText(value)
    studio.refresh()
    studio.press_r()
    assert studio.view.step is Step.IDLE
    assert studio.view.message.startswith(word)
    assert not studio.recorder.began


def test_bona_fide_needs_no_instrument(qtbot: Any) -> None:
    form = TakeForm()
    qtbot.addWidget(form)
    form.fill(LABELS)
    assert form.missing() is None
    assert not form.instrument.isEnabled()


def test_settings_other_than_the_sets_are_refused_with_the_reason(studio: Studio) -> None:
    studio.record()
    state = studio.recorder.now
    assert state.info is not None
    assert state.rig is not None
    studio.recorder.now = replace(state, info=replace(state.info, sensor="sim-femto"))
    studio.refresh()
    studio.press_r()
    assert "sim-femto" in studio.view.message
    smaller = state.rig.model_copy(update={"depth": state.rig.depth.model_copy(update={"width": 320})})
    studio.recorder.now = replace(state, rig=smaller)
    studio.refresh()
    studio.press_r()
    assert "depth" in studio.view.message
    moved = state.rig.model_copy(update={"depth": state.rig.depth.model_copy(update={"fx": 1.0})})
    assert difference(Setting.of(state.info, state.rig), Setting.of(state.info, moved)) == ("rig", "", "")
    assert len(studio.recorder.began) == 1


def test_a_source_that_does_not_run_or_refuses_is_told(studio: Studio) -> None:
    running = studio.recorder.now
    studio.recorder.now = replace(running, phase="waiting")
    studio.refresh()
    studio.press_r()
    assert studio.view.step is Step.IDLE
    studio.recorder.now, studio.recorder.refuses = running, "the disk said no"
    studio.refresh()
    studio.press_r()
    studio.now_s += COUNTDOWN_S
    studio.refresh()
    assert studio.view.step is Step.IDLE
    assert studio.view.message == "the disk said no"


def test_a_take_ends_with_its_source_and_with_its_disk(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    for end in ("source", "disk"):
        running = studio.recorder.now
        studio.begin()
        with monkeypatch.context() as patched:
            if end == "source":
                studio.recorder.now = replace(studio.recorder.now, phase="ended")
            else:
                full = judged(10, 20.0, Limits())
                patched.setattr("app.kiosk.studio_view.space", lambda *_, full=full: full)
                studio.now_s += 2
            studio.wait(lambda: studio.view.step is Step.IDLE)
        studio.recorder.now = replace(running, take=None)


def test_a_take_that_is_gone_is_not_waited_for(studio: Studio) -> None:
    """Another source may run in its place: nothing is recorded any more, and no red banner may say so."""
    studio.begin()
    studio.recorder.recorded(frames=10, good_frames=10, seconds=1.0)
    studio.refresh()
    assert studio.view.step is Step.RECORDING
    studio.recorder.now = replace(studio.recorder.now, take=None)
    studio.wait(lambda: studio.view.step is Step.IDLE)
    assert not studio.view._banner.isVisible()


def test_a_full_disk_lets_no_take_begin(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.kiosk.studio_view.space", lambda *_: judged(1_100_000_000, 20.0, Limits()))
    studio.now_s += 2
    studio.refresh()
    studio.press_r()
    assert studio.view.step is Step.IDLE
    assert "disk" in studio.view.message


# Protocol and takes ---------------------------------------------------------------------------------


def test_protocol_fills_in_the_next_take_and_goes_on_after_it(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(EXAMPLE.replace("seconds = 5.0", "seconds = 0.5").replace("repetitions = 2", "repetitions = 1"))
    studio.view.open_protocol(file)
    panel, form = studio.view.protocol, studio.view.form
    assert panel.done == (0, 9)
    assert form.said().labels.distance_m == 0.6
    studio.record()
    assert panel.done == (1, 9)
    assert form.said().labels.species == "flat_print"
    assert form.species.currentText() == "flat print"
    assert "print of your own face" in panel.words
    assert form.said().labels.consent == "C-17"  # what the protocol does not say stays
    form.instrument.setText("print-01")
    form.fill(Labels(species="silicone_mask"))
    assert form.said().labels.instrument == ""  # a mask is not that print


def test_consent_and_notes_stay_with_their_person(studio: Studio) -> None:
    form = studio.view.form
    form.fill(Labels(subject="0001", consent="C-0001", notes="glasses"))
    form.fill(Labels(subject="0001", species="flat_print", instrument="print-01"))
    assert (form.said().labels.consent, form.said().labels.notes) == ("C-0001", "glasses")
    form.fill(Labels(subject="0002"))
    assert (form.said().labels.consent, form.said().labels.notes) == ("", "")
    assert "consent" in (form.missing() or "")
    form.consent.setText("C-0002")
    form.subject.setText("0003")
    form.subject.editingFinished.emit()
    assert form.said().labels.consent == ""


def test_a_light_of_ones_own_is_what_was_typed(studio: Studio) -> None:
    box = studio.view.form.lighting
    box.setEditText("hallway")
    line = box.lineEdit()
    assert line is not None
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert box.currentText() == "hallway"
    assert studio.view.form.said().labels.lighting == "hallway"


def test_relabelling_changes_what_was_changed_and_nothing_else(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    path = studio.record()
    relabel(path, {"notes": "n" * 200, "distance_m": 6.5, "lighting": ""})
    panel = studio.view.takes
    panel.reload()
    studio.wait(lambda: panel.model.row_of(path) >= 0)
    stored = next(take for take in takes_in(studio.folder) if take.path == path)
    made = panel._labels_dialog

    def asked(stored: StoredTake) -> tuple[QDialog, TakeForm]:
        dialog, form = made(stored)
        monkeypatch.setattr(dialog, "exec", lambda: (form.operator.setText("pat"), QDialog.DialogCode.Accepted)[1])
        return dialog, form

    monkeypatch.setattr(panel, "_labels_dialog", asked)
    assert panel._ask_labels(stored) == {"operator": "pat"}
    _, form = made(stored)
    assert form.said().labels.lighting == ""
    assert "light" in (form.missing() or "")
    form.lighting.setCurrentIndex(0)
    form.subject.setText("0009")  # a pseudonym is corrected: it is the same person
    form.subject.editingFinished.emit()
    said = form.said().labels
    assert (said.lighting, said.consent, said.notes) == ("office", stored.labels.consent, "n" * 200)


def test_a_take_without_a_species_can_be_given_each(studio: Studio) -> None:
    form = TakeForm(labels_only=True)
    form.fill(Labels(subject="1", lighting="dim", distance_m=0.5, operator="o", consent="c"))
    assert form.said().labels.species == ""
    assert "species" in (form.missing() or "")
    form.species.setCurrentIndex(0)
    assert form.said().labels.species == "bona_fide"
    assert form.missing() is None


def test_a_mistake_in_a_protocol_is_one_line(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text('[[take]]\nspecies = "flat_print"\nlight = "office"\n')
    studio.view.open_protocol(file)
    assert "line 3" in studio.view.protocol.words
    assert "\n" not in studio.view.protocol.words


def test_relabel_mark_delete_and_replay(studio: Studio, monkeypatch: pytest.MonkeyPatch, qtbot: Any) -> None:
    path = studio.record()
    panel = studio.view.takes
    panel.choose(path)
    with qtbot.waitSignal(studio.view.replay_wanted) as asked:
        panel.replay()
    assert asked.args == [path]
    streams = path.read_bytes()[:100_000]
    monkeypatch.setattr(panel, "_ask_labels", lambda stored: {"lighting": "dim"})
    panel.relabel()
    assert take(path).labels == LABELS.model_copy(update={"lighting": "dim"})
    assert path.read_bytes()[:100_000] == streams
    studio.wait(lambda: panel.chosen is not None and panel.chosen.labels.lighting == "dim")
    panel.toggle_bad()
    assert take(path).bad
    monkeypatch.setattr(panel, "_confirm", lambda question: False)
    panel.delete()
    assert path.exists()
    monkeypatch.setattr(panel, "_confirm", lambda question: True)
    panel.delete()
    assert not path.exists()
    studio.wait(lambda: not panel.model.takes)


def test_deleting_a_take_takes_it_out_of_the_tables(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = studio.record(), studio.record()
    panel = studio.view.takes
    panel.report()
    studio.wait(lambda: "DATASET.md" in panel.message)
    manifest = studio.folder / "manifest.csv"
    assert first.name in manifest.read_text()
    monkeypatch.setattr(panel, "_confirm", lambda question: True)
    studio.wait(lambda: len(panel.model.takes) == 2)
    panel.choose(first)
    panel.delete()
    studio.wait(lambda: first.name not in manifest.read_text())
    assert second.name in manifest.read_text()


def test_another_folder_is_listed_and_recorded_into(studio: Studio, tmp_path: Path, qtbot: Any) -> None:
    studio.record()
    studio.wait(lambda: len(studio.view.takes.model.takes) == 1)
    assert studio.view.takes._list.hint() == ""
    other = tmp_path / "other"
    with qtbot.waitSignal(studio.view.folder_chosen) as told:
        studio.view.takes.folder_wanted.emit(other)
    assert told.args == [other]
    studio.wait(lambda: not studio.view.takes.model.takes)
    assert "press R" in studio.view.takes._list.hint()
    assert studio.record().is_relative_to(other)


def test_the_form_is_remembered_but_not_the_person(studio: Studio, recording: Path, tmp_path: Path, qtbot: Any) -> None:
    memory = tmp_path / "state" / "form.json"
    form = TakeForm()
    qtbot.addWidget(form)
    form.fill(LABELS.model_copy(update={"lighting": "candle", "notes": "glasses"}), good_frames=7, seconds=2.5)
    form_memory.keep(memory, form.said())
    assert "C-17" not in memory.read_text()
    assert "glasses" not in memory.read_text()
    view = StudioView(studio.recorder, tmp_path / "set", SETTINGS, memory=memory)
    qtbot.addWidget(view)
    said = view.form.said()
    assert said.labels == Labels(species="bona_fide", lighting="candle", distance_m=0.4, operator="kl")
    assert (said.good_frames, said.seconds) == (7, 2.5)
    view.stop()
    memory.write_text("{")
    form_memory.recall(memory, form)  # not ours: the form stays
    assert form.said().labels.subject == "0001"


def test_export_and_report_run_in_the_worker(studio: Studio, tmp_path: Path) -> None:
    path = studio.record()
    panel = studio.view.takes
    panel.export(tmp_path / "out")
    studio.wait(lambda: "1 good" in panel.message)
    copies = list((tmp_path / "out").rglob("*.mcap"))
    assert [copy.read_bytes() for copy in copies] == [path.read_bytes()]
    panel.export(tmp_path / "out")
    studio.wait(lambda: "not empty" in panel.message)
    panel.report()
    studio.wait(lambda: "DATASET.md" in panel.message)
    assert (studio.folder / "SHA256SUMS").exists()
    assert "APCER" in panel.proof


def test_thumbnails_come_lazily_and_are_bounded(recording: Path, tmp_path: Path, qtbot: Any) -> None:
    for run in range(3):
        shutil.copy(recording, tmp_path / f"take-{run}.mcap")
    model = TakeModel(tmp_path)
    try:
        model.reload()
        qtbot.waitUntil(model.step, timeout=5000)
        assert not model._asked
        assert not model._pictures  # nothing was on a screen yet
        blank = model.data(model.index(1), Qt.ItemDataRole.DecorationRole)
        assert next(iter(model._asked))[0] == model.takes[1].path

        def loaded() -> bool:
            model.step()
            return bool(model._pictures)

        qtbot.waitUntil(loaded, timeout=5000)
        picture = model.data(model.index(1), Qt.ItemDataRole.DecorationRole)
        assert picture.toImage() != blank.toImage()
        assert len(model._pictures) == 1 <= KEPT
    finally:
        model.close()


# With the real recorder -----------------------------------------------------------------------------


def test_the_real_runner_records_a_sound_take(recording: Path, tmp_path: Path, qtbot: Any) -> None:
    before = set(threading.enumerate())
    runner = Runner(str(recording), load_bundle(), pace=True, loop=True)
    view = StudioView(runner, tmp_path / "set", SETTINGS)
    qtbot.addWidget(view)
    view.form.fill(LABELS, seconds=0.4)
    runner.start()

    def wait(holds: Any, timeout: int = 20_000) -> None:
        def refreshed() -> bool:
            view.refresh(runner.latest(), runner.state(), runner.history())
            return bool(holds())

        qtbot.waitUntil(refreshed, timeout=timeout)

    try:
        wait(lambda: runner.state().phase == "running" and view.quality is not None)
        assert view.quality is not None
        assert view.quality.good
        QTest.keyClick(view, Qt.Key.Key_R)
        wait(lambda: view.step is Step.RECORDING)
        wait(lambda: view.step is Step.IDLE)
        wait(lambda: view.takes.model.takes)
        (stored,) = view.takes.model.takes
        assert stored.state == "sound"
        assert stored.usable
        assert stored.labels == LABELS
        assert stored.frames >= 4
    finally:
        view.stop()
        runner.close()
    assert set(threading.enumerate()) <= before
