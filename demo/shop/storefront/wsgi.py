"""Entry point: `gunicorn wsgi:app` in the container, `python wsgi.py` on the packing station."""

from app import create_app

app = create_app()

if __name__ == "__main__":
    app.run(host="0.0.0.0", port=8000, debug=True)
