"""The parts of the stateful GitHub in tests/vendors/github_server.py."""
