"""Which nets the experiments train and which rows of which table they are measured in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from models.datasets.faces import Sample
from models.errors import TrainingError
from models.recipes import Recipe

Positions = Literal["whole", "equal", "weighted"]

TABLES: Mapping[str, str] = {
    "table3": "D-Net by its inputs, 2-D attacks, as in Table III",
    "table4": "M-Net by its inputs, whole face, 3-D attacks, as in Table IV",
    "tuning": "M-Net on patches, without and with weighted fine-tuning, 3-D attacks, as in Table VII",
    "cascade": "M-Net alone and the cascade on all attacks, as in Tables X and XI",
    "species": "A species of attack that training has not seen",
    "sensor": "A sensor that training has not seen",
    "distance": "Distances and exposures that training has not seen: infrared as it comes or free of distance",
    "skin": "Live faces rejected by the cascade, by skin type",
}
HELD_OUT = {"m_net": ("silicone_mask", "latex_mask"), "d_net": ("folded_print", "screen_replay")}
STAGES: tuple[Literal["d_net", "m_net"], ...] = ("d_net", "m_net")


@dataclass(frozen=True, slots=True)
class Training:
    """A net of the experiments; seed and budget are filled in. `tuned`: weighted fine-tuning follows."""

    name: str
    recipe: Recipe
    tuned: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: `nets` (D-Net and M-Net: the cascade) measured on the test split of `store`.

    `positions` are M-Net's: the whole face, all 36 with equal shares, or those of fine-tuning with theirs. Of a
    stage's own attacks (2-D for D-Net, 3-D for M-Net; `everything`: all) `species` and `sensor` leave a part;
    `skin` (Fitzpatrick's 1 to 6) leaves live faces alone.
    """

    table: str
    title: str
    nets: tuple[str, ...]
    stage: Literal["d_net", "m_net"]
    paper: str = ""
    positions: Positions = "whole"
    store: str = "faces"
    everything: bool = False
    species: str = ""
    sensor: str = ""
    skin: int = 0

    @property
    def key(self) -> str:
        return f"{self.table}/{self.title}"

    def of_stage(self, sample: Sample) -> bool:
        """Is the face live, or an attack of the row's stage?"""
        return self.everything or not sample.attack or sample.flat == (self.stage == "d_net")

    def examines(self, sample: Sample) -> bool:
        """Is the row about this face of the test split?"""
        return (
            self.of_stage(sample)
            and (not self.species or not sample.attack or sample.species == self.species)
            and self.sensor in ("", sample.sensor)
            and (not self.skin or (not sample.attack and sample.skin_type == self.skin))
        )


@dataclass(frozen=True, slots=True)
class Protocol:
    trainings: tuple[Training, ...]
    rows: tuple[Row, ...]


D_INPUTS = {"f1": "1.2 %", "f2f3": "1.4 %", "f1f3": "0.8 %", "f1f2f3": "0.5 %"}
M_INPUTS = {
    "rgb": "0.4966 %",
    "ir": "0.974 % (its rates average 0.947)",
    "fusion": "0.0857 % (its rates average 0.503)",
}


def _d_net(name: str, **changes: object) -> Training:
    return Training(name, Recipe("d_net", **changes))  # type: ignore[arg-type]


def _m_net(name: str, *, tuned: bool = False, **changes: object) -> Training:
    # Trainings as short as these see hardly a face twice: there is nothing to learn by heart.
    return Training(name, Recipe("m_net", deform=False, **changes), tuned)  # type: ignore[arg-type]


def _trainings(species: Mapping[str, Sequence[str]], sensors: Sequence[str]) -> list[Training]:
    make = {"d_net": _d_net, "m_net": _m_net}
    return [
        *(_d_net(f"d-{inputs}", inputs=inputs) for inputs in D_INPUTS),
        *(_m_net(f"m-{inputs}", inputs=inputs) for inputs in M_INPUTS),
        _m_net("m-fmix", fmix=0.5),
        _m_net("m-patches", tuned=True, small=1),
        _m_net("m-raw", infrared="raw"),
        _m_net("m-ir-raw", inputs="ir", infrared="raw"),
        *(make[s](f"{s[0]}-without-{name}", without=(name,)) for s in STAGES for name in species[s]),
        *(make[s](f"{s[0]}-but-{name}", sensors=_others(sensors, name)) for s in STAGES for name in sensors),
        *(_m_net(f"m-raw-but-{name}", sensors=_others(sensors, name), infrared="raw") for name in sensors),
    ]


def _others(sensors: Sequence[str], name: str) -> tuple[str, ...]:
    return tuple(other for other in sensors if other != name)


def _rows(
    species: Mapping[str, Sequence[str]], sensors: Sequence[str], skins: Sequence[int], stores: Sequence[str]
) -> list[Row]:
    rows = [Row("table3", name, (f"d-{name}",), "d_net", paper) for name, paper in D_INPUTS.items()]
    rows += [Row("table4", name, (f"m-{name}",), "m_net", paper) for name, paper in M_INPUTS.items()]
    rows += [Row("table4", "fusion with FMix", ("m-fmix",), "m_net", "0.0820 %")]
    for title, positions, paper in (
        ("whole face, no fine-tuning", "whole", ""),
        ("36 positions, equal shares, no fine-tuning", "equal", "0.095 %"),
        ("weighted fine-tuning", "weighted", "0.082 %"),
    ):
        rows.append(Row("tuning", title, ("m-patches",), "m_net", paper, positions))  # type: ignore[arg-type]
    both = ("d-f1f2f3", "m-fusion")
    alone = "0.301 % (its rates average 0.360)"
    rows.append(Row("cascade", "M-Net alone", both[1:], "m_net", alone, everything=True))
    rows.append(Row("cascade", "cascade", both, "m_net", "0.1071 %", everything=True))
    whole = {"d_net": "d-f1f2f3", "m_net": "m-fusion"}
    for stage in STAGES:
        net = "D-Net" if stage == "d_net" else "M-Net"
        for name in species[stage]:
            for how, trained in (("seen", whole[stage]), ("held out", f"{stage[0]}-without-{name}")):
                rows.append(Row("species", f"{net}, {name} {how}", (trained,), stage, species=name))
        for name in sensors:
            learnt = [("seen", whole[stage]), ("held out", f"{stage[0]}-but-{name}")]
            if stage == "m_net":  # the radiometric calibration of every camera undone
                learnt += [("seen, infrared as it comes", "m-raw")]
                learnt += [("held out, infrared as it comes", f"m-raw-but-{name}")]
            rows += [Row("sensor", f"{net}, {name} {how}", (net_name,), stage, sensor=name) for how, net_name in learnt]
    for store in stores:
        for title, trained in (
            ("infrared alone, as it comes", "m-ir-raw"),
            ("infrared alone, distance-free", "m-ir"),
            ("all planes, infrared as it comes", "m-raw"),
            ("all planes, distance-free", "m-fusion"),
        ):
            where = "as in training" if store == "faces" else store
            rows.append(Row("distance", f"{title}; {where}", (trained,), "m_net", store=store))
    for skin in skins:
        title = f"Fitzpatrick {skin}"
        rows.append(Row("skin", title, both, "m_net", everything=True, skin=skin))
    return rows


def protocol(samples: Sequence[Sample], stores: Sequence[str] = ("faces",), only: Sequence[str] = ()) -> Protocol:
    """All that a store's faces allow: species, sensors and skin types that it lacks have no rows.

    `only` names tables (`TABLES`); raises TrainingError for another name.
    """
    for name in only:
        if name not in TABLES:
            raise TrainingError(f"--only {name}: give some of {', '.join(TABLES)}")
    tests = [sample for sample in samples if sample.split == "test" and sample.reflectance]
    known = {sample.species for sample in tests} & {sample.species for sample in samples if sample.split == "train"}
    species = {stage: [name for name in names if name in known] for stage, names in HELD_OUT.items()}
    found = sorted({sample.sensor for sample in tests})
    sensors = found if len(found) > 1 else []
    skins = sorted({sample.skin_type for sample in tests if not sample.attack} - {0})
    distances = sorted(stores, key=lambda name: name != "faces") if len(stores) > 1 else []
    rows = [row for row in _rows(species, sensors, skins, distances) if not only or row.table in only]
    needed = {name for row in rows for name in row.nets}
    trainings = tuple(training for training in _trainings(species, sensors) if training.name in needed)
    return Protocol(trainings, tuple(rows))
