"""What valid means: the rule catalogue, and Great Expectations which judges by it."""
