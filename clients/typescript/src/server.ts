export type * from "./openapi.js";
export { LivenessError, type LivenessErrorCode } from "./liveness-error.js";
export {
  ServerClient,
  type ServerCallOptions,
  type ServerCredential,
  type ServerOptions,
  type StartOptions,
  type StartRequest,
} from "./server-client.js";
