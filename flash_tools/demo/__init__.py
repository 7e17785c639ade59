"""`make run`: a real server, real devices, one campaign, and power that fails in the middle of it."""
