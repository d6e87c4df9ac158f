"""Which pictures of others are shown, by how they begin."""

# A drawing (SVG) may hold a script, and is none of them.
_PICTURES: dict[str, tuple[bytes, int, bytes]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n", 12, b"IHDR"),
    "image/jpeg": (b"\xff\xd8\xff", 0, b""),
    "image/webp": (b"RIFF", 8, b"WEBP"),
}


def picture_media_type(content: bytes) -> str | None:
    """The media type of a picture that we show; None for anything else."""
    for media_type, (beginning, index, mark) in _PICTURES.items():
        if content.startswith(beginning) and content[index:].startswith(mark):
            return media_type
    return None
