// What bundles for browsers and phones get in place of the server's entry.
throw new Error(
  "@face-liveness-functions/client/server holds your key: use it on your server only, never in a frontend.",
);

export {};
