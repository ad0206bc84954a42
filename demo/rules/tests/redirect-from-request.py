from flask import Flask, redirect, request, url_for

app = Flask(__name__)


@app.get("/go")
def go():
    # ruleid: python.flask.redirect-from-request
    return redirect(request.args["to"])


@app.post("/language")
def language():
    back = request.referrer or "/"
    # ruleid: python.flask.redirect-from-request
    return redirect(back)


@app.get("/profile")
def profile():
    # ok: python.flask.redirect-from-request
    return redirect(url_for("person", name=request.args["name"]))


@app.get("/start")
def start():
    # ok: python.flask.redirect-from-request
    return redirect("/welcome")
