"""How fast and with how much memory the journey runs, stage by stage, beside the quickest reading of the same bytes."""
