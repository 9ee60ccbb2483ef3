"""The page that says, for each item of the five systems, what of ours it is, where, and which test shows it."""
