"""Data flow within one function: constants are folded, request data is followed, other functions of the file are entered."""
