"""What keeps a child unknown outside the vault: secrets, pseudonyms, the identity vault, sealed files."""
