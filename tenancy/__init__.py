"""The floor everything stands on: organizations, the scope, the backend."""
