"""From one frame set to one verdict: face, gate, depth and reflectance stages, cascade, session rule."""
