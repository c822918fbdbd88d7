"""The ground: what every room needs and no room owns. Imports nothing of DeskSeek but itself."""
