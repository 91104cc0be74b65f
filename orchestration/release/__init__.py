"""Write-audit-publish: immutable release folders that people read while the next one is built. Free of Dagster."""
