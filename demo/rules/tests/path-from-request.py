import os

from flask import Flask, request, send_file
from werkzeug.utils import secure_filename

app = Flask(__name__)


@app.get("/map")
def city_map():
    # ruleid: python.flask.path-from-request
    return send_file(os.path.join("maps", request.args["city"]))


@app.get("/notes")
def notes():
    name = request.args.get("name")
    # ruleid: python.flask.path-from-request
    with open(f"notes/{name}.txt") as file:
        return file.read()


@app.get("/photo")
def photo():
    name = secure_filename(request.args["name"])
    # ok: python.flask.path-from-request
    return send_file(os.path.join("photos", name))


@app.get("/terms")
def terms():
    # ok: python.flask.path-from-request
    return send_file("static/terms.pdf")
