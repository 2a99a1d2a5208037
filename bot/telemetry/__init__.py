"""What the program tells about itself: logs without secrets, metrics, health; imported by effects only."""
