"""PostgreSQL, told at the start of each transaction whose work it is."""
