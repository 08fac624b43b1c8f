"""Outside checkers over what the program registers: each judges by its own rules, none of which is ours."""
