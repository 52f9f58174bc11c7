"""The commands, by what a person wants: plan, change, look, set up."""
