"""Rates counted in Redis, for all processes of all machines: where a database would have to commit for each call.

As in `rates`, a while is cut into stretches that each have a count, and any while of that length holds no more than its
rate allows. The clock is the server's. One round trip a call; the sum is kept, so that counting costs the same
whatever the rate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.database.rates import Rate
from reconciler.errors import Unavailable, UsageError

if TYPE_CHECKING:
    from redis import Redis

STRETCHES = 240
"""Finer than in a database, as nothing is read but the sum: room returns at most so small a part of a while late."""
PREFIX = "reconciler:rate:"

_TAKE = """
local now = redis.call('TIME')
local limit, seconds, stretches = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local stretch = math.floor((now[1] + now[2] / 1000000) * stretches / seconds)
local kept = redis.call('HMGET', KEYS[1], 'stretch', 'sum')
local sum = tonumber(kept[2] or 0)
if tonumber(kept[1] or -1) ~= stretch then
  sum = 0
  local counts = redis.call('HGETALL', KEYS[1])
  for i = 1, #counts, 2 do
    local number = tonumber(counts[i])
    if number then
      if number < stretch - stretches then redis.call('HDEL', KEYS[1], counts[i])
      else sum = sum + tonumber(counts[i + 1]) end
    end
  end
  redis.call('HSET', KEYS[1], 'stretch', stretch, 'sum', sum)
  redis.call('EXPIRE', KEYS[1], math.ceil(seconds * 2))
end
if sum >= limit then return 0 end
redis.call('HINCRBY', KEYS[1], stretch, 1)
redis.call('HINCRBY', KEYS[1], 'sum', 1)
return 1
"""


class RedisRates:
    """Connects when first asked. May be shared by threads."""

    def __init__(self, url: str) -> None:
        """Raises UsageError where the client is not installed, or the address is none."""
        try:
            import redis
        except ImportError as error:
            raise UsageError(
                "the Redis client is not installed", hint="pip install 'reconciler[celery]'"
            ) from error
        try:
            self._client: Redis = redis.Redis.from_url(url, socket_timeout=5.0, socket_connect_timeout=5.0)
        except ValueError as error:
            hint = "write redis://host:6379/0 into RECONCILER_REDIS_URL"
            raise UsageError("the address of Redis is none", hint=hint) from error
        self._failures: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        self._take: Any = self._client.register_script(_TAKE)

    def take(self, rate: Rate) -> bool:
        """Count one more; False where there is no room. Raises Unavailable: what cannot be counted is not done."""
        try:
            return bool(self._take(keys=[PREFIX + rate.name], args=[rate.count, rate.seconds, STRETCHES]))
        except self._failures as error:
            raise Unavailable(
                f"the rate of {rate.name} cannot be counted: Redis does not answer ({type(error).__name__})",
                hint="see to the server that RECONCILER_REDIS_URL names",
            ) from error

    def close(self) -> None:
        self._client.close()
