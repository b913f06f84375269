"""What is said."""

WORD = "pushed"
