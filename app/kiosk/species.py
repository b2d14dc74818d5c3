"""Labels in words: recordings keep the keys, such as `flat_print`, and people read their own language."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def species_words(key: str) -> str:
    """What a species is called; a key of somebody's own without its underscores."""
    words = {
        "bona_fide": QCoreApplication.translate("Species", "bona fide"),
        "flat_print": QCoreApplication.translate("Species", "flat print"),
        "trimmed_print": QCoreApplication.translate("Species", "trimmed print"),
        "folded_print": QCoreApplication.translate("Species", "folded print"),
        "curved_print": QCoreApplication.translate("Species", "curved print"),
        "wrapped_print": QCoreApplication.translate("Species", "wrapped print"),
        "cutout_print": QCoreApplication.translate("Species", "cut-out print"),
        "vinyl_banner": QCoreApplication.translate("Species", "vinyl banner"),
        "screen_replay": QCoreApplication.translate("Species", "screen replay"),
        "resin_mask": QCoreApplication.translate("Species", "resin mask"),
        "plaster_mask": QCoreApplication.translate("Species", "plaster mask"),
        "silicone_mask": QCoreApplication.translate("Species", "silicone mask"),
        "latex_mask": QCoreApplication.translate("Species", "latex mask"),
        "plastic_mask": QCoreApplication.translate("Species", "plastic mask"),
        "textile_mask": QCoreApplication.translate("Species", "textile mask"),
        "mannequin_head": QCoreApplication.translate("Species", "mannequin head"),
    }
    return words.get(key, key.replace("_", " "))


def light_words(key: str) -> str:
    """What a light is called; any other is called what its user called it."""
    words = {
        "office": QCoreApplication.translate("Species", "office"),
        "daylight": QCoreApplication.translate("Species", "daylight"),
        "dim": QCoreApplication.translate("Species", "dim"),
        "dark": QCoreApplication.translate("Species", "dark"),
        "backlight": QCoreApplication.translate("Species", "backlight"),
        "outdoors": QCoreApplication.translate("Species", "outdoors"),
    }
    return words.get(key, key)
