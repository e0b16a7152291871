"""The token that opens one session, and what is kept of it."""

import base64
import hashlib
import hmac

from shared.secret import Secret
from shared.session.ids import RandomBytes

# The hash of no token: what a token is compared with where there is no session.
NO_TOKEN_HASH = "0" * 64


def new_token(random_bytes: RandomBytes) -> Secret:
    """Make a token of 256 random bits."""
    return Secret(base64.urlsafe_b64encode(random_bytes(32)).decode().rstrip("="))


def hash_token(token: Secret) -> str:
    """Return what may be stored of a token."""
    # A header can hold what is no UTF-8; that is a wrong token, not an error.
    return hashlib.sha256(token.reveal().encode(errors="surrogatepass")).hexdigest()


def token_matches(token: Secret, token_hash: str) -> bool:
    """Tell whether a token has this hash, in the same time whatever the answer."""
    return hmac.compare_digest(hash_token(token), token_hash)
