"""The cache that all processes share, and what stands in for it while it cannot be reached."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError


class SharedCache(RedisCache):
    """Redis, or this process's own memory while Redis does not answer.

    So people can sign in without the broker, and the count of wrong passwords is still kept, if only per process.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._own = LocMemCache("while-redis-is-away", {**params, "OPTIONS": {}})

    def add(self, *args: Any, **kwargs: Any) -> bool:
        """Keep a value unless there is one."""
        try:
            return super().add(*args, **kwargs)
        except RedisError:
            return self._own.add(*args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        """Return a value, or the default."""
        try:
            return super().get(*args, **kwargs)
        except RedisError:
            return self._own.get(*args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> None:
        """Keep a value."""
        try:
            super().set(*args, **kwargs)
        except RedisError:
            self._own.set(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        """Forget a value."""
        try:
            return super().delete(*args, **kwargs)
        except RedisError:
            return self._own.delete(*args, **kwargs)
