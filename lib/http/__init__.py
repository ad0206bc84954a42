"""Requests to hosts that people typed: where they may go, how long they may take, how much may come back."""
