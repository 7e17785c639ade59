"""Whole devices on a simulated network: worlds that are drawn from a seed, and what must hold in every one of them."""
