"""What stands on a command line of this package: numbers that cannot be meant, a full disk, a path that is none."""

from __future__ import annotations

import errno
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from models import bundling, training
from models.errors import command
from models.options import count, count_or_none, positive, share


@pytest.mark.parametrize(
    ("kind", "text", "number"),
    [(positive, "0.5", 0.5), (share, "1", 1.0), (share, "0.05", 0.05), (count, "1", 1), (count_or_none, "0", 0)],
)
def test_numbers_that_can_be_meant(kind: Callable[[str], float], text: str, number: float) -> None:
    assert kind(text) == number


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((positive, text) for text in ("0", "-1", "nan", "inf", "ten", "")),
        *((share, text) for text in ("0", "5", "-0.1", "nan")),
        *((count, text) for text in ("0", "-5", "1.5", "²", "")),
        *((count_or_none, text) for text in ("-1", "0.0")),
    ],
)
def test_numbers_that_cannot(kind: Callable[[str], float], text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a"):
        kind(text)


@pytest.mark.parametrize("wrong", [["--minutes", "0"], ["--steps", "-5"], ["--threads", "0"]])
def test_a_training_that_would_never_end_is_not_begun(
    tmp_path: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        training.main(["d_net", "--faces", str(tmp_path), "--out", str(tmp_path / "run"), *wrong])
    assert caught.value.code == 2
    assert f"argument {wrong[0]}: {wrong[1]} is not a" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_per_cent_are_no_share(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [text for name in ("--d-net", "--m-net", "--faces", "--out") for text in (name, str(tmp_path))]
    with pytest.raises(SystemExit) as caught:
        bundling.main([*paths, "--bpcer", "5"])
    assert caught.value.code == 2
    assert "5 is not a share" in capsys.readouterr().err


def test_a_full_disk_and_a_wrong_path_are_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def full(_arguments: Sequence[str] | None) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def in_the_way(_arguments: Sequence[str] | None) -> None:
        (tmp_path / "file").write_text("")
        (tmp_path / "file").mkdir()

    assert command(full)() == 2
    assert "what was being written: No space left on device" in caplog.text
    assert command(in_the_way)() == 2
    assert f"{tmp_path / 'file'}: File exists" in caplog.text
