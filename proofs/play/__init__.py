"""Playing on a host in the terminal: a walk of statements that branches, and the screen that shows where it stands."""
