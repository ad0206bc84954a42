"""What every ScmAdapter owes, whichever host it speaks to; each host on loopback checks what it is sent."""
