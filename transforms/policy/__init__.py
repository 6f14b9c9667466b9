"""The policy: rules and numbers as data, read from a file, checked, hashed and compared."""
