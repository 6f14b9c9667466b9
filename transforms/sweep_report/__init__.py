"""What a sweep says: its record, its maps as drawings, and its page."""
