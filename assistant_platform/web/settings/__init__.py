"""The settings of an organization: one module a page, listed in `navigation`."""
