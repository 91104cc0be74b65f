"""Board packs: one print-ready page of the KPIs that a board watches."""
