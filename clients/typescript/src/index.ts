export type * from "./openapi.js";
export {
  type CallOptions,
  type CompleteOptions,
  FrontendClient,
  type FrontendOptions,
} from "./frontend-client.js";
export { type Guide, guide, languages } from "./guide.js";
export type { LivenessDetector } from "./liveness-detector.js";
export { LivenessError, type LivenessErrorCode } from "./liveness-error.js";
