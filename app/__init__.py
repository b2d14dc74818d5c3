"""What a person starts: the command line, the demo and the pictures."""
