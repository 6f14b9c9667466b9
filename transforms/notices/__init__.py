"""What of a night is worth a message, and the message. Nothing here knows an address or a clock."""
