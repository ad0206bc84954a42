"""What knows nothing of the product."""
