"""The cameras that are simulated: geometry, noise and the specimens of each.

Noise of depth, on a surface that faces the camera: `astra` follows Khoshelham & Oude Elberink (2012), σz = 1.425e-3 z²;
`gemini335` and `d435` the theory of active stereo, σz = z²·σd/(f·b) with σd = 0.08 px; `femto`, time of flight, has
0.86 mm on skin at 0.9 m, a Kinect v2's, growing with 1/√amplitude, hence with z.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np

from calibration.rig import AttenuationLaw, Extrinsics, Intrinsics, Rig
from drivers.errors import NotFound
from drivers.simulated.shading import REFERENCE_M

BLACK_SHARE: Final = 4.0 / 255.0
_SPECIMENS: Final = (1.0, 0.92, 1.09)  # infrared response of a type's specimens against each other
_OFFSETS_M: Final = (0.0, 0.006, 0.012)  # how far behind the lens the emitter's light seems to come from
_EXPONENTS: Final = (2.0, 1.96, 2.03)

Method = Literal["triangulation", "time_of_flight"]


@dataclass(frozen=True, slots=True)
class SensorModel:
    """A type of camera.

    `disparity_sd_px` is the noise of one match on a surface facing the camera, `disparity_step_px` its rounding: of
    triangulation only, as `fatten_px`, half the matching window. `noise_at_m` is the noise of time of flight on skin
    at 1 m, in metres. `depth_unit_m` is a count of depth: a tenth of a millimetre where a camera can be set so, since
    whole millimetres would be twice the noise at 0.3 m. `white_level` that of infrared; `devices` the specimens, which
    differ in their colour camera and in their emitter.
    """

    name: str
    baseline_m: float
    disparity_sd_px: float
    disparity_step_px: float
    fatten_px: int
    white_level: int
    near_m: float
    far_m: float
    devices: tuple[Rig, ...]
    method: Method = "triangulation"
    noise_at_m: float = 0.0
    depth_unit_m: float = 0.0001

    @property
    def sensor(self) -> str:
        """Key of the sensor for bundles."""
        return f"sim-{self.name}"

    @property
    def has_dots(self) -> bool:
        """Whether it can project a pattern; time of flight floods."""
        return self.method == "triangulation"


def _device(
    depth: Intrinsics, color_f: float, aside_m: float, turn_deg: tuple[float, float, float],
    distortion: tuple[float, ...], white_level: int, strength: float, specimen: int,
) -> Rig:  # fmt: skip
    """`strength` is the type's infrared response against `astra`'s; the law is what a calibration would find."""
    R, _ = cv2.Rodrigues(np.deg2rad(np.array(turn_deg, np.float64)))
    to_color = Extrinsics.of(np.asarray(R, np.float64), np.array([-aside_m, 0.0005, 0.001]))
    color = Intrinsics(
        width=640, height=480, fx=color_f, fy=color_f, cx=321.3, cy=238.1,
        model="brown_conrady", distortion=distortion,
    )  # fmt: skip
    law = AttenuationLaw(
        exponent=_EXPONENTS[specimen], offset_m=_OFFSETS_M[specimen], dark_level=BLACK_SHARE * white_level,
        reference_m=REFERENCE_M, gain=strength * _SPECIMENS[specimen],
    )  # fmt: skip
    return Rig(
        color=color, depth=depth, infrared=depth, depth_to_color=to_color, infrared_to_color=to_color, radiometric=law
    )


_ASTRA_DEPTH = Intrinsics(width=640, height=480, fx=579.0, fy=579.0, cx=319.5, cy=239.5)
_GEMINI = Intrinsics(width=848, height=480, fx=424.0, fy=424.0, cx=423.5, cy=239.5)
_D435_DEPTH = Intrinsics(width=848, height=480, fx=427.0, fy=427.0, cx=424.7, cy=238.6)
_FEMTO_DEPTH = Intrinsics(width=640, height=576, fx=504.5, fy=504.5, cx=320.8, cy=287.6)

PRESETS: Final[dict[str, SensorModel]] = {
    "astra": SensorModel(
        "astra", 0.075, 0.055, 1 / 8, 2, 1023, 0.25, 5.0,
        (
            _device(_ASTRA_DEPTH, 594.0, 0.0258, (0.2, -0.3, 0.1), (0.04, -0.08, 0.0005, -0.0004, 0.0), 1023, 1.0, 0),
            _device(_ASTRA_DEPTH, 553.0, 0.0250, (-0.3, 0.2, -0.2), (0.06, -0.15, -0.0003, 0.0006, 0.0), 1023, 1.0, 1),
            _device(_ASTRA_DEPTH, 512.0, 0.0249, (0.1, 0.4, 0.1), (-0.05, 0.04, 0.0004, 0.0002, 0.0), 1023, 1.0, 2),
        ),
    ),
    "gemini335": SensorModel(
        "gemini335", 0.050, 0.080, 1 / 32, 3, 255, 0.20, 5.0,
        (
            _device(_GEMINI, 457.0, -0.0140, (0.1, 0.2, -0.1), (-0.04, 0.05, 0.0003, 0.0003, -0.02), 255, .78, 0),
            _device(_GEMINI, 455.0, -0.0141, (-0.2, 0.1, 0.2), (-0.05, 0.06, -0.0004, 0.0001, -0.02), 255, .78, 1),
            _device(_GEMINI, 460.0, -0.0139, (0.2, -0.2, 0.0), (-0.03, 0.04, 0.0001, -0.0005, -0.01), 255, .78, 2),
        ),
    ),
    "d435": SensorModel(
        "d435", 0.050, 0.080, 1 / 32, 3, 255, 0.20, 5.0,
        (
            _device(_D435_DEPTH, 612.0, -0.0148, (0.3, 0.1, 0.2), (0.0, 0.0, 0.0, 0.0, 0.0), 255, 0.9, 0),
            _device(_D435_DEPTH, 616.0, -0.0146, (-0.1, -0.4, 0.1), (0.0, 0.0, 0.0, 0.0, 0.0), 255, 0.9, 1),
            _device(_D435_DEPTH, 608.0, -0.0150, (0.2, 0.3, -0.3), (0.0, 0.0, 0.0, 0.0, 0.0), 255, 0.9, 2),
        ),
    ),
    "femto": SensorModel(
        "femto", 0.020, 0.0, 0.0, 0, 4095, 0.20, 4.0,
        (
            _device(_FEMTO_DEPTH, 501.0, 0.0320, (0.4, -0.1, 0.1), (0.06, -0.10, 0.0004, -0.0002, 0.04), 4095, 1.3, 0),
            _device(_FEMTO_DEPTH, 498.0, 0.0321, (-0.3, 0.2, 0.0), (0.07, -0.12, -0.0003, 0.0003, 0.05), 4095, 1.3, 1),
            _device(_FEMTO_DEPTH, 504.0, 0.0319, (0.1, 0.1, -0.2), (0.05, -0.09, 0.0001, 0.0004, 0.04), 4095, 1.3, 2),
        ),
        method="time_of_flight",
        noise_at_m=0.86e-3 / 0.9,
        depth_unit_m=0.001,
    ),
}  # fmt: skip


def sensor_model(name: str) -> SensorModel:
    """A preset by name. Raises NotFound with the names that exist."""
    try:
        return PRESETS[name]
    except KeyError:
        raise NotFound(f"no simulated sensor '{name}'; there are {', '.join(PRESETS)}") from None
