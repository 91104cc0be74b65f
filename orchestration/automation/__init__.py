"""What runs the assets: jobs."""
