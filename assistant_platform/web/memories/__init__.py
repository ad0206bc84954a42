"""The pages of memories: the list, one memory, trying it out, bringing and taking them along."""
