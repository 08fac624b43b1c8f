"""Keeping what policy would remove, and proving what it removed: legal holds, longer locks, certificates of expiry."""
