"""Takes the screenshots of the operators' page for README."""
