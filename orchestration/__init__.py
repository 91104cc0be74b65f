"""Cornerstone: from the files councils receive to a release that people can rely on."""
