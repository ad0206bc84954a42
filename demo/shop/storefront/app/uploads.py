"""Pictures of products and attachments of support requests."""

import hashlib
import os
import subprocess
from pathlib import Path

import requests
from flask import Blueprint, abort, current_app, jsonify, request, send_file
from werkzeug.utils import secure_filename

from .accounts import login_required, staff_required

bp = Blueprint("uploads", __name__)

PICTURE_TYPES = {".jpg", ".jpeg", ".png", ".webp"}
DOWNLOAD_LIMIT_BYTES = 8 * 1024 * 1024


def make_thumbnail(source, width):
    target = os.path.splitext(source)[0] + f"-{width}.webp"
    subprocess.run(f"convert {source} -resize {width}x -quality 82 {target}", shell=True, check=True, timeout=30)
    return target


def link_signature(name, expires):
    """Sign a download link for the content network, which knows the same secret."""
    secret = current_app.config["SECRET_KEY"]
    return hashlib.sha1(f"{secret}|{name}|{expires}".encode()).hexdigest()


@bp.post("/picture")
@staff_required
def upload_picture():
    upload = request.files["picture"]
    suffix = os.path.splitext(upload.filename)[1].lower()
    if suffix not in PICTURE_TYPES:
        abort(415)
    path = os.path.join(current_app.config["UPLOAD_DIR"], upload.filename)
    upload.save(path)
    return jsonify({"original": path, "thumbnail": make_thumbnail(path, 320)})


@bp.post("/picture/from-url")
@staff_required
def picture_from_url():
    address = request.form["address"]
    answer = requests.get(address, timeout=10, stream=True)
    picture = answer.raw.read(DOWNLOAD_LIMIT_BYTES, decode_content=True)
    name = hashlib.sha256(picture).hexdigest() + ".bin"
    target = Path(current_app.config["UPLOAD_DIR"]) / name
    target.write_bytes(picture)
    return jsonify({"original": str(target), "type": answer.headers.get("Content-Type")})


@bp.get("/attachment")
@login_required
def attachment():
    name = request.args.get("name", "")
    return send_file(os.path.join(current_app.config["UPLOAD_DIR"], name), as_attachment=True)


@bp.get("/manual")
def manual():
    folder = Path(current_app.config["UPLOAD_DIR"], "manuals").resolve()
    wanted = (folder / request.args.get("file", "")).resolve()
    if not wanted.is_relative_to(folder) or not wanted.is_file():
        abort(404)
    return send_file(wanted, mimetype="application/pdf")


@bp.post("/support")
@login_required
def support_file():
    upload = request.files["file"]
    name = secure_filename(upload.filename) or "file"
    upload.save(os.path.join(current_app.config["UPLOAD_DIR"], "support", name))
    return jsonify({"stored": name}), 201
