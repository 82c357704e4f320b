"""What `tfgenxai explain` does: a method, a model and words in; files and a table out."""
