"""The governance portal: static pages in the evidence folder of a release, read from a file share without a server."""
