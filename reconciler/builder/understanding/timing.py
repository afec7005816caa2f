"""Schedules: `every 15 minutes`, `daily at 7`, `alle 10 Minuten`, or a cron expression itself."""

from __future__ import annotations

import re

_CRON = re.compile(r"(?<![\w*/])((?:[\d*/,-]+\s+){4}[\d*/,A-Za-z-]+)(?![\w*/])")
_EVERY = re.compile(
    r"\b(?:every|each|alle|toutes les|tous les|chaque)\s+(?:(?P<n>\d{1,3})\s*)?(?P<unit>min\w*|hours?|stunden?|heures?|h|days?|tage?|jours?)\b",
    re.IGNORECASE,
)
_AT = re.compile(
    r"(?:\bat|\bum|\bà|@)\s*(?P<h>\d{1,2})(?:[:.h](?P<m>\d{2}))?\s*(?P<half>am|pm)?\s*(?:uhr|h|o'clock)?",
    re.IGNORECASE,
)
_DAYS = (
    *(("sunday", "sonntag", "dimanche"), ("monday", "montag", "lundi"), ("tuesday", "dienstag", "mardi")),
    *(
        ("wednesday", "mittwoch", "mercredi"),
        ("thursday", "donnerstag", "jeudi"),
        ("friday", "freitag", "vendredi"),
    ),
    ("saturday", "samstag", "samedi"),
)
_WORDS: tuple[tuple[str, str], ...] = (
    (r"every minute|jede minute|chaque minute", "* * * * *"),
    (r"every half(?: an)? hour|half-hourly|halbstündlich", "*/30 * * * *"),
    (r"every quarter(?: of an)? hour|viertelstündlich", "*/15 * * * *"),
    (r"hourly|every hour|each hour|stündlich|jede stunde|toutes les heures|chaque heure", "0 * * * *"),
)
_WORKDAYS = re.compile(r"\b(?:work(?:ing)? ?days?|weekdays?|werktags?|jours ouvr\w+)\b", re.IGNORECASE)
_DAILY = re.compile(
    r"\b(?:daily|every (?:day|morning|night|evening)|nightly|each (?:day|night|morning)|täglich|jede nacht|jeden (?:tag|morgen)|quotidien\w*|chaque (?:jour|nuit|matin)|tous les (?:jours|matins))\b",
    re.IGNORECASE,
)


def schedule_in(text: str) -> str:
    """The cron expression a text means; empty where it means none."""
    lowered = text.lower()
    if found := _CRON.search(text):
        return " ".join(found[1].split()) if _is_cron(found[1]) else ""
    for pattern, cron in _WORDS:
        if re.search(rf"\b(?:{pattern})\b", lowered):
            return cron
    hour, minute = _clock(lowered)
    at = f"{minute} {hour}"
    for number, names in enumerate(_DAYS):
        if any(
            re.search(rf"\b(?:every|each|on|jeden|am|chaque|le|tous les)\s+{name}s?\b", lowered)
            for name in names
        ):
            return f"{at} * * {number}"
    if _WORKDAYS.search(lowered):
        return f"{at} * * 1-5"
    if _DAILY.search(lowered):
        return f"{at} * * *"
    if re.search(r"\b(?:weekly|every week|wöchentlich|hebdomadaire|chaque semaine)\b", lowered):
        return f"{at} * * 1"
    return _interval(lowered)


def _interval(lowered: str) -> str:
    found = _EVERY.search(lowered)
    if found is None:
        return ""
    count, unit = int(found["n"] or 1), found["unit"]
    if unit.startswith("min"):
        return f"*/{count} * * * *" if 1 <= count <= 59 else ""
    if unit.startswith(("h", "s")):
        return f"0 */{count} * * *" if 1 <= count <= 23 else ""
    return f"0 6 */{count} * *" if 1 <= count <= 28 else ""


def _clock(lowered: str) -> tuple[int, int]:
    """Hour and minute; where none is said, by the time of day that is."""
    found = _AT.search(lowered)
    if found is not None:
        hour, minute = int(found["h"]), int(found["m"] or 0)
        hour += 12 if found["half"] == "pm" and hour < 12 else 0
        if hour < 24 and minute < 60:
            return hour, minute
    return (2, 0) if re.search(r"night|nacht|nuit", lowered) else (7, 0)


def _is_cron(text: str) -> bool:
    from datetime import UTC, datetime

    from cronsim import CronSim, CronSimError

    try:
        CronSim(text.strip(), datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError:
        return False
    return True
