"""Single sign-on: identity providers of an organization, and the e-mail domains whose people they sign in."""
