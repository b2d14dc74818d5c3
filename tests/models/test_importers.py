"""Importers on small trees in exactly the layouts of the data sets; pictures whose relief and labels are known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.datasets import casia_surf, cefa, threedmad, wmca
from models.datasets.faces import Faces
from models.datasets.hdf5 import _natural, read_hdf5
from models.datasets.imported import main, near_is_bright, write_store
from models.errors import DatasetError


def relief(side: int = 96, near_bright: bool = True) -> NDArray[np.uint8]:
    """A bump on black: 8 bits, nearest in the middle."""
    y, x = np.mgrid[:side, :side] / (side / 2) - 1
    radius = np.hypot(x, y)
    height = 200 - 120 * radius if near_bright else 80 + 120 * radius
    return np.where(radius < 0.95, height, 0).astype(np.uint8)


def face(
    recording: Path, name: str, bands: tuple[str, str, str] = ("color", "depth", "ir"), bright: bool = True
) -> None:
    depth = relief(near_bright=bright)
    seen = (depth > 0).astype(np.uint8)
    color = np.dstack([40 * seen, 90 * seen, 160 * seen])  # BGR
    for band, pixels in zip(bands, (color, depth, 120 * seen), strict=True):
        (recording / band).mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(recording / band / name), pixels)


REAL = "Training/real_part/CLKJ_AS0005/01.rssdk"
FAKE = "Training/fake_part/CLKJ_AS0005/06_enm_b.rssdk"


@pytest.fixture
def surf(tmp_path: Path) -> Path:
    for recording in (REAL, FAKE):
        face(tmp_path / recording, "31.jpg")
    return tmp_path


def write_list(root: Path, *lines: str) -> None:
    (root / "train_list.txt").write_text("\n".join(lines) + "\n")


def triple(recording: str, order: tuple[str, str, str] = ("color", "depth", "ir")) -> str:
    return " ".join(f"{recording}/{band}/31.jpg" for band in order)


def test_challenge_lists_count_real_as_1(surf: Path) -> None:
    write_list(surf, f"{triple(REAL)} 1", f"{triple(FAKE)} 0")
    live, attack = casia_surf.items(surf)
    assert (live.species, attack.species) == ("", "cut_print_eyes_nose_mouth_bent")
    assert (attack.flat, attack.split, attack.subject, attack.frame) == (True, "train", "CLKJ_AS0005", 31)


def test_full_lists_count_fake_as_1(surf: Path) -> None:
    write_list(surf, f"{REAL}/color/31.jpg 0", f"{FAKE}/color/31.jpg 1")
    live, attack = casia_surf.items(surf)
    assert (live.species, bool(attack.species)) == ("", True)
    assert np.ptp(live.read().depth) > 100  # depth was found by substitution


def test_a_list_with_inverted_labels_is_refused(surf: Path) -> None:
    write_list(surf, f"{triple(REAL)} 0")
    with pytest.raises(DatasetError, match=r"line 1: its label contradicts real_part"):
        list(casia_surf.items(surf))


def test_columns_are_taken_for_what_they_name(surf: Path) -> None:
    write_list(surf, f"{triple(REAL, ('color', 'ir', 'depth'))} 1")
    pictures = next(casia_surf.items(surf)).read()
    assert np.ptp(pictures.depth[pictures.depth > 8]) > 50
    assert pictures.infrared is not None
    assert np.abs(pictures.infrared[pictures.depth > 8].astype(int) - 120).max() < 80
    assert pictures.color[48, 48] == pytest.approx([160, 90, 40], abs=6)  # RGB


@pytest.mark.parametrize("line", ["a b 1", f"{triple(REAL)} 2", f"{triple(REAL, ('color', 'ir', 'ir'))} 1"])
def test_a_line_of_another_form_is_named(surf: Path, line: str) -> None:
    write_list(surf, line)
    with pytest.raises(DatasetError, match="line 1"):
        list(casia_surf.items(surf))


def test_flattened_validation_says_no_species(tmp_path: Path) -> None:
    folder = tmp_path / "Val" / "0000"
    folder.mkdir(parents=True)
    for band in ("color", "depth", "ir"):
        cv2.imwrite(str(folder / f"000000-{band}.jpg"), relief())
    write_list(tmp_path, " ".join(f"Val/0000/000000-{band}.jpg" for band in ("color", "depth", "ir")) + " 0")
    (item,) = casia_surf.items(tmp_path)
    assert (item.species, item.split, item.instrument) == ("cut_print", "dev", "")


@pytest.mark.parametrize("bright", [True, False])
def test_relief_comes_out_the_same_in_either_coding(tmp_path: Path, bright: bool) -> None:
    root = tmp_path / "set"
    for recording in (REAL, FAKE):
        face(root / recording, "31.jpg", bright=bright)
    write_list(root, f"{triple(REAL)} 1", f"{triple(FAKE)} 0")
    items = list(casia_surf.items(root))
    assert near_is_bright(items)[0] == bright
    report = write_store(items, "casia_surf", tmp_path / "store")
    assert report.written == 2
    faces = Faces.load(tmp_path / "store")
    maps = faces.gather("depth_maps", [0])[0]
    assert maps[0, 56, 56] < 40  # near
    assert maps[0, 56, 92] > 200  # far
    assert (maps[1:] == 255).all()
    assert faces.samples[0].origin == "real"
    assert faces.gather("stack", [0])[0, 3, 56, 56] > faces.gather("stack", [0])[0, 2, 56, 56] > 0
    assert write_store(items, "casia_surf", tmp_path / "store").kept == 2


@pytest.mark.parametrize(("pai", "species"), [(1, ""), (2, "cloth_print"), (3, "photo_print"), (4, "screen_replay")])
def test_cefa_labels_come_from_the_attack_code(tmp_path: Path, pai: int, species: str) -> None:
    face(tmp_path / "AF" / "AF-250" / f"1_250_1_1_{pai}", "0007.jpg", ("profile", "depth", "ir"))
    (item,) = cefa.items(tmp_path)
    assert (item.species, item.split, item.frame) == (species, "dev", 7)


def test_cefa_lists_give_the_split_and_masks_are_for_testing(tmp_path: Path) -> None:
    face(tmp_path / "CA" / "CA-001" / "2_001_1_1_1", "0001.jpg")
    face(tmp_path / "Mask" / "Silicone-Mask" / "03" / "2_03_1_0_1_1_1", "0001.jpg")
    (tmp_path / "4@2_test_res.txt").write_text("test/2_001_1_1_1 0\n")
    live, mask = cefa.items(tmp_path)
    assert (live.species, live.split) == ("", "test")
    assert (mask.species, mask.flat, mask.split, mask.subject) == ("silicone_mask", False, "test", "")


def wmca_reader(path: Path, names: tuple[str, ...] = ()) -> Iterator[NDArray[Any]]:
    depth = relief(128)
    yield from [np.stack([depth // 2, depth, depth // 3, depth]) for _ in range(2)]


def test_wmca_takes_type_for_label_and_group_for_split(tmp_path: Path) -> None:
    base = "face-station/01.02.18/"
    lines = [
        ",client_id,filepath,group,label",
        f"0,001,{base}001_01_001_0_00,train,1",
        f"1,100,{base}100_02_014_3_07,eval,0",
    ]
    (tmp_path / wmca.LIST).write_text("\n".join(lines) + "\n")
    items = list(wmca.items(tmp_path, wmca_reader))
    assert [(i.species, i.split, i.flat) for i in items[::2]] == [("", "train", False), ("photo_07", "test", True)]
    assert write_store(items, "wmca", tmp_path / "store").written == 4


def mad_reader(path: Path, names: tuple[str, ...] = ()) -> Iterator[NDArray[Any]]:
    depth = np.full((2, 1, 480, 640), 3000, np.uint16)
    bump = relief(200).astype(np.uint16)
    depth[:, 0, 140:340, 220:420] = np.where(bump > 0, 1000 - bump // 2, 3000)
    color = np.full((2, 3, 480, 640), 90, np.uint8)
    eyes = np.tile(np.array([216, 280, 216, 360]), (2, 1))  # y, x, y, x
    yield from {"Color_Data": color, "Depth_Data": depth, "Eye_Pos": eyes}.values()


def test_3dmad_masks_are_of_session_3_and_faces_have_no_reflectance(tmp_path: Path) -> None:
    for name in ("01_01_05", "09_03_01"):
        (tmp_path / f"{name}.hdf5").touch()
    items = list(threedmad.items(tmp_path, mad_reader))
    assert [(i.species, i.split) for i in items[::2]] == [("", "train"), ("rigid_mask", "dev")]
    report = write_store(items, "3dmad", tmp_path / "store")
    assert (report.written, report.near_is_bright) == (4, False)
    faces = Faces.load(tmp_path / "store")
    assert not any(sample.reflectance for sample in faces.samples)
    assert 0.3 < faces.gather("mask", [0]).mean() < 0.95  # the wall behind is no face


def test_hdf5_without_h5py_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(DatasetError, match="pip install h5py"):
        read_hdf5(tmp_path / "x.hdf5")
    assert sorted(["Frame_10", "Frame_2"], key=_natural) == ["Frame_2", "Frame_10"]


def test_command_says_what_it_found_and_what_it_did_not(
    surf: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert main(["cefa", "--root", str(tmp_path / "none"), "--out", str(tmp_path / "s")]) == 2
    assert "no such folder" in caplog.text
    write_list(surf, f"{triple(REAL)} 1", f"{triple(FAKE)} 0")
    assert main(["casia_surf", "--root", str(surf), "--out", str(tmp_path / "s")]) == 0
    assert "2 faces written" in caplog.text
    assert "F2 and F3 need metric depth" in caplog.text
