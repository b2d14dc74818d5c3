"""Data capture without a window: takes on disk, protocols, data sets, what a set can prove."""
