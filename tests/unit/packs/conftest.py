"""Packs are made of the store that the figures are tested on."""

from tests.unit.figures.conftest import store

__all__ = ["store"]
