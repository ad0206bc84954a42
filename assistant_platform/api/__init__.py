"""The REST API, for machines."""
