"""Models that run at a vendor: what each is sent, what it answers, and what that costs."""
