import sqlite3

from flask import Flask, request

app = Flask(__name__)
connection = sqlite3.connect("library.db")


@app.get("/books")
def books():
    author = request.args["author"]
    # ruleid: python.flask.sql-built-from-request
    return connection.execute("SELECT title FROM books WHERE author = '" + author + "'").fetchall()


@app.post("/loans")
def loans():
    statement = f"SELECT * FROM loans WHERE reader = '{request.form['reader']}'"
    # ruleid: python.flask.sql-built-from-request
    return connection.execute(statement).fetchall()


@app.get("/readers")
def readers():
    # ok: python.flask.sql-built-from-request
    return connection.execute("SELECT * FROM readers WHERE town = ?", (request.args["town"],)).fetchall()


@app.get("/shelves")
def shelves():
    floor = "first"
    # ok: python.flask.sql-built-from-request
    return connection.execute("SELECT * FROM shelves WHERE floor = '" + floor + "'").fetchall()
