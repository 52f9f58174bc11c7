"""From text to a checked `Spec`: reading, templates, schema, building."""
