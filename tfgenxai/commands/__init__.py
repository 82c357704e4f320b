"""The commands of `tfgenxai`: each module adds a few, parses their options, calls and prints."""
