"""The server is killed at random and at chosen moments, again and again, under a campaign: nothing that was answered is lost."""
