"""People, projects and how they are set up."""
