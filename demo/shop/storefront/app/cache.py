"""A small read-through cache in Redis, shared with the recommendation service."""

import functools
import pickle

import redis
from flask import current_app

_clients = {}


def client():
    url = current_app.config["REDIS_URL"]
    if url not in _clients:
        _clients[url] = redis.Redis.from_url(url, socket_timeout=0.5)
    return _clients[url]


def read(key):
    stored = client().get(key)
    return None if stored is None else pickle.loads(stored)


def forget(prefix):
    try:
        for key in client().scan_iter(prefix + "*"):
            client().delete(key)
    except Exception:
        pass


def cached(seconds):
    def decorate(function):
        @functools.wraps(function)
        def wrapped(*args):
            key = ":".join([function.__name__, *map(str, args)])
            value = read(key)
            if value is None:
                value = function(*args)
                client().setex(key, seconds, pickle.dumps(value))
            return value

        return wrapped

    return decorate
