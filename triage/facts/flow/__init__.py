"""Data flow within one function: constants are folded, request data followed, other functions of the file entered."""
