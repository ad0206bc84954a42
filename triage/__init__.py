"""Is it real, where is it, what comes first."""
