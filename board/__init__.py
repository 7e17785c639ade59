"""One file a product: constants and one build(port)."""
