"""Builds every edition of a lesson from its one source, `solutions/NN_name.py`."""
