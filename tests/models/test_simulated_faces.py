"""The simulated set: splits apart, one recipe a store, and the same bytes however often a run was killed."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from drivers.errors import SdkMissing
from drivers.simulated.assets import template
from drivers.simulated.species import FLAT, SPECIES
from models.datasets.faces import Faces
from models.datasets.mipd import (
    LIVE,
    MANY_LIVE,
    SESSIONS,
    TWINS,
    Part,
    Pool,
    Recipe,
    counts_of,
    plan,
    simulator_version,
)
from models.datasets.simulated import JUDGED, generate, report, scene_of
from models.errors import DatasetError
from models.metrics import rate
from pipeline.face_models import read_nets

try:
    template()
    read_nets()
except SdkMissing as missing:
    pytest.skip(str(missing), allow_module_level=True)

TINY = Recipe(
    counts={"train": {"live": 2, "flat_print": 2}, "dev": {"live": 2}, "test": {"resin_mask": 2}},
    frames=2,
    chunk=1,
    presets=("astra",),
)


def digests(directory: Path) -> dict[str, str]:
    """SHA-256 of every file of a store."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_counts_are_the_papers() -> None:
    counts = counts_of("main")
    for species_of, train, test in (
        (lambda s: s == LIVE, 1290 + 1289 + 3901 + 3464, 320 + 684 + 1172 + 1767),
        (lambda s: s in FLAT, 455 + 1134 + 3612, 283 + 768 + 2227),
        (lambda s: s != LIVE and s not in FLAT, 1134 + 5786, 768 + 3177),
    ):
        given = {split: sum(n for s, n in counts[split].items() if species_of(s)) for split in counts}
        assert given["train"] + given["dev"] == pytest.approx(train, abs=8)
        assert given["test"] == pytest.approx(test, abs=8)
    assert set(counts["test"]) == set(SPECIES)


@pytest.mark.parametrize("part", ["main", "far", "exposure", "more", "prints", "thresholds"])
def test_people_instruments_and_seeds_stand_in_one_split(part: str) -> None:
    planned = plan(Recipe.of(part))
    assert len({job.seed for job in planned}) == len(planned)
    for who in ("person", "instrument"):
        homes = {(getattr(job, who), job.split) for job in planned}
        assert len({one for one, _ in homes}) == len(homes)
    assert len({(job.instrument, job.species) for job in planned}) == len({job.instrument for job in planned})
    assert all(job.seed >= 10_000_000 for job in planned), "lower seeds are the demo's and the golden replays'"


def test_parts_share_people_but_no_scene() -> None:
    main, far, exposure = ({job.seed for job in plan(Recipe.of(part))} for part in ("main", "far", "exposure"))
    assert not main & far | main & exposure | far & exposure
    tested = {job.person for job in plan(Recipe.of("main")) if job.split == "test"}
    assert {job.person for job in plan(Recipe.of("far"))} <= tested


def test_enough_sessions_of_every_print_and_screen_to_resolve_three_percent() -> None:
    planned = plan(Recipe.of("prints"))
    sessions = Counter(job.species for job in planned)
    assert set(sessions) == {LIVE, *FLAT}
    assert min(sessions.values()) >= SESSIONS == sessions[LIVE]
    assert rate(0, SESSIONS).high < 0.0301
    assert {job.split for job in planned} == {"test"}
    assert not {job.seed for job in planned} & {job.seed for job in plan(Recipe.of("main"))}


def test_what_is_learnt_beside_the_set_is_of_no_other_split() -> None:
    main, more = plan(Recipe.of("main")), plan(Recipe.of("more"))
    assert {job.split for job in more} == {"train"}
    assert not {job.species for job in more} & FLAT
    assert not {job.seed for job in more} & {job.seed for job in main}
    judged = [job for job in main if job.split != "train"]
    assert not {job.person for job in more} & {job.person for job in judged}
    assert not {job.instrument for job in more} & {job.instrument for job in judged}


def test_thresholds_are_set_by_many_people_that_no_other_split_knows() -> None:
    planned = plan(Recipe.of("thresholds"))
    assert {job.split for job in planned} == {"dev"}
    assert {job.species for job in planned} == set(SPECIES)
    assert len({job.person for job in planned if job.species == LIVE}) > 0.9 * MANY_LIVE
    for part in get_args(Part):
        if part != "thresholds":
            others = plan(Recipe.of(part))
            assert not {job.seed for job in planned} & {job.seed for job in others}
            other = [job for job in others if job.split != "dev"]
            for who in ("person", "instrument"):
                assert not {getattr(job, who) for job in planned} & {getattr(job, who) for job in other}


def test_twins_differ_in_what_they_are_made_of_alone() -> None:
    planned = plan(Recipe.of("twins"))
    live, attacks = planned[::2], planned[1::2]
    assert {job.species for job in live} == {LIVE}
    assert not {job.species for job in attacks} & {LIVE, *FLAT}
    assert [replace(job, species=LIVE) for job in attacks] == live
    assert len({job.seed for job in live}) == len(live) == TWINS
    assert {job.split for job in planned} == {"train"}
    for part in get_args(Part):
        if part != "twins":
            others = plan(Recipe.of(part))
            assert not {job.seed for job in live} & {job.seed for job in others}
            judged = [job for job in others if job.split != "train"]
            assert not {job.person for job in live} & {job.person for job in judged}
            assert not {job.instrument for job in attacks} & {job.instrument for job in judged}


def test_twins_stand_in_the_same_light_before_the_same_room() -> None:
    recipe = Recipe.of("twins")
    living, masked = (scene_of(job, recipe) for job in plan(recipe)[:2])
    assert masked.is_attack
    assert not living.is_attack
    for name in ("subject_id", "light", "brightness", "color_target", "conditions"):
        assert getattr(living, name) == getattr(masked, name)
    assert np.array_equal(living.lamps, masked.lamps)
    assert np.array_equal(living.motion.centre, masked.motion.centre)
    assert all(np.array_equal(a.vertices, b.vertices) for (a, _), (b, _) in zip(living.room, masked.room, strict=True))


def test_a_person_is_seen_alive_and_in_several_instruments() -> None:
    met: dict[int, set[str]] = {}
    for job in plan(Recipe.of(scale=0.25)):
        met.setdefault(job.person, set()).add(job.species)
    assert np.median([len(species) for species in met.values()]) >= 3
    assert sum(LIVE in species and len(species) > 1 for species in met.values()) > len(met) / 2


def test_sensors_and_exposures_have_equal_shares_in_every_species() -> None:
    recipe = Recipe.of("exposure")
    for what, values in (("preset", recipe.presets), ("exposure", recipe.exposures)):
        counts = Counter((job.species, getattr(job, what)) for job in plan(recipe))
        for species in SPECIES:
            shares = [counts[species, value] for value in values]
            assert max(shares) - min(shares) <= len(recipe.presets), (what, species)


def test_a_part_of_a_run_is_a_small_set_and_not_a_lopsided_one() -> None:
    whole = plan(Recipe.of())
    part = Counter(job.species for job in whole[: len(whole) // 8])
    assert part["live"] == pytest.approx(len([j for j in whole if j.species == LIVE]) / 8, rel=0.2)


def test_every_field_of_a_recipe_changes_its_hash() -> None:
    changes = {
        "part": "far", "scale": 0.5, "frames": 5, "counts": {"test": {"live": 3}},
        "pools": {"test": Pool(first=0, people=1, instruments=1)}, "presets": ("astra", "gemini335"),
        "distance_m": (0.4, 0.5), "exposures": (2.0,), "overlap": 0.5, "chunk": 7, "simulator": "other",
    }  # fmt: skip
    assert set(changes) == set(Recipe.model_fields)
    hashes = [TINY.hash, *(TINY.model_copy(update={name: value}).hash for name, value in changes.items())]
    assert len(set(hashes)) == len(hashes)
    assert Recipe.model_validate_json(TINY.model_dump_json()).hash == TINY.hash
    assert TINY.simulator == simulator_version()


def test_a_store_keeps_its_recipe_and_refuses_another(tmp_path: Path) -> None:
    TINY.keep_in(tmp_path)
    TINY.keep_in(tmp_path)
    assert Recipe.load(tmp_path) == TINY
    with pytest.raises(DatasetError, match=r"recipe\.json differs in overlap, scale"):
        TINY.model_copy(update={"overlap": 0.9, "scale": 0.5}).keep_in(tmp_path)
    (tmp_path / "other" / "shard-0-00000").mkdir(parents=True)
    with pytest.raises(DatasetError, match="another origin"):
        generate(tmp_path / "other", TINY, 1)


def generating(store: Path, recipe: Recipe) -> subprocess.Popen[str]:
    """`generate` by two processes, in a group of its own, as the module's command runs it."""
    beside = store.parent / "recipe.json"
    beside.write_text(recipe.model_dump_json())
    script = store.parent / "run.py"
    script.write_text(
        "import sys; from pathlib import Path; from models.datasets import mipd, simulated\n"
        "from models.errors import command\n"
        "def main(_):\n"
        "    simulated.generate(Path(sys.argv[1]), mipd.Recipe.load(Path(sys.argv[2])), 2)\n"
        "if __name__ == '__main__':\n"
        "    raise SystemExit(command(main)())\n"
    )
    return subprocess.Popen(
        [sys.executable, str(script), str(store), str(beside.parent)],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """SIGKILL to the parent after the first shard; its workers must die too, and the second run mend the rest."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    with generating(killed, TINY) as process:
        while not list(killed.glob("outcomes/*.json")) and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    while _group_lives(process.pid):
        time.sleep(0.02)
    assert not all((killed / f"outcomes/{n:04d}.json").exists() for n in range(4))

    seen = generate(killed, TINY, 2)
    assert generate(whole, TINY, 1) == seen
    assert digests(killed) == digests(whole)
    assert seen.total() == len(plan(TINY)) * TINY.frames
    assert generate(killed, TINY, 1) == seen
    assert digests(killed) == digests(whole)

    faces = Faces.load(killed)
    assert len(faces) == sum(n for (_, outcome), n in seen.items() if outcome == JUDGED)
    assert {s.sensor for s in faces.samples} == {"sim-astra"}
    assert all(s.light and s.infrared_exposure_ms > 0 for s in faces.samples)
    assert max(abs(s.yaw_deg) + abs(s.pitch_deg) for s in faces.samples) < 90
    assert "judged" in report(seen)


def test_ctrl_c_ends_a_run_without_a_traceback(tmp_path: Path) -> None:
    """As a terminal sends it, to the whole group: shards that are begun come to their end, no further one begins."""
    recipe = TINY.model_copy(update={"counts": {"train": {"live": 60}}})
    store = tmp_path / "store"
    with generating(store, recipe) as process:
        while not list(store.glob("outcomes/*.json")) and process.poll() is None:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in told
    assert told.strip() == "stopped"
    notes = {path.stem for path in store.glob("outcomes/*.json")}
    assert len(notes) < len(plan(recipe))
    assert {path.name.split("-")[1].split(".")[1] for path in store.glob("shard-*")} <= notes, (
        "no shard without its note"
    )


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
