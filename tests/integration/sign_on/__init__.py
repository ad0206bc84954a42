"""Single sign-on against real identity providers."""
