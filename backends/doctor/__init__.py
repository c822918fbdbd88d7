"""What is wrong with this machine for DeskSeek, and the repair."""
