"""The camera rig: what each stream's lens does and how the streams stand to each other.

A rig travels with every frame and every recording, so it is immutable, comparable and hashable:
whoever derives a table from it (rays, inverse distortion) may cache by the rig itself.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

DistortionModel = Literal["none", "brown_conrady", "inverse_brown_conrady", "rational", "kannala_brandt4"]

COEFFICIENTS: dict[str, int] = {
    "none": 0,
    "brown_conrady": 5,
    "inverse_brown_conrady": 5,
    "rational": 8,
    "kannala_brandt4": 4,
}
"""Number of coefficients of each model, in OpenCV's order."""

Nine = Annotated[tuple[FiniteFloat, ...], Field(min_length=9, max_length=9)]
Three = Annotated[tuple[FiniteFloat, ...], Field(min_length=3, max_length=3)]

ROTATION_TOLERANCE = 1e-3  # of R·Rᵀ − 1: camera SDKs round their matrices to about six digits


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Intrinsics(_Frozen):
    """Pinhole and distortion of one stream; pixel centres are at integers.

    `fx, fy, cx, cy` in pixels. `distortion` in OpenCV's order: `brown_conrady` and its inverse k1 k2 p1 p2 k3 (the
    inverse applies that polynomial from distorted to ideal coordinates; what librealsense calls so it projects the
    other way, see `drivers.realsense_sdk.intrinsics`), `rational` k1 k2 p1 p2 k3 k4 k5 k6, `kannala_brandt4`
    k1 k2 k3 k4. Missing trailing coefficients are zero; superfluous ones are an error.
    """

    width: int = Field(gt=0, le=16384)
    height: int = Field(gt=0, le=16384)
    fx: FiniteFloat = Field(gt=0)
    fy: FiniteFloat = Field(gt=0)
    cx: FiniteFloat
    cy: FiniteFloat
    model: DistortionModel = "none"
    distortion: tuple[FiniteFloat, ...] = ()

    @model_validator(mode="after")
    def _coefficients_fit(self) -> Self:
        wanted = COEFFICIENTS[self.model]
        if any(self.distortion[wanted:]):
            raise ValueError(f"model {self.model} takes {wanted} coefficients, got {len(self.distortion)}")
        return self

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Camera matrix K, float64 [3, 3]."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    @property
    def coefficients(self) -> NDArray[np.float64]:
        """Distortion padded with zeros, float64 [8]."""
        padded = np.zeros(8)
        kept = self.distortion[: COEFFICIENTS[self.model]]
        padded[: len(kept)] = kept
        return padded

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width), the shape of this stream's pictures."""
        return self.height, self.width


class Extrinsics(_Frozen):
    """Rigid motion x_to = R · x_from + t; rotation row-major, translation in metres."""

    rotation: Annotated[tuple[FiniteFloat, ...], Field(min_length=9, max_length=9)] = (
        1,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        1,
    )
    translation_m: Annotated[tuple[FiniteFloat, ...], Field(min_length=3, max_length=3)] = (0, 0, 0)

    @model_validator(mode="after")
    def _is_rotation(self) -> Self:
        R = self.R
        if np.abs(R @ R.T - np.eye(3)).max() > ROTATION_TOLERANCE or np.linalg.det(R) < 0:
            raise ValueError("rotation is not a proper rotation matrix (row-major, determinant +1)")
        return self

    @property
    def R(self) -> NDArray[np.float64]:
        """Rotation, float64 [3, 3]."""
        return np.array(self.rotation, np.float64).reshape(3, 3)

    @property
    def t(self) -> NDArray[np.float64]:
        """Translation, float64 [3], metres."""
        return np.array(self.translation_m, np.float64)

    @classmethod
    def of(cls, R: NDArray[np.float64], t: NDArray[np.float64]) -> Extrinsics:
        """From arrays R [3, 3] and t [3] in metres."""
        return cls(
            rotation=tuple(np.asarray(R, float).ravel().tolist()),
            translation_m=tuple(np.asarray(t, float).ravel().tolist()),
        )

    def inverse(self) -> Extrinsics:
        """The motion the other way."""
        return Extrinsics.of(self.R.T, -self.R.T @ self.t)


class AttenuationLaw(_Frozen):
    """How infrared light from the camera falls off: D(d) = ((d_ref + offset) / (d + offset))^exponent.

    `exponent` 2 and `offset_m` 0 is the inverse square; `dark_level` in counts of the infrared stream. `gain` is
    the infrared response of this camera at d_ref (`reference_m`) relative to the reference one's at 0.6 m:
    distance-free infrared is divided by it.
    """

    exponent: FiniteFloat = Field(default=2.0, ge=0, le=4)
    offset_m: FiniteFloat = Field(default=0.0, gt=-0.2, lt=0.5)
    dark_level: FiniteFloat = Field(default=0.0, ge=0)
    reference_m: FiniteFloat = Field(default=0.6, gt=0)
    gain: FiniteFloat = Field(default=1.0, gt=0)


class Rig(_Frozen):
    """Intrinsics of every stream and their motions onto the colour camera.

    With `registered` true the streams already share one grid and one viewpoint, and the motions are
    the identity. Without a colour camera that shared grid is the infrared one. `rotation` is the
    clockwise turn in degrees that brings the delivered pictures upright. `radiometric` is the camera's own
    law of infrared fall-off where it was calibrated.
    """

    color: Intrinsics | None
    depth: Intrinsics
    infrared: Intrinsics | None
    depth_to_color: Extrinsics = Extrinsics()
    infrared_to_color: Extrinsics = Extrinsics()
    registered: bool = False
    rotation: Literal[0, 90, 180, 270] = 0
    radiometric: AttenuationLaw | None = None

    @model_validator(mode="after")
    def _streams_fit(self) -> Self:
        if self.color is None and self.infrared is None:
            raise ValueError("a rig needs a color or an infrared camera beside depth")
        if self.color is None and not self.registered:
            raise ValueError("without a color camera depth and infrared must be registered to each other")
        if self.registered:
            shapes = {c.shape for c in (self.color, self.depth, self.infrared) if c is not None}
            if len(shapes) > 1:
                raise ValueError(f"registered streams must share one size, got {sorted(shapes)}")
        return self

    @property
    def grid(self) -> Intrinsics:
        """Camera of the grid that everything is registered to: colour, else infrared."""
        camera = self.color or self.infrared
        assert camera is not None, "guaranteed by the validator"
        return camera
