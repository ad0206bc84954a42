"""Events and Jobs: what happened and what is to be done."""
