"""Nets, their training and their figures: everything that makes a model bundle."""
