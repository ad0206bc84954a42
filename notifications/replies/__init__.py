"""Commands that people write below our comments: read, carried out once, and answered."""
