import requests
from flask import Flask, request

app = Flask(__name__)
WEATHER = "https://weather.example/today"


@app.get("/fetch")
def fetch():
    # ruleid: python.requests.outgoing-url-from-request
    return requests.get(request.args["address"], timeout=5).text


@app.post("/notify")
def notify():
    target = request.get_json()["callback"]
    # ruleid: python.requests.outgoing-url-from-request
    requests.post(target + "/done", timeout=5)
    return ""


@app.get("/weather")
def weather():
    # ok: python.requests.outgoing-url-from-request
    return requests.get(WEATHER, params={"town": request.args["town"]}, timeout=5).text
