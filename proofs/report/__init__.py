"""Evidence for people: one HTML file, JUnit XML and a Markdown summary."""
