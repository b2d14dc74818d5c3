"""Cameras as a user names them: `scheme://[serial][?setting=value&…]`."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import TypeAdapter, ValidationError

from drivers.errors import CameraError

Settings = TypeVar("Settings")


def parse_camera(uri: str, settings: type[Settings], example: str) -> tuple[str, Settings]:
    """(serial number, empty for the first camera found; the settings, a dataclass `settings`) of a URI.

    Raises CameraError that names the wrong part, or shows the `example`.
    """
    parts = urlsplit(uri)
    try:
        values = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        found = TypeAdapter(settings).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        fields: dict[str, Any] = getattr(settings, "__dataclass_fields__", {})
        raise CameraError(f"{uri}: {first['loc'][0]}: {first['msg']}; the settings are {', '.join(fields)}") from None
    except ValueError:
        raise CameraError(f"{uri}: write settings as {example}") from None
    return (parts.netloc + parts.path).strip("/"), found
