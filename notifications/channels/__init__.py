"""Where messages go that are not comments: each channel sends one, and edits what it has sent."""
