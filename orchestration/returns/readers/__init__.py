"""Readers, one module a file shape. A return adds a spec, not a reader."""
