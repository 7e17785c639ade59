"""The host side: the fumo command and what it is made of."""
