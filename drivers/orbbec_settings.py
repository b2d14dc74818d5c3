"""What can be set on an Orbbec camera, and how it is written to the camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, FiniteFloat

from drivers.errors import Unsupported

_LASERS: Final = (("OB_PROP_LASER_CONTROL_INT", "int"), ("OB_PROP_LASER_BOOL", "bool"))


@dataclass(frozen=True, slots=True)
class OrbbecSettings:
    """What to set on the camera; None leaves what it has. Exposures and gains are in the camera's own units.

    `hardware_alignment`: depth is moved onto colour by the camera where it can for the profile; else, and by
    default, registration does that. `infrared_white`: the count at which 16-bit infrared saturates.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    width: int = 640
    height: int = 480
    rate: int = 30
    laser: bool | None = None
    color_exposure: int | None = None
    color_gain: int | None = None
    white_balance_k: int | None = None
    infrared_exposure: int | None = None
    infrared_gain: int | None = None
    infrared_white: Annotated[FiniteFloat, Field(gt=0)] | None = None
    hardware_alignment: bool = False


def apply(ob: Any, device: Any, wished: OrbbecSettings, where: str) -> None:
    """Writes the settings; `where` names the camera in errors. Raises Unsupported for one that it does not have."""
    if wished.laser is not None:
        name, kind = next((each for each in _LASERS if _can(ob, device, each[0])), _LASERS[-1])
        _set(ob, device, f"{where}: the camera has no laser to switch; leave laser out", name, kind, wished.laser)
    for label, auto, name, value in (
        ("color_exposure", "COLOR_AUTO_EXPOSURE", "COLOR_EXPOSURE", wished.color_exposure),
        ("color_gain", "COLOR_AUTO_EXPOSURE", "COLOR_GAIN", wished.color_gain),
        ("white_balance_k", "COLOR_AUTO_WHITE_BALANCE", "COLOR_WHITE_BALANCE", wished.white_balance_k),
        ("infrared_exposure", "IR_AUTO_EXPOSURE", "IR_EXPOSURE", wished.infrared_exposure),
        ("infrared_gain", "IR_AUTO_EXPOSURE", "IR_GAIN", wished.infrared_gain),
    ):
        if value is not None:
            lacking = f"{where}: the camera has no setting {label}; leave it out"
            if _can(ob, device, f"OB_PROP_{auto}_BOOL"):
                _set(ob, device, lacking, f"OB_PROP_{auto}_BOOL", "bool", False)
            _set(ob, device, lacking, f"OB_PROP_{name}_INT", "int", value)


def _can(ob: Any, device: Any, name: str) -> bool:
    writing = ob.OBPermissionType.PERMISSION_WRITE
    return bool(device.is_property_supported(getattr(ob.OBPropertyID, name), writing))


def _set(ob: Any, device: Any, lacking: str, name: str, kind: str, value: int | bool) -> None:
    if not _can(ob, device, name):
        raise Unsupported(lacking)
    setter = device.set_bool_property if kind == "bool" else device.set_int_property
    setter(getattr(ob.OBPropertyID, name), bool(value) if kind == "bool" else int(value))
