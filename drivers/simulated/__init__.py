"""A camera that does not exist: simulated heads, materials, sensor and scenes."""
