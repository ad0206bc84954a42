from flask import Flask, make_response, render_template_string, request
from markupsafe import Markup, escape

app = Flask(__name__)


@app.get("/hello")
def hello():
    # ruleid: python.flask.unescaped-markup
    return make_response("<h1>Hello " + request.args["name"] + "</h1>")


@app.get("/card")
def card():
    text = request.form["text"]
    # ruleid: python.flask.unescaped-markup
    return render_template_string("<p>" + text + "</p>")


@app.get("/badge")
def badge():
    # ok: python.flask.unescaped-markup
    return Markup("<b>" + escape(request.args["label"]) + "</b>")


@app.get("/footer")
def footer():
    # ok: python.flask.unescaped-markup
    return Markup("<small>Made by hand</small>")
