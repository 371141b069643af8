"""What several commands share: options, errors, what is said, completion."""
