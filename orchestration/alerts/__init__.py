"""What is worth telling somebody, told once, by log, e-mail and webhook. Knows nothing of Dagster, and names no child."""
