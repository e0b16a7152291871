"""Write the document where the app serves it from."""

from local.openapi.document import PATH, text

PATH.write_text(text(), encoding="utf-8")
