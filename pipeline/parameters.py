"""Every number that preprocessing and judging depend on: it travels inside the bundle, nowhere else.

Training and running read the same object, so that a net never sees pictures made in another way than
those it learnt from. The defaults are what the shipped bundle was trained with.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from calibration.rig import AttenuationLaw

FACE_SIZE = 112
"""Side of the aligned face in pixels: every stage after registration works on this grid."""

PLANES = 10
"""Channels of a reflectance face: stack (r, g, b, infrared), sum (3), diff (3)."""

Precision = Literal["f32", "bf16", "int8"]

Unit = Annotated[float, Field(ge=0.0, le=1.0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Gate(_Frozen):
    """Who is judged at all (limits in metres, degrees and pixels).

    `middle_share` of the picture's width and height is where a face's middle may be. `max_smear`, in sides of the
    canonical square (about 190 mm), is how far a face may move while a set's pictures are taken. With light behind
    it a face is darker than `backlight_dark` of white, and more than `backlight_share` around it is saturated.
    """

    near_m: float = Field(default=0.30, gt=0)
    far_m: float = Field(default=1.30, gt=0)
    max_angle_deg: float = Field(default=20.0, gt=0, le=90)
    min_square_px: float = Field(default=44.0, gt=0)
    max_age_s: float = Field(default=0.5, gt=0)
    max_skew_s: float = Field(default=0.25, gt=0)
    max_residual_mm: float = Field(default=25.0, gt=0)
    infrared_dark: Unit = 0.02
    infrared_saturated_share: Unit = 0.4
    color_dark: Unit = 0.03
    middle_share: Unit = 0.8
    max_smear: float = Field(default=0.03, gt=0)
    backlight_dark: Unit = 0.2
    backlight_share: Unit = 0.25


class DepthParameters(_Frozen):
    """Depth stage (equations 1 to 3).

    `inner_hull` is the convex polygon of the inner face in units of the aligned face, clockwise from the
    forehead; bounds of F1 and the face plane of F3 are taken inside it.
    """

    completion_radius_px: int = Field(default=4, ge=0, le=32)
    component_step_mm: float = Field(default=12.0, gt=0)
    min_coverage: Unit = 0.55
    inner_hull: tuple[tuple[Unit, Unit], ...] = (
        (0.30, 0.20), (0.70, 0.20), (0.82, 0.42), (0.76, 0.70),
        (0.62, 0.86), (0.38, 0.86), (0.24, 0.70), (0.18, 0.42),
    )  # fmt: skip
    f1_mode: Literal["robust", "literal"] = "robust"
    f1_percentiles: tuple[float, float] = (1.0, 99.0)
    f2_mode: Literal["metric", "per_face", "dataset", "matrix"] = "metric"
    f2_bounds: tuple[float, float] = (40.0, 300.0)
    f3_mode: Literal["fixed", "per_face"] = "fixed"
    normal_radius_px: int = Field(default=3, ge=1, le=8)


class ReflectanceParameters(_Frozen):
    """Reflectance stage (equations 5, 11 and 15 to 18).

    `infrared_scale` brings the distance-free infrared band to 0–255 for sum and diff: it is fixed here
    and never fitted to a face. `reference_exposure_ms` is the exposure times gain at which it holds; a
    camera that does not tell its exposure counts as being there. `law` is the fall-off for cameras
    without a calibrated law of their own.
    """

    attenuation: Literal["physical", "inverse_square", "beer_lambert"] = "physical"
    beer_lambert_per_m: float = Field(default=1.0, ge=0)
    law: AttenuationLaw = AttenuationLaw()
    reference_m: float = Field(default=0.6, gt=0)
    reference_exposure_ms: float = Field(default=4.0, gt=0)
    infrared_scale: float = Field(default=255.0, gt=0)
    gamma: float = Field(default=1 / 2.2, gt=0)


class Patch(_Frozen):
    """One patch of the aligned face: a square `size` wide at (x, y), shown to the net at `input_size`."""

    x: int = Field(ge=0)
    y: int = Field(ge=0)
    size: int = Field(gt=0)
    input_size: int = Field(gt=0)
    weight: float = Field(default=1.0, ge=0)

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if max(self.x, self.y) + self.size > FACE_SIZE:
            raise ValueError(f"patch at ({self.x}, {self.y}) of {self.size} px leaves the {FACE_SIZE} px face")
        return self


def default_patches() -> tuple[Patch, ...]:
    """The 36 positions: 5×5 of 32 px, 3×3 of 56, one of 80 and the whole face.

    The two large ones keep a larger input: context decides there, and shrinking them to 32 px loses it.
    """
    small = [Patch(x=20 * i, y=20 * j, size=32, input_size=32) for j in range(5) for i in range(5)]
    medium = [Patch(x=28 * i, y=28 * j, size=56, input_size=32) for j in range(3) for i in range(3)]
    large = [Patch(x=16, y=16, size=80, input_size=64), Patch(x=0, y=0, size=FACE_SIZE, input_size=64)]
    return (*small, *medium, *large)


class Preprocessing(_Frozen):
    """All that turns a frame set into the nets' inputs."""

    gate: Gate = Gate()
    depth: DepthParameters = DepthParameters()
    reflectance: ReflectanceParameters = ReflectanceParameters()


class SessionRule(_Frozen):
    """Sequential test over a session (Wald): evidence is `slope·logit(score) + offset` per stage, in nats.

    `alpha`: accepted chance that an attack ends as live; `beta`: that a live person ends as attack.
    """

    slope: float = Field(default=1.0, gt=0)
    offset: FiniteFloat = 0.0
    clip: float = Field(default=2.0, gt=0)
    alpha: float = Field(default=0.01, gt=0, lt=0.5)
    beta: float = Field(default=0.02, gt=0, lt=0.5)
    interval_s: float = Field(default=0.1, ge=0)
    min_frames: int = Field(default=5, ge=1)
    deadline_s: float = Field(default=3.0, gt=0)
    lost_face_s: float = Field(default=0.5, gt=0)


class Thresholds(_Frozen):
    """An attack score at or above these rejects."""

    d_net: Unit = 0.5
    m_net: Unit = 0.5


class BundleDescription(_Frozen):
    """`bundle.json`: all of a bundle except its nets.

    `patches` are the positions in order of the layout; a weight of 0 means that the position is not run,
    and the weights sum to 1. `precision` is that of both nets, or of D-Net where M-Net has its own. `sensors`
    are the `CameraInfo.sensor` keys that the bundle was trained for. `origin` says on what data: figures of a
    `simulated` bundle are simulated figures.
    """

    format: Literal[1] = 1
    name: str
    created: str
    origin: Literal["real", "simulated", "semi_simulated"]
    sensors: tuple[str, ...]
    precision: Precision
    m_net_precision: Precision | None = None
    d_net: str = "d_net.xml"
    m_net: str = "m_net.xml"
    preprocessing: Preprocessing
    patches: tuple[Patch, ...]
    thresholds: Thresholds
    operating_point: str
    session: SessionRule = SessionRule()

    @model_validator(mode="after")
    def _weights_sum_to_one(self) -> Self:
        total = sum(p.weight for p in self.patches)
        if abs(total - 1.0) > 1e-6:
            raise ValueError(f"patch weights sum to {total:.6f}, not 1: the ensemble would be no probability")
        return self
