"""How many instructions the costly works of an update take: `make counts`."""
