"""The built-in tools, declared. Each module holds tools of one kind and the checks that belong to them."""

from __future__ import annotations

from reconciler.tools.base import ToolDeclaration
from reconciler.tools.declarations.data import JSON_TRANSFORM
from reconciler.tools.declarations.language_model import LLM_PROCESSOR
from reconciler.tools.declarations.mail import EMAIL_CONNECTOR
from reconciler.tools.declarations.tables import DATABASE_READER, DATABASE_WRITER
from reconciler.tools.declarations.text import (
    HTML_TO_TEXT,
    KEYWORD_CLASSIFIER,
    TEMPLATE,
    TEXT_EXTRACT,
    TEXT_SPLITTER,
)
from reconciler.tools.declarations.web import HTTP_REQUEST

BUILTIN_TOOLS: tuple[ToolDeclaration, ...] = (
    LLM_PROCESSOR,
    DATABASE_WRITER,
    DATABASE_READER,
    HTTP_REQUEST,
    TEXT_SPLITTER,
    TEXT_EXTRACT,
    TEMPLATE,
    KEYWORD_CLASSIFIER,
    JSON_TRANSFORM,
    HTML_TO_TEXT,
    EMAIL_CONNECTOR,
)
