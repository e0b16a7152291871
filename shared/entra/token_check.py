"""From a token to who calls: it is checked with the key that it names, if the tenant has that."""

from dataclasses import dataclass

from shared.entra import access_token
from shared.entra.access_token import AccessToken, TokenRules
from shared.entra.signing_keys import SigningKeys
from shared.errors import UnauthorizedError
from shared.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCheck:
    """Finds tokens good or refuses them; only a key that is not known yet costs a call."""

    keys: SigningKeys
    rules: TokenRules

    async def verify(self, token: Secret) -> AccessToken:
        """Say who calls; UnauthorizedError, or SigningKeysUnavailableError where nobody knows."""
        text = token.reveal()
        key = await self.keys.find(access_token.read_key_id(text))
        if key is None:
            raise UnauthorizedError("the token is signed with none of the tenant's keys")
        return access_token.verify(text, key, self.rules)
