"""Outgoing webhooks: what organizations have other systems told, signed, in order, and tried again where it fails."""
