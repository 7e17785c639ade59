"""One board: who it is, what it runs, what its owner wants of it, its console."""
