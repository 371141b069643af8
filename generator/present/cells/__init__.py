"""One model on one image: the numbers that its page loads."""
