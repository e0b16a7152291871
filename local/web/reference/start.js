// Redoc is a global of the script before this one.
Redoc.init(
  "/api-reference/openapi.json",
  { hideDownloadButton: false, requiredPropsFirst: true },
  document.getElementById("reference"),
);
