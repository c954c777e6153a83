"""A host and a port as one word. Quick to import."""


def netloc(host: str, port: int) -> str:
    """Return `host:port` as it stands in a URL: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
