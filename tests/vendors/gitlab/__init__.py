"""A GitLab that remembers: what its parts are, and what its contract says. `tests.vendors.gitlab_server` serves it."""
