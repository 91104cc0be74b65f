"""What a controller owes the people in its data: erasure, retention, renewal of the key, and an account of who did what."""
