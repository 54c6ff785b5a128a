"""The server's entry: `gunicorn wsgi:app`."""

from app import create_app
from app.loading import loading

with loading():
    app = create_app()
