"""What the machine and the engine do, why that is as quick as it is, and what to do about it."""
