"""The lab's driver: a small wired network, a capture on it, and the truth about what crossed it."""
