"""Figures told in words, charts and tables, from a release's open tables alone: what portal and board packs are made of."""
