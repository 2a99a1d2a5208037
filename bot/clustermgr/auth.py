"""The optional request token that a Clustermgr may demand."""

import base64
import hashlib

HEADER = "BLOB-STORE-AUTH-TOKEN"


def request_token(secret: str, path: str, raw_query: str, at: int) -> str:
    """The token for one request: URL-safe base64 of `ts8 || md5(path || rawquery || ts8 || secret)`.

    `path` is the decoded URL path, `raw_query` the query as sent without "?", `at` Unix seconds. The body is not
    covered and the server does not check the time (docs/clustermgr.md).
    """
    stamp = at.to_bytes(8, "little")
    digest = hashlib.md5(path.encode() + raw_query.encode() + stamp + secret.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(stamp + digest).decode()
