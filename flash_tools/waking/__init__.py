"""Package 0, by UDP and by SMS, so that a device comes to its server."""
