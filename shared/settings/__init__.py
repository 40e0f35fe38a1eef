"""App settings and the rules between them."""
