"""The groups that assets stand in: the stages of the journey, numbered, because the UI lists them by name."""

STAGES = ("received", "landing", "seed", "staging", "intermediate", "marts", "kpi", "kpi_open", "release")
_OF_FOLDER = {"kpi_internal": "kpi"}


def group_of(stage: str) -> str:
    """The group of a stage, or of a folder of dbt models: 6_marts."""
    stage = _OF_FOLDER.get(stage, stage)
    return f"{STAGES.index(stage) + 1}_{stage}"
