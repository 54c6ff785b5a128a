"""The web server itself: start-up log, health, metrics, live updates."""
