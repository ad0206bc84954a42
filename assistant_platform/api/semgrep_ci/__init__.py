"""The server that the unmodified `semgrep ci` client talks to: its addresses, its envelopes, our scans behind them.

The protocol is the client's own and not documented by its vendor; what is written here was seen on the wire of
versions 1.100 and 1.182 (docs/ci.md tells people how to use it).
"""
