"""Pages about rules: the list, one rule, changing many, bringing some, and how rules are treated in general."""
