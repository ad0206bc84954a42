"""A day in the life of a pull request: who takes part (`hosts`), what happens (`course`), and workers that die."""
