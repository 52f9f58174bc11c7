"""What people write: one module per verb, found by walking this package."""
