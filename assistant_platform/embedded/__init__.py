"""A whole platform from one command: PostgreSQL and Valkey from wheels, and the processes that use them.

For evaluation, tests and development. It imports no Django: it runs before any setting can be read.
"""
