"""An error as all of Azure's services put it."""

type Json = dict[str, object]


def error_body(code: str, message: str) -> Json:
    """Answer with Azure's error body; Face was not seen to send x-ms-error-code beside it."""
    return {"error": {"code": code, "message": message}}
