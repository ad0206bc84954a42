"""GitHub Cloud and GitHub Enterprise Server."""
