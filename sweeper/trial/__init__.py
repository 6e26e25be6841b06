"""What a trial is, and how it ended. Standard library only."""
