"""Camera geometry and its calibration: arrays in, dataclasses out; knows no camera."""
