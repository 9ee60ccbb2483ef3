"""Names that every signal and every back end share, from one table."""
