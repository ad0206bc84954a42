"""Source code managers, one module each. They know no database and no framework."""
