"""Replicas over one database: which are active, and which holds each task. Begin at membership.py."""
