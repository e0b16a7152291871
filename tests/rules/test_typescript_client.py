"""The TypeScript client's types are those of the OpenAPI document."""

import hashlib
import re

from local.openapi.document import PATH
from tests.rules.source import ROOT

TYPES = (ROOT / "clients" / "typescript" / "src" / "openapi.ts").read_text(encoding="utf-8")


def test_the_types_are_made_of_the_document_that_is_committed() -> None:
    (told,) = re.findall(r"^// ([0-9a-f]{64})$", TYPES, re.MULTILINE)

    assert told == hashlib.sha256(PATH.read_bytes()).hexdigest(), "run `make openapi`"
