"""Update packages: made, priced, read, shown and compared."""
