"""Board packs: one print-ready page of the KPIs that a board watches, made from a release's open tables alone."""
