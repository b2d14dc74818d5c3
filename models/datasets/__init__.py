"""Data that the nets learn from."""
