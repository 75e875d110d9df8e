"""Load by locust: phones of many kinds against any server, each answer verified. run.py starts it."""
