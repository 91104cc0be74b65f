"""The invented borough: SEN2 returns of a fictional population that reproduce the published tables of one authority."""

from orchestration.settings import PROJECT_DIR
from orchestration.synthetic.borough import SynthesisReport, synthesise

BUNDLED_FIGURES = PROJECT_DIR / "raw" / "seed" / "published_statistics" / "published_figures.csv.gz"

__all__ = ["BUNDLED_FIGURES", "SynthesisReport", "synthesise"]
