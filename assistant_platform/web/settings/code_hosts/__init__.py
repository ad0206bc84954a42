"""Settings > Code hosts: which hosts are connected and how, GitHub Apps made on the way, the repositories chosen."""
