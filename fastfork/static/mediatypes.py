"""Media types by the end of a file's name.

The table is our own.  What a machine has in /etc/mime.types differs from one to the next, and a
script that is text/plain on one of them is blocked by browsers there (X-Content-Type-Options).

Runs in: worker
"""

from __future__ import annotations

from typing import Final

__all__ = ["UNKNOWN", "gains_nothing", "media_type"]

# For what has no ending, or one that is not in the table: it is saved and not shown.
UNKNOWN: Final = "application/octet-stream"
UTF_8: Final = "; charset=utf-8"

# Media type -> endings.  Those of text are sent as UTF-8.  The names are those of the registry of
# IANA, and for scripts RFC 9239.
_TYPES: Final = {
    "application/atom+xml": "atom",
    "application/epub+zip": "epub",
    "application/geo+json": "geojson",
    "application/gzip": "gz tgz",
    "application/java-archive": "jar",
    "application/json": "json map",
    "application/ld+json": "jsonld",
    "application/manifest+json": "webmanifest",
    "application/msword": "doc",
    "application/pdf": "pdf",
    "application/postscript": "ai eps ps",
    "application/rss+xml": "rss",
    "application/rtf": "rtf",
    "application/vnd.android.package-archive": "apk",
    "application/vnd.apple.mpegurl": "m3u8",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-fontobject": "eot",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.sqlite3": "sqlite sqlite3",
    "application/wasm": "wasm",
    "application/x-7z-compressed": "7z",
    "application/x-bzip2": "bz2",
    "application/x-tar": "tar",
    "application/x-xz": "xz",
    "application/xhtml+xml": "xhtml",
    "application/xml": "xml xsl xslt",
    "application/yaml": "yaml yml",
    "application/zip": "zip",
    "application/zstd": "zst",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/midi": "mid midi",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/ogg": "oga ogg opus",
    "audio/wav": "wav",
    "audio/webm": "weba",
    "font/collection": "ttc",
    "font/otf": "otf",
    "font/ttf": "ttf",
    "font/woff": "woff",
    "font/woff2": "woff2",
    "image/apng": "apng",
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/jpeg": "jpeg jpg",
    "image/jxl": "jxl",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/tiff": "tif tiff",
    "image/vnd.microsoft.icon": "ico cur",
    "image/webp": "webp",
    "model/gltf+json": "gltf",
    "model/gltf-binary": "glb",
    "text/calendar": "ics",
    "text/css": "css",
    "text/csv": "csv",
    "text/html": "htm html",
    "text/javascript": "cjs js mjs",
    "text/markdown": "markdown md",
    "text/plain": "conf log rst text txt",
    "text/vcard": "vcard vcf",
    "text/vtt": "vtt",
    "video/mp2t": "ts",
    "video/mp4": "m4v mp4",
    "video/mpeg": "mpeg mpg",
    "video/ogg": "ogv",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "mkv",
}
# Text that is not called so.
_ALSO_TEXT: Final = ("application/xml", "application/yaml", "image/svg+xml")
_BY_ENDING: Final = {
    ending: kind + UTF_8 if kind.startswith("text/") or kind in _ALSO_TEXT else kind
    for kind, endings in _TYPES.items()
    for ending in endings.split()
}
# What is compressed as it is: nobody makes variants of these.
_COMPRESSED: Final = (
    "7z", "apk", "apng", "avif", "br", "bz2", "docx", "epub", "flac", "gif", "gz", "heic", "jar",
    "jpeg", "jpg", "jxl", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg", "odp", "ods",
    "odt", "oga", "ogg", "ogv", "opus", "png", "pptx", "tgz", "ts", "weba", "webm", "webp", "woff",
    "woff2", "xlsx", "xz", "zip", "zst",
)  # fmt: skip


def _ending(path: str) -> str:
    name = path.rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem else ""


def media_type(path: str) -> str:
    """Return the Content-Type of a file, from its path."""
    return _BY_ENDING.get(_ending(path), UNKNOWN)


def gains_nothing(path: str) -> bool:
    """Return whether a file of this name is compressed already."""
    return _ending(path) in _COMPRESSED
