"""The invented borough: SEN2 returns of a fictional population that reproduce the published tables of one authority."""

from pathlib import Path

from orchestration.settings import Settings
from orchestration.synthetic.borough import SynthesisReport, synthesise


def bundled_figures(settings: Settings) -> Path:
    """The published figures that ship with Cornerstone."""
    return settings.seed_dir / "published_statistics" / "published_figures.csv.gz"


__all__ = ["SynthesisReport", "bundled_figures", "synthesise"]
